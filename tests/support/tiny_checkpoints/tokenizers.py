"""Tokenizers of every pipeline that the checkpoints have, learned from a few lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

CORPUS = [
    "a photo of a cat sitting on a red sofa near the window. two dogs are running in the park.",
    "What is in the image? Describe the picture in detail, please. USER: ASSISTANT: Question:",
    "The answer is yes. No, there are three people and a blue car. 0.12 0.20 0.45 0.61 [ ] , .",
    "赤い丸と青い四角があります。 絵文字 😀 🐱",
    '[{"bbox_2d": [10, 20, 30, 40], "label": "cat"}] (536,509),(588,602) [[1, 2, 3, 4]]',
] * 3
ASCII = "".join(map(chr, range(33, 127)))
LESSONS = [*(f" {word}" for line in CORPUS for word in line.split()), *ASCII]


def byte_level(
    special: Sequence[str] = (),
    words: Sequence[str] = (),
    *,
    kind: str = "Qwen2Tokenizer",
    **options: Any,
) -> Any:
    """Tokens of bytes, as GPT-2 has them. `special` ones are left out of answers on demand."""
    import transformers

    vocabulary, merges = learned(kind)
    tokenizer = getattr(transformers, kind)(vocab=dict(vocabulary), merges=list(merges), **options)
    return with_tokens(tokenizer, special, words)


def with_beginning(tokenizer: Any, **options: Any) -> Any:
    """The same tokens in a class without habits, which puts `bos_token` in front of a text."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    bos, core = options["bos_token"], tokenizer.backend_tokenizer
    core.post_processor = TemplateProcessing(
        single=f"{bos} $A",
        pair=f"{bos} $A {bos} $B",
        special_tokens=[(bos, core.token_to_id(bos))],
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, padding_side="left", **options)


def pieces(
    special: Sequence[str] = (),
    words: Sequence[str] = (),
    *,
    kind: str = "LlamaTokenizer",
    **options: Any,
) -> Any:
    """Pieces of words with their blanks, and bytes for the rest, as SentencePiece makes them."""
    import transformers

    known = getattr(transformers, kind)().get_vocab()
    vocabulary, merges = learned(kind)
    first = [*sorted(known, key=known.get), *(f"<0x{byte:02X}>" for byte in range(256))]
    ordered = [*first, *(piece for piece in vocabulary if piece not in set(first))]
    tokenizer = getattr(transformers, kind)(
        vocab={piece: index for index, piece in enumerate(ordered)},
        merges=list(merges),
        add_bos_token=True,
        **options,
    )
    return with_tokens(tokenizer, special, words)


@cache
def learned(kind: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Learn vocabulary and merges with the pipeline of an empty tokenizer."""
    import transformers

    blank = getattr(transformers, kind)()
    tokenizer = blank.train_new_from_iterator(LESSONS, 700, show_progress=False)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def with_tokens(tokenizer: Any, special: Sequence[str], words: Sequence[str]) -> Any:
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.add_tokens(list(words))
    return tokenizer


def bert_tokenizer() -> Any:
    """Lower-case word pieces between `[CLS]` and `[SEP]`."""
    import transformers

    return transformers.BertTokenizer().train_new_from_iterator(LESSONS, 400, show_progress=False)


def t5_tokenizer() -> Any:
    """Unigrams, with `</s>` behind a text."""
    import transformers

    return transformers.T5Tokenizer().train_new_from_iterator(LESSONS, 500, show_progress=False)


def kosmos2_tokenizer() -> Any:
    """Unigrams in the pipeline of KOSMOS-2, between `<s>` and `</s>`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    core.train_from_iterator(LESSONS, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
    )


def fuyu_tokenizer() -> Any:
    """Each number up to 1000 is one piece, and the tags of places are bytes, as in the real one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for line in CORPUS for word in line.split()})
    tags = ["|SPEAKER|", "|NEWLINE|"]
    likely = [*(f"\u2581{word}" for word in words), *words, *map(str, range(1001)), *tags]
    alphabet = sorted({*ASCII, *"".join(words), "\u2581", "\n"})
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    special = ["|ENDOFTEXT|", "<unk>", "<s>", "</s>"]
    scores = dict.fromkeys([*special, *bytes_], -8.0)
    scores |= dict.fromkeys(alphabet, -9.0) | dict.fromkeys(likely, -10.0)
    core = Tokenizer(models.Unigram(list(scores.items()), unk_id=1, byte_fallback=True))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    core.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="|ENDOFTEXT|",
        pad_token="|ENDOFTEXT|",
        unk_token="<unk>",
        padding_side="left",
    )
