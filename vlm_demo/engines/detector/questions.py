"""Understands what a prompt asks the detector for, in English, Japanese and Chinese.

Nothing is guessed: what no rule understands is `QuestionKind.OTHER`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from vlm_demo.engines.detector.vocabulary import Language, find_class


class QuestionKind(Enum):
    """What is asked for."""

    CAPTION = "caption"
    GROUNDED_CAPTION = "grounded caption"
    FIND = "find"
    COUNT = "count"
    IS_THERE = "is there"
    BESIDE = "beside"  # what is on a side of a thing
    READ = "read"  # the text in the picture
    OTHER = "other"


class Side(Enum):
    """A side of a thing."""

    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class UserQuestion:
    """What is asked for, in which language."""

    kind: QuestionKind
    language: Language
    nouns: tuple[str, ...] = ()
    """What it is about, in the user's words."""

    side: Side | None = None


_Rule = tuple[re.Pattern[str], QuestionKind, Side | None]


def _rule(kind: QuestionKind, pattern: str, side: Side | None = None) -> _Rule:
    return re.compile(pattern, re.IGNORECASE), kind, side


_PICTURE = r"(?:the|this|that|my|a)?\s*(?:picture|photo|photograph|image|scene)"
_IN_PICTURE = rf"(?:\s+(?:in|on)\s+(?:here|it|{_PICTURE}))?"
_THERE = (
    r"(?:\s+(?:are|is)\s+there|\s+(?:do|can|could)\s+(?:you|we|i)\s+(?:see|count|find))?"
    f"{_IN_PICTURE}"
)
_WHAT_IS = r"what(?:'s|\u2019s|\s+is|\s+are)?\s+(?:there\s+)?"

_ENGLISH: tuple[_Rule, ...] = (
    _rule(
        QuestionKind.READ,
        rf"(?:please\s+)?(?:read|transcribe|ocr)(?:\s+(?:out|all|it|me))*(?:\s+the\s+(?:text|sign|words))?{_IN_PICTURE}"
        rf"|what\s+does\s+(?:it|the\s+(?:sign|text)|{_PICTURE})\s+say|what\s+is\s+written.*"
        rf"|what\s+text\s+.*",
    ),
    _rule(
        QuestionKind.CAPTION,
        rf"(?:please\s+)?(?:describe|caption)\s+(?:it|this|{_PICTURE})(?:\s+in\s+detail)?",
    ),
    _rule(
        QuestionKind.GROUNDED_CAPTION,
        rf"describe {_PICTURE} with boxes"
        r"|what(?:'s|\u2019s|\s+is|\s+are|\s+does)?\s+(?:there\s+)?(?:in|on|this|that|it|shown)?"
        rf"(?:\s*{_PICTURE})?(?:\s+show)?"
        rf"|what\s+(?:do|can)\s+you\s+see{_IN_PICTURE}"
        r"|what\s+(?:things|objects|animals?)\s+.*",
    ),
    _rule(
        QuestionKind.COUNT, rf"(?:how\s+many|count(?:\s+the)?|number\s+of)\s+(?P<noun>.+?){_THERE}"
    ),
    _rule(
        QuestionKind.BESIDE,
        rf"{_WHAT_IS}(?:on|to)?\s*(?:the\s+)?left\s+(?:side\s+)?of\s+(?P<noun>.+?){_IN_PICTURE}",
        Side.LEFT,
    ),
    _rule(
        QuestionKind.BESIDE,
        rf"{_WHAT_IS}(?:on|to)?\s*(?:the\s+)?right\s+(?:side\s+)?of\s+(?P<noun>.+?){_IN_PICTURE}",
        Side.RIGHT,
    ),
    _rule(
        QuestionKind.BESIDE,
        rf"{_WHAT_IS}(?:above|over|on\s+top\s+of)\s+(?P<noun>.+?){_IN_PICTURE}",
        Side.ABOVE,
    ),
    _rule(
        QuestionKind.BESIDE,
        rf"{_WHAT_IS}(?:below|under|underneath|beneath)\s+(?P<noun>.+?){_IN_PICTURE}",
        Side.BELOW,
    ),
    _rule(
        QuestionKind.IS_THERE,
        rf"(?:is|are)\s+there\s+(?P<noun>.+?){_IN_PICTURE}"
        rf"|(?:do|can|could)\s+(?:you|we)\s+(?:see|find)\s+(?P<seen>.+?){_IN_PICTURE}"
        rf"|(?:does|do)\s+(?:it|{_PICTURE})\s+(?:show|contain|have)\s+(?P<shown>.+?)",
    ),
    _rule(
        QuestionKind.FIND,
        r"(?:please\s+)?(?:find|locate|detect|show(?:\s+me)?|point\s+(?:to|at)|mark|search\s+for"
        rf"|look\s+for)\s*:?\s*(?P<noun>.+?){_IN_PICTURE}"
        rf"|where(?:'s|\u2019s|\s+is|\s+are)\s+(?P<where>.+?){_IN_PICTURE}",
    ),
)

_JA_PICTURE = r"(?:この|その)?(?:写真|画像|絵|図)"
_JAPANESE: tuple[_Rule, ...] = (
    _rule(
        QuestionKind.READ,
        r".*(?:文字|テキスト|文章)を(?:すべて|全部)?(?:読|書き起こ).*|.*何と書い.*",
    ),
    _rule(
        QuestionKind.CAPTION,
        rf"{_JA_PICTURE}(?:を|について)?(?:詳しく|一文で)?(?:説明|描写)(?:して.*)?",
    ),
    _rule(
        QuestionKind.GROUNDED_CAPTION,
        rf"(?:{_JA_PICTURE}に(?:は)?)?何が(?:写って|見え|あり|映って|描かれて|ある|いる|い).*"
        rf"|(?:これは何.*)|{_JA_PICTURE}は何.*",
    ),
    _rule(
        QuestionKind.COUNT,
        rf"(?:{_JA_PICTURE}に(?:は)?)?(?P<noun>.+?)(?:は|が|を)?(?:何|なん|いく)"
        r"(?:人|匹|頭|羽|台|個|本|枚|つ|隻|機|脚|冊|体|艘|基|組|卓|鉢)?(?:い|あ|写|見|で|数|か).*",
    ),
    _rule(QuestionKind.COUNT, r"(?P<noun>.+?)の数(?:は|を).*"),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)の左(?:側)?(?:に|は|には)?(?:何|なに).*", Side.LEFT),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)の右(?:側)?(?:に|は|には)?(?:何|なに).*", Side.RIGHT),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)の上(?:に|は|には)?(?:何|なに).*", Side.ABOVE),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)の下(?:に|は|には)?(?:何|なに).*", Side.BELOW),
    _rule(
        QuestionKind.FIND,
        r"(?P<noun>.+?)(?:は|を|が)?(?:どこ.*|探して.*|見つけて.*|示して.*|検出して.*)",
    ),
    _rule(
        QuestionKind.IS_THERE,
        rf"(?:{_JA_PICTURE}に(?:は)?)?(?P<noun>.+?)(?:は|が|も)?(?:いますか|ありますか|写っていますか|見えますか|いる|ある)",
    ),
)

_ZH_PICTURE = r"(?:这|那|该)?(?:张|幅|个)?(?:照片|图片|图像|图|画面|相片)"
_CHINESE: tuple[_Rule, ...] = (
    _rule(QuestionKind.READ, r".*(?:读|识别|念).*(?:文字|文本|字).*|.*写(?:了|着)?(?:些)?什么.*"),
    _rule(QuestionKind.CAPTION, rf"(?:请)?(?:详细)?(?:描述|说明|介绍)(?:一下)?{_ZH_PICTURE}.*"),
    _rule(
        QuestionKind.GROUNDED_CAPTION,
        rf"{_ZH_PICTURE}(?:里|中|上|里面|显示)?(?:都)?(?:有|是)?(?:些)?(?:什么|哪些).*"
        rf"|(?:你)?(?:能)?看到(?:了)?(?:些)?什么.*|(?:这|它)是什么.*",
    ),
    _rule(
        QuestionKind.COUNT,
        rf"(?:{_ZH_PICTURE}(?:里|中|上|里面)?)?(?:一共|总共)?有?(?:多少|几)"
        r"[个只匹头辆架列艘把张条副块根本台部朵棵盆件名位]?(?P<noun>.+?)",
    ),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)的?左[边面侧]?(?:有|是)?什么.*", Side.LEFT),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)的?右[边面侧]?(?:有|是)?什么.*", Side.RIGHT),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)的?(?:上[边面方]?)(?:有|是)?什么.*", Side.ABOVE),
    _rule(QuestionKind.BESIDE, r"(?P<noun>.+?)的?(?:下[边面方]?)(?:有|是)?什么.*", Side.BELOW),
    _rule(
        QuestionKind.FIND,
        r"(?:请)?(?:找出|找到|找|定位|标出|指出|检测|框出)(?:一下)?[:]?(?P<noun>.+?)"
        r"|(?P<where>.+?)在(?:哪里|哪儿|哪|什么地方).*",
    ),
    _rule(
        QuestionKind.IS_THERE,
        rf"(?:{_ZH_PICTURE}(?:里|中|上|里面)?)?有(?:没有)?(?:一?[个只匹头辆架列艘把张条副块根本台部棵盆])?(?P<noun>.+?)吗?",
    ),
)

_RULES = {
    Language.ENGLISH: _ENGLISH,
    Language.JAPANESE: _JAPANESE,
    Language.CHINESE: _CHINESE,
}
_SEPARATOR = {
    Language.ENGLISH: re.compile(
        r"\s*(?:,\s*(?:and|or)\s+|[,;\n]|\s(?:and|or)\s)\s*", re.IGNORECASE
    ),
    Language.JAPANESE: re.compile(r"\s*(?:[、,;\n]|と(?=\S))\s*"),
    Language.CHINESE: re.compile(r"\s*(?:[、,;\n]|和|与|跟)\s*"),
}
_MAX_LENGTH = 300
"""Characters of the longest question that is read; longer ones are `QuestionKind.OTHER`."""

MAX_NOUNS = 20
"""Largest number of things that one question names."""


def read_question(text: str) -> UserQuestion:
    """Return what a text asks for."""
    text = _simplify(text)
    language = detect_language(text)
    if len(text) > _MAX_LENGTH:
        return UserQuestion(QuestionKind.OTHER, language)
    for pattern, kind, side in _RULES[language]:
        if match := pattern.fullmatch(text):
            nouns = [noun for noun in match.groupdict().values() if noun]
            return UserQuestion(
                kind, language, tuple(_split(nouns[0], language)) if nouns else (), side
            )
    return UserQuestion(QuestionKind.OTHER, language)


def read_names(text: str) -> UserQuestion:
    """Return a search for the things that a text lists."""
    text = _simplify(text)
    language = detect_language(text)
    return UserQuestion(QuestionKind.FIND, language, tuple(_split(text[:_MAX_LENGTH], language)))


def detect_language(text: str) -> Language:
    """Return Japanese for kana, Chinese for other Han characters, and else English.

    A bare name that only Japanese writes so, such as 自転車, is Japanese.
    """
    if any("\u3041" <= letter <= "\u30ff" for letter in text):
        return Language.JAPANESE
    if not any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return Language.ENGLISH
    is_known = {
        language: find_class(text, language) is not None
        for language in (Language.JAPANESE, Language.CHINESE)
    }
    if is_known[Language.JAPANESE] and not is_known[Language.CHINESE]:
        return Language.JAPANESE
    return Language.CHINESE


def _split(words: str, language: Language) -> Iterator[str]:
    """Yield the things that words list, each once; a known name is never split."""
    if find_class(words, language) is not None:
        yield words
        return
    seen: set[str] = set()
    for noun in _SEPARATOR[language].split(words):
        noun = noun.strip(" \"'“”「」")
        if noun and noun.casefold() not in seen and len(seen) < MAX_NOUNS:
            seen.add(noun.casefold())
            yield noun


def _simplify(text: str) -> str:
    table = str.maketrans("\uff0c\uff1f\uff01\uff1a\uff1b\u3000", ",?!:; ")
    return " ".join(text.translate(table).split()).strip(" .?!。")
