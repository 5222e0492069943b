"""Text from tokens as they come, and stop strings in it."""

from __future__ import annotations

import pytest

from vlm_demo.engines.local.decoding.text import Detokenizer, StopStringFilter
from vlm_demo.engines.local.engine import LocalEngine


@pytest.mark.parametrize(
    "text", ["赤い丸と青い四角があります。", "😀 🐱 é", "plain words, then 絵"]
)
@pytest.mark.parametrize("fixture", ["llava", "smol"])
def test_characters_of_several_tokens_come_whole(
    text: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(fixture)._encoder.tokenizer
    before = tokenizer.encode("😀 ASSISTANT:", add_special_tokens=False)
    stream = Detokenizer(tokenizer, before, keep_special=False)
    pieces = [stream.add(token) for token in tokenizer.encode(text, add_special_tokens=False)]
    pieces.append(stream.flush())
    assert "".join(pieces).removeprefix(" ") == text  # SentencePiece puts a blank before a text
    assert not any("\ufffd" in piece for piece in pieces)


def test_blanks_between_words_are_kept_for_sentencepiece_like_tokenizers(
    kosmos: LocalEngine,
) -> None:
    tokenizer = kosmos._encoder.tokenizer
    whole = tokenizer.encode("Answer: two dogs<phrase> a cat</phrase>", add_special_tokens=False)
    stream = Detokenizer(tokenizer, whole[:2], keep_special=True)
    text = "".join(stream.add(token) for token in whole[2:]) + stream.flush()
    assert tokenizer.decode(whole[:2]) + text == tokenizer.decode(whole)


def test_half_a_character_at_the_end_is_left_out(llava: LocalEngine) -> None:
    ids = llava._encoder.tokenizer.encode("ok 🚗", add_special_tokens=False)
    stream = Detokenizer(llava._encoder.tokenizer, [], keep_special=False)
    assert "".join(map(stream.add, ids[:-1])) + stream.flush() == "ok "


@pytest.mark.parametrize(
    ("pieces", "stop", "shown"),
    [
        (["a b", " c STOP d"], ("STOP",), "a b c "),
        (["a S", "T", "OP"], ("STOP",), "a "),
        (["a S", "T", "x"], ("STOP",), "a STx"),
        (["one\n", "\ntwo"], ("\n\n", "two"), "one"),
        (["ab"], (), "ab"),
    ],
)
def test_text_ends_before_the_first_stop_string(
    pieces: list[str], stop: tuple[str, ...], shown: str
) -> None:
    text = StopStringFilter(stop)
    assert "".join(map(text.add, pieces)) + text.flush() == shown
