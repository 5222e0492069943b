"""Lines and rows of a name with four numbers, as models write places without any markup.

    dog: 100, 200, 300, 400
    | dog | 10% | 20% | 30% | 40% |

Numbers with a percent sign are hundredths of the picture whatever the other numbers count.
"""

from __future__ import annotations

import re

from vlm_demo.markup.coordinate_spaces import N100, CoordinateSpace
from vlm_demo.markup.parsed_output import (
    NUMBER_PATTERN,
    ParsedOutput,
    ParsedOutputBuilder,
    parse_numbers,
)
from vlm_demo.values import Frame

_NUMBER = rf"{NUMBER_PATTERN}\s?%?"
_LINE = re.compile(
    rf"(?P<ahead>[ \t]*(?:[-*|]|[0-9]{{1,3}}[.)])?[ \t]*)(?P<name>[^\n|:=\t]{{0,200}}?)"
    rf"[ \t]*[|:=,\t][ \t]*(?P<numbers>[\[(]?{_NUMBER}(?:[ \t]*[,;|\t ][ \t]*{_NUMBER}){{3}}[\])]?)"
    r"[ \t]*[|.;,]?[ \t]*",
    re.MULTILINE,
)
_WRITTEN = re.compile(NUMBER_PATTERN)


def read_lines(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput | None:
    """Read a place from each line that is a name and four numbers; None: there is none."""
    builder, at, found = ParsedOutputBuilder(), 0, False
    for line in raw.splitlines(keepends=True):
        match = _LINE.fullmatch(line.rstrip("\n")) if len(line) < 400 else None
        numbers = parse_numbers(_WRITTEN.findall(match["numbers"])) if match else None
        if match and numbers and any(map(str.isalpha, match["name"])):
            found = True
            span = builder.add_text(f"{match['name']}")
            used = N100 if match["numbers"].count("%") == 4 and not frame.space else space
            place = at + match.start("numbers"), at + match.end("numbers")
            region = builder.add_parsed_place(place, numbers, used.to_box(numbers, frame))
            builder.add_mention([region], span=span)
            builder.add_text("\n")
        else:
            builder.add_text(line)
        at += len(line)
    return builder.build() if found else None
