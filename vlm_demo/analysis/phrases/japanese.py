"""Japanese noun phrases, from the parts of speech of Janome's dictionary (IPADIC).

A phrase is a run of nouns with the adjectives before it. A noun that の ties to the next one
belongs to its phrase only where it says how the thing looks (緑のりんご); else it is a thing of its
own (テーブルの上, 犬の帽子). What a clause negates is the phrase that its predicate is about: its
object (を), else its subject (が), else its topic (は, も).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from vlm_demo.analysis.phrases.phrase import Phrase, Token, word_set

_LOOKS = word_set(
    "赤 青 緑 黄 白 黒 紫 茶 灰 ピンク オレンジ グレー ベージュ 金 銀 木 革 石 ガラス 木製 "
    "金属 水玉 縞模様 チェック 無地 丸型 小型 大型"
)
"""Nouns that say before の how a thing looks, besides all that end in 色, 製, 柄 or 形."""

_ABSTRACT = word_set(
    "画像 写真 絵 図 イラスト 場面 シーン 背景 前景 左 右 上 下 前 後ろ 後 中 中央 真ん中 隣 "
    "横 側 左側 右側 上側 下側 手前 奥 左上 右上 左下 右下 角 端 一部 部分 全体 場所 位置 "
    "周り 周囲 近く もの 物 こと 事 様子 数 色 形 大きさ 種類 合計 間 方 ため よう そば 質問 "
    "答え 説明 一番"
)

_NUMERALS = {c: n for n, c in enumerate("一二三四五六七八九十", start=1)}
_PARTICLES_OF_SUBJECTS = ("を", "が", "は", "も")
_JOINING = ("と", "や", "か", "、", "・", "および", "または")


@dataclass(frozen=True, slots=True)
class _JapaneseToken(Token):
    kind: str  # part of speech: 名詞, 動詞, ...
    kinds: tuple[str, ...]  # its subclasses: 一般, 自立, ...
    base: str  # the dictionary form


@dataclass(slots=True)
class _ClausePhrase:
    """A phrase of a clause, before its predicate is known."""

    words: list[_JapaneseToken]
    count: int | None = None
    particle: str = ""  # after it
    negated: bool = False


@dataclass(slots=True)
class _Clause:
    """The phrases since the last predicate."""

    phrases: list[_ClausePhrase] = field(default_factory=list)

    def negate(self) -> None:
        """Negate what the predicate is about, with all that is joined to it."""
        follower = ""
        for phrase in reversed(self.phrases):  # 犬と猫はいません: both
            follower = phrase.particle = (
                follower if phrase.particle in _JOINING else phrase.particle
            )
        present = {phrase.particle for phrase in self.phrases}
        about = next((p for p in _PARTICLES_OF_SUBJECTS if p in present), "の")
        for phrase in self.phrases:
            phrase.negated = phrase.particle == about


def find_phrases(sentence: str) -> Iterator[Phrase]:
    """Read the phrases of a sentence."""
    for phrase in _JapaneseReader(_tokens(sentence)).read():
        start, end = phrase.words[0].start, phrase.words[-1].end
        yield Phrase(
            sentence[start:end], (start, end), "ja", negated=phrase.negated, count=phrase.count
        )


class _JapaneseReader:
    def __init__(self, tokens: list[_JapaneseToken]) -> None:
        self._tokens = tokens
        self._done: list[_ClausePhrase] = []
        self._clause = _Clause()
        self._words: list[_JapaneseToken] = []  # of the phrase that is being read
        self._count: int | None = None

    def read(self) -> list[_ClausePhrase]:
        at = 0
        while at < len(self._tokens):
            at = self._take(at)
        self._close("")
        self._end_clause(negates=False)
        return self._done

    def _take(self, at: int) -> int:
        """Take in the next word, or the next predicate; return where to continue."""
        token = self._tokens[at]
        if token.base in ("無し", "なし"):
            self._close("の")
            self._end_clause(negates=True)
        elif self._is_predicate(at):
            return self._predicate(at)
        elif token.kind == "名詞":
            return self._noun(at)
        elif _is_modifier(token):
            self._words.append(token)
        elif token.text == "な" and self._words:
            self._words.append(token)  # きれいな花
        elif token.text == "の" and token.kind == "助詞" and self._describes():
            self._words.append(token)
        else:
            self._close(token.text)
            if token.text in ("。", "！", "？"):
                self._end_clause(negates=False)
        return at + 1

    def _noun(self, at: int) -> int:
        token = self._tokens[at]
        number = self._number(at)
        if number:
            return self._apply_count(at, *number)
        if "代名詞" in token.kinds or ("副詞可能" in token.kinds and token.text in _ABSTRACT):
            self._close("")
        else:
            self._words.append(token)
        return at + 1

    def _number(self, at: int) -> tuple[int | None, int] | None:
        """Return the number at a position, and how many words it and its counter take."""
        token = self._tokens[at]
        if token.text.endswith("つ") and token.text[0] in _NUMERALS and len(token.text) == 2:
            return _NUMERALS[token.text[0]], 1
        if "数" not in token.kinds:
            return None
        length = 1
        while at + length < len(self._tokens) and "数" in self._tokens[at + length].kinds:
            length += 1
        text = "".join(word.text for word in self._tokens[at : at + length])
        value = int(text) if text.isdecimal() else _NUMERALS.get(text)
        if at + length < len(self._tokens) and "助数詞" in self._tokens[at + length].kinds:
            length += 1
        return (value if value and value <= 50 else None), length

    def _apply_count(self, at: int, count: int | None, length: int) -> int:
        """Give the number to the phrase that follows after の, else to the one before it."""
        self._close("")
        count = count if count and count > 1 else None
        after = at + length
        follows = self._tokens[after].text if after < len(self._tokens) else ""
        if follows == "の":
            self._count = count
            return after + 1
        if self._clause.phrases:
            self._clause.phrases[-1].count = count
        return after

    def _describes(self) -> bool:
        """Whether the last noun only says how the next one looks."""
        last = self._words[-1].text if self._words else ""
        return last in _LOOKS or last.endswith(("色", "製", "柄", "形", "の"))

    def _is_predicate(self, at: int) -> bool:
        token = self._tokens[at]
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if token.base in ("ない", "無い") or token.kind in ("動詞", "助動詞"):
            return token.text != "な"
        if "サ変接続" in token.kinds:
            return following is not None and following.base in ("する", "できる")
        ends = following is None or following.kind in ("助動詞", "記号")
        return token.kind == "形容詞" and ends and not self._words

    def _predicate(self, at: int) -> int:
        """Read verbs with their inflections; an odd number of ない negates."""
        self._close("の" if self._tokens[at].base in ("ない", "無い") else "")
        negates = False
        while at < len(self._tokens):
            token = self._tokens[at]
            ending = token.kind in ("動詞", "助動詞") or token.text in ("て", "で", "ば", "では")
            if not (ending or self._is_predicate(at)):
                break
            if token.base in ("ない", "無い", "ん", "ぬ"):
                negates = not negates
            at += 1
        self._end_clause(negates=negates)
        return at

    def _close(self, particle: str) -> None:
        """End the current phrase, and keep it where it names a thing."""
        read, self._words = self._words, []
        count, self._count = self._count, None
        while read and read[-1].text in ("の", "な"):
            read.pop()
        if not read:
            if self._clause.phrases and not self._clause.phrases[-1].particle:
                self._clause.phrases[-1].particle = particle
            return
        head = read[-1]
        bare = head.kind != "名詞" or "形容動詞語幹" in head.kinds or self._is_colour(read)
        if head.text not in _ABSTRACT and "非自立" not in head.kinds and not bare:
            self._clause.phrases.append(_ClausePhrase(read, count, particle))

    def _is_colour(self, read: list[_JapaneseToken]) -> bool:
        return len(read) == 1 and read[0].text.endswith("色")

    def _end_clause(self, *, negates: bool) -> None:
        if negates:
            self._clause.negate()
        self._done += self._clause.phrases
        self._clause = _Clause()


def _is_modifier(token: _JapaneseToken) -> bool:
    return token.kind in ("形容詞", "連体詞") and token.text not in ("この", "その", "あの", "ある")


def _tokens(sentence: str) -> list[_JapaneseToken]:
    tokens, at = [], 0
    for entry in _tokenizer().tokenize(sentence):
        at = sentence.index(entry.surface, at)
        kind, *kinds = entry.part_of_speech.split(",")
        tokens.append(_JapaneseToken(entry.surface, at, kind, tuple(kinds), entry.base_form))
        at += len(entry.surface)
    return tokens


@cache
def _tokenizer() -> Any:
    from janome.tokenizer import Tokenizer

    return Tokenizer()
