"""Win rates and numbers of battles for each pair of models, as a coloured table."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence

from vlm_demo.translatable_text import message

Matrix = Sequence[Sequence[float]]
"""A row and a column for each model, in the same order."""

SHADES = 9
"""Number of shades in the style sheet: classes w0 to w8 for win rates, n0 to n8 for counts."""

WIN_RATES = message("Win rates in percent: the model of the row against the column's")
BATTLE_COUNTS = message("How often two models met")


def win_rate_map(models: Sequence[str], wins: Matrix, battles: Matrix) -> str:
    """HTML of how often, in percent, the model of a row did better than that of a column.

    Args:
        models: names, best first.
        wins: of the row's model over the column's; a tie counts half.
        battles: how often they met.
    """

    def cell(row: int, column: int) -> str:
        met = battles[row][column]
        if not met:
            return '<td class="none">'
        share = wins[row][column] / met
        return f'<td class="w{_shade(share)}">{share * 100:.0f}'

    return _table(models, cell, WIN_RATES)


def battle_count_map(models: Sequence[str], battles: Matrix) -> str:
    """HTML of how often two models met; the shades are logarithmic."""
    most = max((count for row in battles for count in row), default=0)

    def cell(row: int, column: int) -> str:
        count = battles[row][column]
        if not count:
            return '<td class="none">'
        return f'<td class="n{_shade(math.log1p(count) / math.log1p(most))}">{_format_count(count)}'

    return _table(models, cell, BATTLE_COUNTS)


def _shade(share: float) -> int:
    """Return the shade of a share of 0 to 1."""
    return min(max(round(share * (SHADES - 1)), 0), SHADES - 1)


def _format_count(count: float) -> str:
    """Format a count in at most four characters: "950", "1.2k", "48k"."""
    if count < 1000:
        return f"{count:.0f}"
    thousands = count / 1000
    return f"{thousands:.1f}k" if thousands < 9.95 else f"{thousands:.0f}k"


def _table(models: Sequence[str], cell: Callable[[int, int], str], caption: str) -> str:
    """Lay out the cells; end tags that HTML does not need are left out, as there may be 3600."""
    names = [html.escape(name) for name in models]
    head = "".join(f'<th scope="col" title="{name}"><span>{name}</span>' for name in names)
    rows = "".join(
        f'<tr><th scope="row" title="{name}"><span>{name}</span>'
        + "".join(
            '<td class="self">' if row == column else cell(row, column)
            for column in range(len(names))
        )
        for row, name in enumerate(names)
    )
    return (
        f'<div class="heat-map" tabindex="0" role="region" aria-label="{caption}" '
        'data-say="aria-label"><table>'
        f'<caption class="sr-only" data-say>{caption}</caption>'
        f"<thead><tr><td>{head}</thead><tbody>{rows}</tbody></table></div>"
    )
