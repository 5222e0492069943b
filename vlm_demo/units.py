"""Formats amounts for people."""

from vlm_demo.translatable_text import DisplayText, TranslatableText


def format_parameters(parameters: int | None) -> str:
    """Format a number of parameters: "7.06 B"; "" if not known."""
    if not parameters:
        return ""
    if parameters >= 1_000_000_000:
        return f"{_short(parameters / 1e9)} B"
    return f"{_short(parameters / 1e6)} M"


def describe_parameters(parameters: int | None) -> DisplayText:
    """Write out a number of parameters: "7.06 billion"; "" if not known."""
    if not parameters:
        return ""
    if parameters >= 1_000_000_000:
        return TranslatableText("{number} billion", {"number": _short(parameters / 1e9)})
    return TranslatableText("{number} million", {"number": _short(parameters / 1e6)})


def format_bytes(size: int | None) -> str:
    """Format an amount of memory: "16.9 GB"; "" if not known."""
    if size is None:
        return ""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{_short(size / unit)} {name}"
    return f"{_short(size / 1e3)} kB"


def format_progress(done: int, total: int) -> str:
    """Format a part of an amount of memory: "3.1 of 7.4 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if total >= unit:
            return f"{_round(done / unit)} of {_round(total / unit)} {name}"
    return f"{done} of {total} B"


def format_seconds(seconds: float) -> str:
    """Format a duration: "0.04 s", "1.2 s", "48 s", "2 min 5 s"."""
    if seconds >= 99.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    return f"{max(seconds, 0.01):.2f} s" if seconds < 0.095 else f"{_round(seconds)} s"


def format_rate(rate: float) -> str:
    """Format tokens per second: "0.4", "8.1", "120"."""
    return _round(rate)


def format_percent(share: float) -> str:
    """Format a share of 0 to 1: "<1 %", "37 %"; only all is "100 %", and only nothing "0 %"."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def _round(number: float) -> str:
    """Round to tenths below ten, and to whole numbers above."""
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def format_film_time(seconds: float) -> str:
    """Write a time of a film as people read it: "0:12.5", "1:02:03"; tenths below an hour."""
    tenths = round(max(seconds, 0) * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}"
    tail = f".{rest % 10}" if rest % 10 else ""
    return f"{minutes}:{rest // 10:02d}{tail}"
