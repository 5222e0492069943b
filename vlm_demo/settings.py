"""The program's settings: flags over environment variables over defaults.

A setting is one field of `Settings`, which declares its type, its default, its help text and how
it is read. Its flag (`--votes-repo`) and its environment variable (`VLM_DEMO_VOTES_REPO`) follow
from its name. `vlm-demo serve` takes all flags that are declared here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args

from vlm_demo.errors import SettingsError, quote_name, suggest_names
from vlm_demo.quotas.limits import Quotas
from vlm_demo.setting_declarations import (
    Declaration,
    Device,
    declare_setting,
    parse_amount,
    parse_bool,
    parse_count,
    parse_device,
    parse_limit,
    parse_log,
    parse_names,
    parse_port,
    parse_sites,
)

PUBLIC_QUOTAS = Quotas(
    uploads_an_hour=300,
    bytes_kept=1_000_000_000,
    answers_at_once=8,
    answers_an_hour=600,
)
"""Limits of one visitor of a page that others than its owner can open, unless settings say more."""

PUBLIC_FILM_BYTES = 200_000_000
"""Largest film or PDF on a page that others than its owner can open, unless settings say more."""

PRIVATE_FILM_BYTES = 2_000_000_000
"""The same elsewhere."""


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


def _declare_quota(about: str, name: str) -> int | None:
    """Declare a limit of one visitor, which is off on a private page unless it is given."""
    public = getattr(PUBLIC_QUOTAS, name)
    return declare_setting(
        None,
        f"{about}; 0: no limit.",
        parse_limit,
        "NUMBER",
        default_text=f"{public:_} on a page that others can open, or else 0",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this run of the program is set up."""

    host: str = declare_setting(
        "127.0.0.1",
        "Address to listen on.",
        str,
        "ADDRESS",
        default_text="127.0.0.1; on a Space, all addresses",
    )
    port: int = declare_setting(7860, "Port to listen on.", parse_port, "NUMBER")
    public: bool | None = declare_setting(
        None,
        "Whether strangers may open the page: what concerns everybody is then the operator's.",
        parse_bool,
        "yes|no",
        default_text="yes on a Space, with --share, and for a --host that others can reach",
    )
    operator_password: str = declare_setting(
        "",
        "Password of the operator of a public page; a flag can be read by others on the machine.",
        str,
        "WORDS",
        default_text="none: a public page has no operator",
    )
    operator_password_file: Path | None = declare_setting(  # noqa: RUF009  it returns a field
        None, "File with this password, on its first line.", Path, "FILE", default_text="none"
    )
    operators: tuple[str, ...] = declare_setting(
        (),
        "Who, signed in at the Hub, is an operator of a Space too.",
        parse_names,
        "NAME,NAME",
        default_text="the owner of the Space alone",
    )
    auth: Path | None = declare_setting(  # noqa: RUF009  it returns a field
        None,
        "File of who may open the page: NAME:PASSWORD on each line.",
        Path,
        "FILE",
        default_text="none: everybody may who can reach it",
    )
    terms: Path | None = declare_setting(  # noqa: RUF009  it returns a field
        None,
        "Text file of terms that each visitor accepts before anything is answered.",
        Path,
        "FILE",
        default_text="none",
    )
    metrics_key: str = declare_setting(
        "",
        "Key with which a program may read /metrics of a public page.",
        str,
        default_text="none",
        is_flag=False,
    )
    frames: tuple[str, ...] = declare_setting(
        (),
        "Sites that may show the page in a frame.",
        parse_sites,
        "ADDRESS,ADDRESS",
        default_text="none; on a Space, https://huggingface.co",
    )
    log: Literal["text", "json"] = declare_setting(
        "text", "What the log on standard error is.", parse_log, "text|json"
    )
    share: bool = declare_setting(
        False, "Also make a public link, through Gradio's servers.", parse_bool
    )
    mcp: bool = declare_setting(
        False, "Also offer the page's actions to assistants, as MCP tools.", parse_bool
    )
    api: bool = declare_setting(
        False, "Also answer other programs at /v1, as OpenAI's API does.", parse_bool
    )
    api_keys: tuple[str, ...] = declare_setting(
        (),
        "Keys of these programs.",
        parse_names,
        default_text="none, and then only programs on this computer are answered",
        is_flag=False,
    )
    no_page: bool = declare_setting(False, "Leave the page out; for --api alone.", parse_bool)
    menu: Path | None = declare_setting(  # noqa: RUF009  it returns a field
        None,
        "TOML file of models to choose from.",
        Path,
        "FILE",
        default_text="the menu that comes with the program",
    )
    server: tuple[str, ...] = declare_setting(
        (),
        "Servers with OpenAI's API whose models come first on the menu.",
        parse_names,
        "ADDRESS,ADDRESS",
        default_text="none",
    )
    server_key: str = declare_setting(
        "", "Key of these servers.", str, default_text="none", is_flag=False
    )
    votes: str = declare_setting(
        "votes.db", "Database of votes: an SQLite file, or a URL.", str, "FILE|URL"
    )
    evaluations: Path = declare_setting(  # noqa: RUF009  it returns a field
        Path("evaluations"),
        "Folder with the results of evaluations, which the page shows.",
        Path,
        "FOLDER",
    )
    fine_tuned: Path = declare_setting(  # noqa: RUF009  it returns a field
        Path("fine-tuned"),
        "Folder of the models that are fine-tuned on the page.",
        Path,
        "FOLDER",
    )
    arena: tuple[str, ...] = declare_setting(
        (),
        "Models that may meet in a battle.",
        parse_names,
        "MODEL,MODEL",
        default_text="all that need no download",
    )
    secret: str = declare_setting(
        "",
        "Key that makes voters unrecognisable.",
        str,
        default_text="a random one, kept beside the votes",
        is_flag=False,
    )
    votes_repo: str = declare_setting(
        "", "Data set on the Hub that votes are copied to.", str, "NAME", default_text="none"
    )
    votes_minutes: int = declare_setting(
        5, "Minutes between two copies of the votes to the Hub.", parse_count, "MINUTES"
    )
    allow_checkpoints: bool = declare_setting(
        True,
        "Whether visitors may load any model of the Hub.",
        parse_bool,
        "yes|no",
        default_text="yes; on a Space, no",
    )
    allow_addresses: bool = declare_setting(
        False, "Also let visitors of a public page have images downloaded by address.", parse_bool
    )
    max_loaded: int | None = declare_setting(
        None, "Models in memory at a time.", parse_count, "NUMBER", default_text="as many as fit"
    )
    device: Device = declare_setting(  # noqa: RUF009  it returns a field
        "auto", "Where models run.", parse_device, "|".join(get_args(Device))
    )
    threads: int | None = declare_setting(
        None, "CPU threads.", parse_count, "NUMBER", default_text="as many as torch chooses"
    )
    cache_gib: float = declare_setting(
        2.0,
        "Memory for caches that save computing, shared by all models; 0: none.",
        parse_amount,
        "GIB",
    )
    batch: int = declare_setting(
        8, "Requests that a model answers at the same time.", parse_count, "NUMBER"
    )
    waiting: int = declare_setting(
        20, "Further requests that may wait for a model.", parse_count, "NUMBER"
    )
    timeout: int = declare_setting(
        600, "Seconds after which an answer is cut off.", parse_count, "SECONDS"
    )
    batch_jobs: int = declare_setting(
        2, "Batches of images that the page runs at the same time.", parse_count, "NUMBER"
    )
    batch_pictures: int = declare_setting(
        500, "Largest number of images in a batch of the page.", parse_count, "NUMBER"
    )
    batch_bytes: int = declare_setting(
        200_000_000,
        "Largest ZIP of a batch of the page; unpacked, it may have ten times as many bytes.",
        parse_count,
        "BYTES",
    )
    visitor_uploads: int | None = _declare_quota(
        "Files that one visitor may upload in an hour", "uploads_an_hour"
    )
    visitor_bytes: int | None = _declare_quota(
        "Bytes of files that are kept for one visitor", "bytes_kept"
    )
    visitor_answers: int | None = _declare_quota(
        "Answers that one visitor may wait for at a time", "answers_at_once"
    )
    visitor_answers_hour: int | None = _declare_quota(
        "Answers that one visitor may ask for in an hour", "answers_an_hour"
    )
    moderation_command: str = declare_setting(
        "",
        "Command that allows (exit 0) or refuses (exit 1) questions and answers, as JSON on stdin.",
        str,
        "COMMAND",
        default_text="none",
    )
    moderation_model: str = declare_setting(
        "",
        "Model of the menu that judges questions and answers.",
        str,
        "MODEL",
        default_text="none",
    )
    files_bytes: int = declare_setting(
        20_000_000_000, "Bytes of all files that visits leave here.", parse_count, "BYTES"
    )
    files_hours: float = declare_setting(
        24.0, "Hours after which such a file is removed.", parse_amount, "HOURS"
    )
    trusted_proxies: int = declare_setting(
        0,
        "Reverse proxies before the page, which name a visitor's address in X-Forwarded-For.",
        parse_limit,
        "NUMBER",
        default_text="0; on a Space, 1",
    )
    max_upload_bytes: int = declare_setting(20_000_000, "Largest image file.", parse_count, "BYTES")
    max_film_bytes: int | None = declare_setting(
        None,
        "Largest video or PDF.",
        parse_count,
        "BYTES",
        default_text=f"{PUBLIC_FILM_BYTES:_} on a page that others can open, "
        f"or else {PRIVATE_FILM_BYTES:_}",
    )
    max_pixels: int = declare_setting(
        40_000_000, "Largest image, width times height.", parse_count, "PIXELS"
    )
    max_characters: int = declare_setting(8_000, "Longest text.", parse_count, "CHARACTERS")

    def is_private(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether only people on this computer can open the page: no Space, link or network."""
        if self.public:
            return False
        return is_loopback(self.host) and not self.share and not environ.get("SPACE_ID")

    def is_public(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether strangers may open the page: as the settings say, or if it is not private."""
        return not self.is_private(environ) if self.public is None else self.public

    @property
    def film_bytes(self) -> int:
        """The largest film or PDF, in bytes."""
        usual = PRIVATE_FILM_BYTES if self.is_private() else PUBLIC_FILM_BYTES
        return usual if self.max_film_bytes is None else self.max_film_bytes

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
