"""The program's settings: flags over environment variables over defaults.

A setting is one field of `Settings`, which declares its type, its default, its help text and how
it is read. Its flag (`--votes-repo`) and its environment variable (`VLM_DEMO_VOTES_REPO`) follow
from its name. `vlm-demo serve` takes all flags that are declared here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from vlm_demo.errors import SettingsError, quote_name, suggest_names
from vlm_demo.quotas import Quotas

PREFIX = "VLM_DEMO_"
"""Beginning of every environment variable: VLM_DEMO_HOST, VLM_DEMO_PORT and so on."""

Device = Literal["auto", "cpu", "cuda", "mps"]

PUBLIC_QUOTAS = Quotas(
    uploads_an_hour=300,
    bytes_kept=1_000_000_000,
    answers_at_once=8,
    answers_an_hour=600,
)
"""Limits of one visitor of a page that others than its owner can open, unless settings say more."""

T = TypeVar("T")

_SITE = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?")
"""A site as Content-Security-Policy names it: scheme, name or *.name, perhaps a port."""


def on_zerogpu(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space with ZeroGPU, where a GPU is lent for one function call at a time.

    Source: https://huggingface.co/docs/hub/spaces-zerogpu, and config.py of the package `spaces`.
    """
    is_asked_for = environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
    return is_asked_for and find_spec("spaces") is not None


def is_loopback(host: str) -> bool:
    """Whether an address or name of a host leads to this computer itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def _parse_count(text: str) -> int:
    digits = text.replace("_", "")
    if not digits.isdecimal() or len(digits) > 18 or int(digits) == 0:
        raise ValueError("it must be a whole number above 0")
    return int(digits)


def _parse_limit(text: str) -> int:
    return 0 if text == "0" else _parse_count(text)


def _parse_port(text: str) -> int:
    port = _parse_count(text)
    if port > 65_535:
        raise ValueError("a port is a whole number from 1 to 65535")
    return port


def _parse_amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < 1e6:
        raise ValueError("it must be a number, 0 or more")
    return amount


def _parse_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _parse_sites(text: str) -> tuple[str, ...]:
    sites = _parse_names(text)
    for site in sites:
        if not _SITE.fullmatch(site):
            raise ValueError(f"{site!r} is not an address of a site, such as https://example.org")
    return sites


def _parse_log(text: str) -> Literal["text", "json"]:
    if text not in ("text", "json"):
        raise ValueError("it must be text or json")
    return "json" if text == "json" else "text"


def _parse_bool(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("it must be yes or no")


def _parse_device(text: str) -> Device:
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
            raise SettingsError(f"{source}={text!r} cannot be used: {error}.") from error


def _setting(
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


def _quota(about: str, name: str) -> int | None:
    """Declare a limit of one visitor, which is off on a private page unless it is given."""
    public = getattr(PUBLIC_QUOTAS, name)
    return _setting(
        None,
        f"{about}; 0: no limit.",
        _parse_limit,
        "NUMBER",
        default_text=f"{public:_} on a page that others can open, or else 0",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this run of the program is set up."""

    host: str = _setting(
        "127.0.0.1",
        "Address to listen on.",
        str,
        "ADDRESS",
        default_text="127.0.0.1; on a Space, all addresses",
    )
    port: int = _setting(7860, "Port to listen on.", _parse_port, "NUMBER")
    public: bool | None = _setting(
        None,
        "Whether strangers may open the page: what concerns everybody is then the operator's.",
        _parse_bool,
        "yes|no",
        default_text="yes on a Space, with --share, and for a --host that others can reach",
    )
    operator_password: str = _setting(
        "",
        "Password of the operator of a public page.",
        str,
        "WORDS",
        default_text="none: a public page has no operator",
    )
    metrics_key: str = _setting(
        "",
        "Key with which a program may read /metrics of a public page.",
        str,
        default_text="none",
        is_flag=False,
    )
    frames: tuple[str, ...] = _setting(
        (),
        "Sites that may show the page in a frame.",
        _parse_sites,
        "ADDRESS,ADDRESS",
        default_text="none; on a Space, https://huggingface.co",
    )
    log: Literal["text", "json"] = _setting(
        "text", "What the log on standard error is.", _parse_log, "text|json"
    )
    share: bool = _setting(False, "Also make a public link, through Gradio's servers.", _parse_bool)
    mcp: bool = _setting(
        False, "Also offer the page's actions to assistants, as MCP tools.", _parse_bool
    )
    api: bool = _setting(
        False, "Also answer other programs at /v1, as OpenAI's API does.", _parse_bool
    )
    api_keys: tuple[str, ...] = _setting(
        (),
        "Keys of these programs.",
        _parse_names,
        default_text="none, and then only programs on this computer are answered",
        is_flag=False,
    )
    no_page: bool = _setting(False, "Leave the page out; for --api alone.", _parse_bool)
    menu: Path | None = _setting(  # noqa: RUF009  it returns a field
        None,
        "TOML file of models to choose from.",
        Path,
        "FILE",
        default_text="the menu that comes with the program",
    )
    server: tuple[str, ...] = _setting(
        (),
        "Servers with OpenAI's API whose models come first on the menu.",
        _parse_names,
        "ADDRESS,ADDRESS",
        default_text="none",
    )
    server_key: str = _setting("", "Key of these servers.", str, default_text="none", is_flag=False)
    votes: str = _setting(
        "votes.db", "Database of votes: an SQLite file, or a URL.", str, "FILE|URL"
    )
    arena: tuple[str, ...] = _setting(
        (),
        "Models that may meet in a battle.",
        _parse_names,
        "MODEL,MODEL",
        default_text="all that need no download",
    )
    secret: str = _setting(
        "",
        "Key that makes voters unrecognisable.",
        str,
        default_text="a random one, kept beside the votes",
        is_flag=False,
    )
    votes_repo: str = _setting(
        "", "Data set on the Hub that votes are copied to.", str, "NAME", default_text="none"
    )
    votes_minutes: int = _setting(
        5, "Minutes between two copies of the votes to the Hub.", _parse_count, "MINUTES"
    )
    allow_checkpoints: bool = _setting(
        True,
        "Whether visitors may load any model of the Hub.",
        _parse_bool,
        "yes|no",
        default_text="yes; on a Space, no",
    )
    allow_addresses: bool = _setting(
        False, "Also let visitors of a public page have pictures fetched by address.", _parse_bool
    )
    max_loaded: int | None = _setting(
        None, "Models in memory at a time.", _parse_count, "NUMBER", default_text="as many as fit"
    )
    device: Device = _setting(  # noqa: RUF009  it returns a field
        "auto", "Where models run.", _parse_device, "|".join(get_args(Device))
    )
    threads: int | None = _setting(
        None, "CPU threads.", _parse_count, "NUMBER", default_text="as many as torch chooses"
    )
    cache_gib: float = _setting(
        2.0,
        "Memory for caches that save computing, shared by all models; 0: none.",
        _parse_amount,
        "GIB",
    )
    batch: int = _setting(
        8, "Requests that a model answers at the same time.", _parse_count, "NUMBER"
    )
    waiting: int = _setting(
        20, "Further requests that may wait for a model.", _parse_count, "NUMBER"
    )
    timeout: int = _setting(
        600, "Seconds after which an answer is cut off.", _parse_count, "SECONDS"
    )
    batch_jobs: int = _setting(
        2, "Batches of pictures that the page runs at the same time.", _parse_count, "NUMBER"
    )
    batch_pictures: int = _setting(
        500, "Largest number of pictures in a batch of the page.", _parse_count, "NUMBER"
    )
    batch_bytes: int = _setting(
        200_000_000,
        "Largest ZIP of a batch of the page; unpacked, it may have ten times as many bytes.",
        _parse_count,
        "BYTES",
    )
    visitor_uploads: int | None = _quota(
        "Files that one visitor may upload in an hour", "uploads_an_hour"
    )
    visitor_bytes: int | None = _quota("Bytes of files that are kept for one visitor", "bytes_kept")
    visitor_answers: int | None = _quota(
        "Answers that one visitor may wait for at a time", "answers_at_once"
    )
    visitor_answers_hour: int | None = _quota(
        "Answers that one visitor may ask for in an hour", "answers_an_hour"
    )
    moderation_command: str = _setting(
        "",
        "Command that allows (exit 0) or refuses (exit 1) questions and answers, as JSON on stdin.",
        str,
        "COMMAND",
        default_text="none",
    )
    moderation_model: str = _setting(
        "",
        "Model of the menu that judges questions and answers.",
        str,
        "MODEL",
        default_text="none",
    )
    files_bytes: int = _setting(
        20_000_000_000, "Bytes of all files that visits leave here.", _parse_count, "BYTES"
    )
    files_hours: float = _setting(
        24.0, "Hours after which such a file is removed.", _parse_amount, "HOURS"
    )
    trusted_proxies: int = _setting(
        0,
        "Reverse proxies before the page, which name a visitor's address in X-Forwarded-For.",
        _parse_limit,
        "NUMBER",
        default_text="0; on a Space, 1",
    )
    max_upload_bytes: int = _setting(20_000_000, "Largest picture file.", _parse_count, "BYTES")
    max_pixels: int = _setting(
        40_000_000, "Largest picture, width times height.", _parse_count, "PIXELS"
    )
    max_characters: int = _setting(8_000, "Longest text.", _parse_count, "CHARACTERS")

    def is_private(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether only people on this computer can open the page: no Space, link or network."""
        if self.public:
            return False
        return is_loopback(self.host) and not self.share and not environ.get("SPACE_ID")

    def is_public(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether strangers may open the page: as the settings say, or if it is not private."""
        return not self.is_private(environ) if self.public is None else self.public

    @property
    def quotas(self) -> Quotas:
        """The limits of one visitor."""
        default = Quotas() if self.is_private() else PUBLIC_QUOTAS

        def choose(given: int | None, usual: int) -> int:
            return usual if given is None else given

        return Quotas(
            uploads_an_hour=choose(self.visitor_uploads, default.uploads_an_hour),
            bytes_kept=choose(self.visitor_bytes, default.bytes_kept),
            answers_at_once=choose(self.visitor_answers, default.answers_at_once),
            answers_an_hour=choose(self.visitor_answers_hour, default.answers_an_hour),
        )

    @classmethod
    def read(
        cls, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
    ) -> Settings:
        """Build settings from flags by name and the environment; a flag of None was not given.

        On a Hugging Face Space (where SPACE_ID is set) the page listens on all addresses and
        visitors cannot load models of their own choice, unless a flag or variable says otherwise.

        Raises:
            SettingsError: a value cannot be used.
        """
        values: dict[str, Any] = {}
        if environ.get("SPACE_ID"):
            values |= {
                "host": "0.0.0.0",
                "allow_checkpoints": False,
                "frames": ("https://huggingface.co",),
                "trusted_proxies": 1,
            }
        settings = declarations()
        for name, setting in settings.items():
            if text := environ.get(setting.variable):
                values[name] = setting.read(text, source=setting.variable)
        for name, value in (flags or {}).items():
            if name not in settings:
                suggestion = suggest_names(name, settings)
                raise SettingsError(f"There is no setting {quote_name(name)}. {suggestion}".strip())
            if value is not None:
                values[name] = settings[name].read(str(value), source=settings[name].flag)
        return cls(**values)


def declarations() -> dict[str, Declaration]:
    """Return what is declared of every setting, by name."""
    return {
        entry.name: Declaration(name=entry.name, default=entry.default, **entry.metadata)
        for entry in fields(Settings)
    }
