"""The colours and dashes that tell mentions apart, the same on the page and in drawn pictures."""

COLOURS = (
    "#D55E00",  # vermillion
    "#56B4E9",  # sky blue
    "#F0E442",  # yellow
    "#009E73",  # bluish green
    "#9966FF",  # purple
    "#E69F00",  # orange
    "#CCFFCC",  # pale green
    "#CC79A7",  # reddish purple
)
"""Colours that people with any colour vision can tell apart; dark letters (`INK`) fit on each.

Six of Okabe and Ito's eight, https://jfly.uni-koeln.de/color/: their blue and black are too dark
for dark letters. Purple and pale green were chosen to be far from those and from each other, as
people without one kind of cone see them (simulated as by Machado et al. 2009).
"""

INK = "#0f172a"
"""Colour of letters, and of the edge that keeps a light line visible on a light picture."""

DASHES: tuple[tuple[float, ...], ...] = ((), (4, 2), (1.5, 1.5), (6, 1.5, 1.5, 1.5))
"""Patterns of dashes and gaps, in line widths: solid first."""


def colour_of(index: int) -> str:
    """Return the colour of the mention at `index` of a reply, as #rrggbb."""
    return COLOURS[index % len(COLOURS)]


def dash_of(index: int) -> tuple[float, ...]:
    """Return the dashes of the mention at `index`; they change when the colours start again."""
    return DASHES[index // len(COLOURS) % len(DASHES)]
