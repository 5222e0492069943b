"""The colours that tell mentions apart, the same on the page and in drawn pictures."""

COLOURS = (
    "#ef4444",  # red
    "#3b82f6",  # blue
    "#22c55e",  # green
    "#f59e0b",  # amber
    "#a855f7",  # purple
    "#06b6d4",  # cyan
    "#ec4899",  # pink
    "#84cc16",  # lime
)
"""Each stands out from the others and, with a dark edge, from any picture; black text fits."""


def colour_of(index: int) -> str:
    """Return the colour of the mention at `index` of a reply, as #rrggbb."""
    return COLOURS[index % len(COLOURS)]
