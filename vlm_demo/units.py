"""Amounts as people read them."""


def format_parameters(parameters: int | None, *, long: bool = False) -> str:
    """Say a number of parameters: "7.06 B", or at length "7.06 billion"; "" where not known."""
    if not parameters:
        return ""
    if parameters >= 1_000_000_000:
        return f"{_short(parameters / 1e9)} {'billion' if long else 'B'}"
    return f"{_short(parameters / 1e6)} {'million' if long else 'M'}"


def format_bytes(size: int | None) -> str:
    """Say an amount of memory: "16.9 GB"; "" where not known."""
    if size is None:
        return ""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{_short(size / unit)} {name}"
    return f"{_short(size / 1e3)} kB"


def format_progress(done: int, total: int) -> str:
    """Say how much of an amount of memory there is: "3.1 of 7.4 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if total >= unit:
            return f"{_round(done / unit)} of {_round(total / unit)} {name}"
    return f"{done} of {total} B"


def format_seconds(seconds: float) -> str:
    """Say a length of time: "0.04 s", "1.2 s", "48 s", "2 min 5 s"."""
    if seconds >= 99.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    return f"{max(seconds, 0.01):.2f} s" if seconds < 0.095 else f"{_round(seconds)} s"


def format_rate(rate: float) -> str:
    """Say how fast tokens come: "0.4", "8.1", "120"."""
    return _round(rate)


def _round(number: float) -> str:
    """Round to tenths below ten, and to whole numbers above."""
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
