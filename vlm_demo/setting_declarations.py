"""How a setting is declared: its type, default and help text, and how it is read from text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from vlm_demo.errors import SettingsError

PREFIX = "VLM_DEMO_"
"""Beginning of every environment variable: VLM_DEMO_HOST, VLM_DEMO_PORT and so on."""

Device = Literal["auto", "cpu", "cuda", "mps"]

T = TypeVar("T")

_SITE = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?")
"""A site as Content-Security-Policy names it: scheme, name or *.name, perhaps a port."""


def parse_count(text: str) -> int:
    digits = text.replace("_", "")
    if not digits.isdecimal() or len(digits) > 18 or int(digits) == 0:
        raise ValueError("it must be a whole number above 0")
    return int(digits)


def parse_limit(text: str) -> int:
    return 0 if text == "0" else parse_count(text)


def parse_port(text: str) -> int:
    port = parse_count(text)
    if port > 65_535:
        raise ValueError("a port is a whole number from 1 to 65535")
    return port


def parse_amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < 1e6:
        raise ValueError("it must be a number, 0 or more")
    return amount


def parse_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def parse_sites(text: str) -> tuple[str, ...]:
    sites = parse_names(text)
    for site in sites:
        if not _SITE.fullmatch(site):
            raise ValueError(f"{site!r} is not an address of a site, such as https://example.org")
    return sites


def parse_log(text: str) -> Literal["text", "json"]:
    if text not in ("text", "json"):
        raise ValueError("it must be text or json")
    return "json" if text == "json" else "text"


def parse_bool(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("it must be yes or no")


def parse_device(text: str) -> Device:
    for device in get_args(Device):
        if text == device:
            return device  # type: ignore[no-any-return]
    raise ValueError(f"it must be one of {', '.join(get_args(Device))}")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of one setting."""

    name: str
    default: Any
    about: str  # one sentence
    parse: Callable[[str], Any]  # raises ValueError, whose message is shown
    metavar: str  # what the help text shows in place of the value
    default_text: str | None  # the default in words, where the value does not say it
    is_flag: bool  # whether it can be set on the command line, which others on a machine can read

    @property
    def flag(self) -> str:
        """Its flag: --votes-repo."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Its environment variable: VLM_DEMO_VOTES_REPO."""
        return PREFIX + self.name.upper()

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value: it turns something on that is off."""
        return self.default is False

    @property
    def help(self) -> str:
        """What it does, and its default."""
        if self.is_switch:
            return self.about
        default = self.default_text or self.default
        if isinstance(default, int) and default >= 10_000:
            default = f"{default:_}"
        return f"{self.about} Default: {default}."

    def read(self, text: str, *, source: str) -> Any:
        """Turn text into the value; `source` is the flag or variable that the text is from.

        Raises:
            SettingsError: it cannot be used.
        """
        try:
            return self.parse(text.strip())
        except ValueError as error:
            raise SettingsError(
                "{source}={words} cannot be used: {problem}.",
                source=source,
                words=repr(text),
                problem=error,
            ) from error


def declare_setting(
    default: T,
    about: str,
    parse: Callable[[str], T],
    metavar: str = "",
    *,
    default_text: str | None = None,
    is_flag: bool = True,
) -> T:
    """Declare a setting; its name is that of the field."""
    metadata = {
        "about": about,
        "parse": parse,
        "metavar": metavar,
        "default_text": default_text,
        "is_flag": is_flag,
    }
    return field(default=default, metadata=metadata)
