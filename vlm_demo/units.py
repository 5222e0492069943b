"""Amounts as people read them."""


def in_billions(parameters: int | None, *, long: bool = False) -> str:
    """Say a number of parameters: "7.06 B", or at length "7.06 billion"; "" where not known."""
    if not parameters:
        return ""
    if parameters >= 1_000_000_000:
        return f"{_short(parameters / 1e9)} {'billion' if long else 'B'}"
    return f"{_short(parameters / 1e6)} {'million' if long else 'M'}"


def in_bytes(size: int | None) -> str:
    """Say an amount of memory: "16.9 GB"; "" where not known."""
    if size is None:
        return ""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{_short(size / unit)} {name}"
    return f"{_short(size / 1e3)} kB"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
