"""ROUGE-L of Japanese answers, the score of JA-VG-VQA-500 and JA-VLM-Bench-In-the-Wild.

The rule is that of SakanaAI's evaluation (https://github.com/SakanaAI/evolutionary-model-merge,
evomerge/eval/metrics.py): emoji removed, widths and blanks as neologdn writes them, then the F of
the longest common subsequence of words, as google-research's rouge-score computes it. There MeCab
divides words; here it is Janome, with the dictionary IPADIC. Name the tokeniser beside a score.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from janome.tokenizer import Tokenizer

TOKENISER = "janome (IPADIC)"
"""How words are divided, to be said beside a score."""

_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff"
    "\U0001fa70-\U0001faff\u2600-\u26ff\u2702-\u27b0\u231a\u231b\u23e9-\u23f3\u2b50\u2b55\ufe0f]"
)

_HYPHENS = re.compile("[˗֊‐‑‒–⁃⁻₋−]+")
_LONG_MARKS = re.compile("[﹣－ｰ—―─━ー]+")
_TILDES = re.compile("[~∼∾〜〰～]+")

_JAPANESE = (
    "\u3040-\u309f\u30a0-\u30ff\u3005\u4e00-\u9fff\u3000-\u303f"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff65"
)
"""Kana, kanji, and the wide signs between them."""

_BETWEEN_JAPANESE = re.compile(rf"(?<=[{_JAPANESE}]) +(?=[{_JAPANESE}])")
_BEFORE_LATIN = re.compile(rf"(?<=[{_JAPANESE}]) +(?=[!-~])")
_AFTER_LATIN = re.compile(rf"(?<=[!-~]) +(?=[{_JAPANESE}])")


def rouge_l(
    answer: str, truth: str, split_words: Callable[[str], Sequence[str]] | None = None
) -> float:
    """Return the F of the longest common subsequence of words, 0 to 1.

    Args:
        answer: of the model.
        truth: the right answer.
        split_words: returns the words of a text; by default those of Japanese.
    """
    split = split_words or japanese_words
    mine, right = split(answer), split(truth)
    if not mine or not right:
        return 0.0
    common = _longest_common(mine, right)
    precision, recall = common / len(mine), common / len(right)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def japanese_words(text: str) -> list[str]:
    """Return the words of a text, normalised, by Janome."""
    return " ".join(_tokenizer().tokenize(normalize_japanese(text), wakati=True)).split()


def normalize_japanese(text: str) -> str:
    """Write a text as neologdn does: narrow letters and digits, wide kana, no blanks between."""
    text = _EMOJI.sub("", text)
    text = "".join(map(_change_width, text))
    text = _compose_kana(text)
    text = _HYPHENS.sub("-", text)
    text = _TILDES.sub("", _LONG_MARKS.sub("ー", text))
    text = " ".join(text.split())
    for blanks in (_BETWEEN_JAPANESE, _BEFORE_LATIN, _AFTER_LATIN):
        text = blanks.sub("", text)
    return text


def _change_width(character: str) -> str:
    """Return wide ASCII narrow and narrow kana wide; quotation marks and others stay."""
    code = ord(character)
    if 0xFF01 <= code <= 0xFF5E and character not in "－～":
        return chr(code - 0xFEE0)
    if 0xFF61 <= code <= 0xFF9F and character != "ｰ":
        return unicodedata.normalize("NFKC", character)
    return " " if character == "\u3000" else character


def _compose_kana(text: str) -> str:
    """Join a kana with the voicing mark behind it."""
    text = text.replace("\u309b", "\u3099").replace("\u309c", "\u309a")
    composed = unicodedata.normalize("NFC", text)
    return composed.replace("\u3099", "\u309b").replace("\u309a", "\u309c")


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for mine in one:
        diagonal = 0
        for place, theirs in enumerate(other, start=1):
            value = diagonal + 1 if mine == theirs else max(row[place], row[place - 1])
            diagonal, row[place] = row[place], value
    return row[-1]


@cache
def _tokenizer() -> Any:  # Janome has no types
    return Tokenizer()
