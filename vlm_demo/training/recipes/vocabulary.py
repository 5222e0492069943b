"""Tokenizers for the embedded models: small, lower case, with the words of the scenes.

They are byte-level BPE, so that any text can be written. Phrases that a family's prompts repeat,
Japanese words and fractions are single tokens, which keeps sequences short.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from vlm_demo.scenes import kinds
from vlm_demo.scenes.dialogues import ENGLISH, TASKS, ask, converse
from vlm_demo.scenes.painting import draw_scene

BOS, PAD, EOS, UNK = "<s>", "<pad>", "</s>", "<unk>"
_SIZE = 1100  # before phrases, Japanese words and fractions are added
# First words of sentences keep their capital; each token includes the blank before it.
_CAPITALISED = (" A", " An", " The", " There", " It", " Yes", " No", " Hello", " Goodbye", " You",
                " I", " This", " In", " Ask")  # fmt: skip

_JAPANESE_GRAMMAR = """
この画像を この絵を 説明してください 詳しく 何が 写っていますか 見えますか 見えます
何がありますか この画像には 位置つきで 全部 見つけてください の位置を 示してください 一番左
一番右 一番上 一番下 一番大きいもの 一番小さいもの は何ですか これ もの いくつ ありますか
あります ありません 物 背景 何色ですか の色 はい いいえ の左に の右に の上に の下に ですか
です どこですか それ そうです 違います つ が は を に の 、 。 ? 左 右 上 下 真ん中
こんにちは ありがとう ございます 小さなモデル 画像 について 聞いてください どういたしまして
さようなら 灰色
"""


def train_tokenizer(
    phrases: Sequence[str], *, japanese: bool, image_token: str | None = None
) -> PreTrainedTokenizerFast:
    """Train a tokenizer on questions and answers about scenes.

    Args:
        phrases: strings that become one token each, matched exactly.
        japanese: whether Japanese words become tokens too.
        image_token: the special token that stands for a patch of the picture, if any.
    """
    core = Tokenizer(models.BPE())
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_SIZE,
        min_frequency=3,
        special_tokens=[BOS, PAD, EOS, UNK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_english_corpus(), trainer)
    core.add_tokens([AddedToken(word, normalized=False, single_word=True) for word in _CAPITALISED])
    core.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    if japanese:
        core.add_tokens([AddedToken(word, normalized=True) for word in _japanese_words()])
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, core.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        bos_token=BOS,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        extra_special_tokens={"image_token": image_token} if image_token else {},
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _english_corpus() -> Iterator[str]:
    """Yield questions and answers about training scenes, and every word that can occur."""
    rng = random.Random(7)
    for seed in range(1200):
        scene = draw_scene(seed, longest_side=64)
        talk = itertools.islice(converse(rng, scene, ENGLISH), 8)
        for exchange in (*talk, *(ask(rng, scene, ENGLISH, TASKS) for _ in range(12))):
            yield exchange.text
            yield f" {exchange.answer_text()}"
    words = [*kinds.COLOURS, *kinds.BACKGROUNDS, *kinds.ABSENT_THINGS]
    words += [name for kind in kinds.KINDS.values() for name in (kind.name, kind.plural)]
    for word in words:
        yield from (word, f" {word}", f" {word}") * 8


def _japanese_words() -> list[str]:
    words = {*_JAPANESE_GRAMMAR.split(), *kinds.ABSENT_THINGS_JAPANESE}
    words |= {kind.japanese for kind in kinds.KINDS.values()}
    for colour in kinds.COLOURS.values():
        words |= {colour.japanese, colour.japanese_adjective}
    return sorted(words, key=lambda word: (-len(word), word))
