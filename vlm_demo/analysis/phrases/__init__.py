"""Noun phrases: the things that a text says are in a picture, or are not there.

Each language has rules of its own over its words; nothing is downloaded and no model is asked.
Japanese words come from Janome (Apache-2.0; dictionary IPADIC, in the package), Chinese ones from
rjieba (MIT; jieba's dictionary, in the package); for English see `english`. A parser such as spaCy
would need a model that is not on PyPI.

Left out are pronouns, words for the picture itself and for places in it ("the image", "the left
side", "the colour"), adjectives that stand alone ("it is red"), and numbers without a noun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vlm_demo.analysis.phrases.phrase import Language, Phrase

__all__ = ["Language", "Phrase", "noun_phrases"]

_SENTENCE = re.compile(r"[^\n。！？.!?]+(?:[.](?=\d)[^\n。！？.!?]+)*[。！？.!?]*")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_KANA = re.compile("[ぁ-ゖァ-ヺー]")
_HAN = re.compile("[\u3400-\u9fff々]")


def noun_phrases(text: str) -> tuple[Phrase, ...]:
    """Return the noun phrases of a text in order; it may mix languages.

    Chinese characters are read as Japanese where the text has kana anywhere, else as Chinese; all
    other text as English.
    """
    return tuple(_phrases(text))


def _phrases(text: str) -> Iterator[Phrase]:
    text = _TAG.sub(lambda tag: "|" * len(tag[0]), text)  # markup names nothing
    japanese = bool(_KANA.search(text))
    for sentence in _SENTENCE.finditer(text):
        for phrase in _read(sentence[0], japanese=japanese):
            yield phrase.shift(sentence.start())


def _read(sentence: str, *, japanese: bool) -> Iterator[Phrase]:
    # A dictionary takes a tenth of a second to load, so only a text that needs it loads it.
    if not (_HAN.search(sentence) or _KANA.search(sentence)):
        from vlm_demo.analysis.phrases import english

        return english.find_phrases(sentence)
    if japanese:
        from vlm_demo.analysis.phrases import japanese as japanese_

        return japanese_.find_phrases(sentence)
    from vlm_demo.analysis.phrases import chinese

    return chinese.find_phrases(sentence)
