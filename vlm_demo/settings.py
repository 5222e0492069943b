"""One typed settings object: flags over environment variables over defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from vlm_demo.errors import SettingsError

PREFIX = "VLM_DEMO_"
"""Environment variables are called VLM_DEMO_HOST, VLM_DEMO_PORT and so on."""

Device = Literal["auto", "cpu", "cuda", "mps"]


def on_zerogpu(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space with ZeroGPU, where a GPU is lent for one function call at a time.

    Source: https://huggingface.co/docs/hub/spaces-zerogpu, and config.py of the package `spaces`.
    """
    wanted = environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
    return wanted and find_spec("spaces") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this run of the program is set up."""

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False  # a public link through Gradio's servers
    mcp: bool = False  # may assistants use the page's actions as tools
    menu: Path | None = None  # TOML file of models; None: the menu that comes with the program
    votes: str = "votes.db"  # database URL, or file of an SQLite database
    arena: tuple[str, ...] = ()  # models that may meet in a battle; (): all that are here
    secret: str = ""  # makes voters unrecognisable; "": a random one, kept beside the votes
    votes_repo: str = ""  # data set of the Hub where votes are kept too; "": nowhere
    votes_minutes: int = 5  # between two times that they are sent there
    allow_checkpoints: bool = True  # may people on the page load any model of the Hub
    max_loaded: int | None = None  # models in memory at a time; None: as many as fit
    device: Device = "auto"
    threads: int | None = None  # of the CPU; None: as torch chooses
    cache_gib: float = 2.0  # of memory, kept by each model to spare computing; 0: none
    batch: int = 8  # requests that a model answers at the same time
    waiting: int = 20  # further requests that may wait for a model
    timeout: int = 600  # seconds; a longer answer is ended
    batch_jobs: int = 2  # batches of pictures that run on the page at the same time
    batch_pictures: int = 500  # of one batch on the page
    batch_bytes: int = 200_000_000  # of its ZIP; unpacked, it may have ten times as many
    max_upload_bytes: int = 20_000_000
    max_pixels: int = 40_000_000  # width times height of the largest picture
    max_characters: int = 8_000  # length of the longest text

    @classmethod
    def read(
        cls, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
    ) -> Settings:
        """Build settings; a flag that is None was not given.

        On a Hugging Face Space (where SPACE_ID is set) the page listens to all addresses and
        people cannot load models of their own choice, unless a flag or variable says otherwise.

        Raises:
            SettingsError: a value cannot be used.
        """
        values: dict[str, Any] = {}
        if environ.get("SPACE_ID"):
            values |= {"host": "0.0.0.0", "allow_checkpoints": False}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            if environ.get(name):
                values[field.name] = _parsed(field.name, environ[name], source=name)
        for key, value in (flags or {}).items():
            if value is not None:
                values[key] = _parsed(key, str(value), source=f"--{key.replace('_', '-')}")
        return cls(**values)


def _parsed(name: str, text: str, *, source: str) -> Any:
    """Turn text into the value of a setting."""
    if name not in _PARSERS:
        raise SettingsError(f"There is no setting {name!r}. Known: {', '.join(_PARSERS)}.")
    try:
        return _PARSERS[name](text.strip())
    except ValueError as error:
        raise SettingsError(f"{source}={text!r} cannot be used: {error}.") from error


def _port(text: str) -> int:
    port = _count(text)
    if port > 65_535:
        raise ValueError("a port is a whole number from 1 to 65535")
    return port


def _count(text: str) -> int:
    digits = text.replace("_", "")
    if not digits.isdecimal() or len(digits) > 18 or int(digits) == 0:
        raise ValueError("it must be a whole number above 0")
    return int(digits)


def _amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < 1e6:
        raise ValueError("it must be a number, 0 or more")
    return amount


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _yes_or_no(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("it must be yes or no")


def _device(text: str) -> str:
    if text not in get_args(Device):
        raise ValueError(f"it must be one of {', '.join(get_args(Device))}")
    return text


_PARSERS: dict[str, Callable[[str], Any]] = {
    "host": str,
    "port": _port,
    "share": _yes_or_no,
    "mcp": _yes_or_no,
    "menu": Path,
    "votes": str,
    "arena": _names,
    "secret": str,
    "votes_repo": str,
    "votes_minutes": _count,
    "allow_checkpoints": _yes_or_no,
    "max_loaded": _count,
    "device": _device,
    "threads": _count,
    "cache_gib": _amount,
    "batch": _count,
    "waiting": _count,
    "timeout": _count,
    "batch_jobs": _count,
    "batch_pictures": _count,
    "batch_bytes": _count,
    "max_upload_bytes": _count,
    "max_pixels": _count,
    "max_characters": _count,
}
