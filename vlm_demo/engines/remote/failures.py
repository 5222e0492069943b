"""Errors of models on other servers, in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vlm_demo.engines.load_options import Server
from vlm_demo.engines.remote.chat_request import VLLM_FIELDS
from vlm_demo.errors import (
    AnswerTimeoutError,
    ServerError,
    TooLongError,
    UnsupportedTaskError,
    VlmDemoError,
)

TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum model length|max_model_len", re.IGNORECASE
)
"""Matches what vLLM, SGLang, llama.cpp and OpenAI say of a prompt that does not fit."""

SEES_NOTHING = re.compile(
    r"image_url is only supported|not support image|image input is not supported"
    r"|not a multimodal model|at most 0 image",
    re.IGNORECASE,
)
"""Matches what OpenAI, llama.cpp and vLLM say of a picture for a model that reads only text."""

MAX_LISTED_MODELS = 20
"""Most models of a server that an error lists."""

MAX_QUOTED_CHARACTERS = 300
"""Most characters that are shown of a server's own message: some repeat the whole request."""


@dataclass(frozen=True, slots=True)
class ServerFailures:
    """Writes the errors of one server. They never contain the key."""

    name: str  # of the model, on the menu
    server: Server
    api_key: str = field(repr=False)

    def unreachable(self, message: str) -> ServerError:
        """Say that there is no connection, or none any more; {who} in `message` is the server."""
        return ServerError(message.format(who=self._who))

    def unreadable(self, what: str = "something") -> ServerError:
        """Say that it answers in another protocol.

        Args:
            what: what it sent, such as "a web page".
        """
        return ServerError(
            f"{self._who} sent {what} that cannot be read. Please check that it is a server "
            "of OpenAI's API, and its base_url in the menu."
        )

    def incomplete(self) -> ServerError:
        """Say that its answer stops without saying that it ends."""
        return ServerError(f"{self._who} broke off in the middle of its answer. Please ask again.")

    def silent(self, seconds: float) -> AnswerTimeoutError:
        """Say that nothing has come for so long."""
        return AnswerTimeoutError(
            f"{self._who} has been silent for {seconds:g} seconds. Please try again later."
        )

    def too_late(self, seconds: float) -> AnswerTimeoutError:
        """Say that the whole answer takes too long."""
        return AnswerTimeoutError(
            f"This took longer than {seconds:,g} seconds and was stopped. Please ask for less, or "
            "try again when the model has less to do."
        )

    def no_model(self, names: Sequence[str]) -> ServerError:
        """Say that it has no model of this name.

        Args:
            names: of the models that it has; (): not known.
        """
        listed = ", ".join(names[:MAX_LISTED_MODELS])
        rest = len(names) - MAX_LISTED_MODELS
        more = f" and {rest} more" if rest > 0 else ""
        others = f" Its models are: {listed}{more}." if names else ""
        return ServerError(
            f"{self._who} has no model of this name.{others} Please correct checkpoint in the "
            "menu, or start the server with it."
        )

    def refusal(self, status: int | None, body: object) -> VlmDemoError:
        """Say that it cannot answer, or will not.

        Args:
            status: the HTTP status; None: the answer had begun.
            body: what it says, decoded.
        """
        if status in (401, 403):
            return ServerError(self._key_refusal())  # its own words may hold parts of the key
        if status == 404:
            return ServerError(
                f"{self._who} has no such address. Please correct base_url in the menu: it "
                "usually ends in /v1."
            )
        if status in (301, 302, 303, 307, 308):
            return ServerError(
                f"{self._who} sends requests on to another address, which are not followed. "
                "Please write the address in the menu that it sends them to."
            )
        if status == 413:
            return ServerError(
                f"{self._who} takes no request that is so large (413). Please choose a smaller "
                "picture, or begin a new conversation."
            )
        said = self._quote(body)
        if status in (429, 503):
            return ServerError(f"{self._who} is busy or not ready. Please try again later.{said}")
        if (status is None or 400 <= status < 500) and self.is_too_long(body):
            return TooLongError(
                f"This is more than {self.name} can take. Please shorten it, begin a new "
                f"conversation, or ask for a shorter answer.{said}"
            )
        if SEES_NOTHING.search(said):
            return UnsupportedTaskError(
                f"{self.name} sees no pictures. Please choose another model, or start the server "
                f"with the part of this one that sees.{said}"
            )
        failed = f"{self._who} failed while it answered."
        if status is not None:
            failed = f"{self._who} answered with error {status}."
        return ServerError(f"{failed}{said}{self._hint(said)}")

    def is_too_long(self, body: object) -> bool:
        """Tell whether a refusal says that the prompt does not fit."""
        return TOO_LONG.search(self._quote(body)) is not None

    @property
    def _who(self) -> str:
        return f"The server of {self.name} ({self.server.base_url})"

    def _key_refusal(self) -> str:
        if self.server.api_key:
            return f"{self._who} refuses its key. Please add the server again, with a valid one."
        if not self.server.api_key_env:
            return (
                f"{self._who} needs a key. Please put it into an environment variable, and the "
                "name of that variable into the menu, as api_key_env."
            )
        return (
            f"{self._who} refuses the key in the environment variable {self.server.api_key_env}. "
            "Please set it to one that is valid there."
        )

    def _hint(self, said: str) -> str:
        if self.server.kind == "vllm" and any(name in said for name in VLLM_FIELDS):
            return ' If it is not vLLM, please write server = "openai" in the menu.'
        return ""

    def _quote(self, body: object) -> str:
        """Return a sentence that quotes the server, whatever the shape of its message, or ""."""
        while isinstance(body, dict):
            body = body.get("message") or body.get("detail") or body.get("error")
        words = " ".join(str(body or "").split())
        if not words or words.startswith("<"):  # the page of a proxy
            return ""
        if self.api_key:
            words = words.replace(self.api_key, "…")
        return f" It says: {words[:MAX_QUOTED_CHARACTERS]}"
