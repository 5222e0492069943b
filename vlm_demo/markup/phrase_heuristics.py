"""Finds the phrase that a region belongs to in the words before it (a heuristic)."""

from __future__ import annotations

import re

from vlm_demo.markup.parsed_output import NOWHERE, Span

MAX_PHRASE = 200
"""Length of the text before a bracket in which its phrase is looked for, in characters."""

STRAY = " \t\n,;:.、。"
"""Characters that are left over where an answer begins with regions."""

COLONS = ":\N{FULLWIDTH COLON}"
"""Characters that may stand between a phrase and its bracket."""

_MARKS = " \t\n\r*#>`|\N{BULLET}"
"""Blanks, and signs of Markdown around a phrase."""

_END_MARKS = _MARKS.replace(">", "")
"""The same behind a phrase: there ">" ends a tag and quotes nothing."""

JOINT = re.compile(r"[\s,;、]*+(?:(?:and|or|と|や)(?![a-z]))?\s*+")
"""What stands between two regions of one phrase, and is no phrase itself."""

_CLAUSE_END = re.compile(r"[.!?](?=\s)|[,;\n。、\uff01\uff1f]")
_LEAD = re.compile(
    r"(?:(?:and|or|but|then|also|plus|while|with|(?:the|this) (?:image|picture|photo|scene)"
    r" (?:shows|features|contains|has|depicts)|(?:i|we|you) (?:can )?see"
    r"|there (?:is|are|was|were)"
    r"|(?:the )?(?:bounding box|coordinates?|location|position)(?: coordinates?)? (?:of|for))\b"
    r"|と|や|・)\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?<!\s)(?:\s+(?:is|are|was|were|can be))?(?:\s+(?:located|found|seen|shown))?"
    r"(?:\s+(?:here|there|at|in|within))?\s*\Z"
    r"|は(?:ここ|こちら)(?:に(?:あります|います)|です)?\s*\Z",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"\b(?:an?|the|one|two|three|four|five|some|another|this|that|these|those|his|her|its|their)\s",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"(?:the |its |their )?(?:answer|bounding box(?:es)?|box(?:es)?|coordinates?|locations?"
    r"|positions?|regions?|areas?|it|they|is|are|at|in|located at|here|there|yes|sure)",
    re.IGNORECASE,
)


def find_phrase(words: str, *, follows_places: bool) -> Span:
    """Return the span of the phrase in the words before a bracket.

    The phrase is the last clause, without "and" or "there is" before it and "is here" after it.
    Where the words continue after an earlier bracket (`follows_places`), as in "... is holding a
    cup", it begins at its article.
    """
    end = len(words.rstrip(STRAY + COLONS))
    start = max(0, end - MAX_PHRASE)
    for match in _CLAUSE_END.finditer(words, start, end):
        start = match.end()
    if tail := _TAIL.search(words, start, end):
        end = tail.start()
    end = start + len(words[start:end].rstrip(_END_MARKS))
    while start < end and (words[start] in _MARKS or _LEAD.match(words, start, end)):
        lead = _LEAD.match(words, start, end)
        start = lead.end() if lead else start + 1
    article = _DETERMINER.search(words, start, end) if follows_places else None
    start = article.start() if article else start
    return NOWHERE if _NO_NAME.fullmatch(words, start, end) else (start, end)
