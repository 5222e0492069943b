"""Chinese noun phrases, from the parts of speech of jieba's dictionary (rjieba).

A phrase is a run of nouns with the adjectives before it; 的 ties a word to the next noun only where
it says how the thing looks (红色的圆). What follows 没有 in a clause is negated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vlm_demo.analysis.phrases.phrase import Phrase, Token, word_set

_ABSTRACT = word_set(
    "图片 图像 照片 图 图中 画面 画 场景 背景 前景 左边 右边 上边 下边 左侧 右侧 上方 下方 "
    "左 右 上 下 中间 中央 旁边 附近 前面 后面 里面 外面 顶部 底部 角落 部分 地方 位置 "
    "颜色 形状 大小 数量 种类 东西 物体 物品 样子 时候 左上角 右上角 左下角 右下角 "
    "问题 答案 描述 方向 情况 其他"
)
_NEGATIONS = word_set("没有 没 无 并无 毫无 不是 不存在 看不到 看不见 未")
_NUMERALS = {c: n for n, c in enumerate("一二三四五六七八九十", start=1)} | {"两": 2, "俩": 2}
_LOOKS = re.compile(r"^.*色$|^[红橙黄绿蓝紫粉黑白灰棕褐]$|^(?:木|石|铁|塑料|玻璃|金属|圆形|方形)$")
_VERB_AND_OBJECT = re.compile(r"^([戴穿拿抱骑牵踢弹])(..+)$")
"""A verb with its object, which the dictionary may list as one noun: 踢足球."""


@dataclass(frozen=True, slots=True)
class _ChineseToken(Token):
    kind: str  # part of speech: n, a, m, ...


def find_phrases(sentence: str) -> Iterator[Phrase]:
    """Read the phrases of a sentence."""
    reader = _ChineseReader(sentence)
    for token in _tokens(sentence):
        reader.take(token)
    reader.close()
    return iter(reader.found)


class _ChineseReader:
    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self.found: list[Phrase] = []
        self._words: list[_ChineseToken] = []
        self._count: int | None = None
        self._negates = False

    def take(self, token: _ChineseToken) -> None:
        """Take in the next word."""
        if token.text in _NEGATIONS:
            self.close()
            self._negates = True
        elif token.kind[0] == "m":
            self.close()
            self._count = _number(token.text)
        elif token.kind == "q" and not self._words:
            pass  # a counter: 两 只
        elif self._goes_on(token):
            self._words.append(token)
        else:
            self.close()
            if token.text in "，。；！？,;" or token.text in ("但", "但是", "而"):
                self._negates = False

    def close(self) -> None:
        """End the current phrase, and keep it where it names a thing."""
        read, self._words = self._words, []
        count, self._count = self._count, None
        while read and read[-1].text == "的":
            read.pop()
        if not read or not _is_noun(read[-1]) or read[-1].text in _ABSTRACT:
            return
        if len(read) == 1 and _LOOKS.match(read[0].text):
            return
        start, end = read[0].start, read[-1].end
        self.found.append(
            Phrase(
                self._sentence[start:end], (start, end), "zh", negated=self._negates, count=count
            )
        )

    def _goes_on(self, token: _ChineseToken) -> bool:
        """Whether a word belongs to a phrase: the current one, or a new one."""
        if token.text == "的":
            return bool(self._words) and self._describes()
        adjective = token.kind in ("a", "b", "ag") and token.text not in _ABSTRACT
        return adjective or _is_noun(token)

    def _describes(self) -> bool:
        last = self._words[-1]
        return last.kind in ("a", "b", "ag", "z") or bool(_LOOKS.match(last.text))


def _is_noun(token: _ChineseToken) -> bool:
    return (
        token.kind[0] == "n"
        or token.kind in ("zg", "vn", "an")
        or _LOOKS.match(token.text) is not None
    )


def _number(text: str) -> int | None:
    """Return the number, two or more, that a word with its counter begins with."""
    digits = re.match(r"\d{1,2}(?!\d)", text)
    value = int(digits[0]) if digits else _NUMERALS.get(text[0])
    return value if value and 1 < value <= 50 else None


def _tokens(sentence: str) -> Iterator[_ChineseToken]:
    import rjieba

    at = 0
    for text, kind in rjieba.tag(sentence):
        at = sentence.index(text, at)
        parts = _VERB_AND_OBJECT.match(text) if kind.startswith("n") else None
        if parts:
            yield _ChineseToken(parts[1], at, "v")
            yield _ChineseToken(parts[2], at + 1, "n")
        else:
            yield _ChineseToken(text, at, kind or "x")
        at += len(text)
