"""What goes wrong with a model on another server, in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vlm_demo.engines.base import ServerKind
from vlm_demo.engines.remote.chat_request import VLLM_FIELDS
from vlm_demo.errors import AnswerTimeoutError, ServerError, TooLongError, VlmDemoError

TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum model length|max_model_len", re.IGNORECASE
)
"""In what vLLM, SGLang, llama.cpp and OpenAI say of a prompt that does not fit."""

MOST_WORDS = 300
"""Characters that are shown of what a server says: some repeat the whole request."""


@dataclass(frozen=True, slots=True)
class ServerFailures:
    """Writes the errors of one server. The key never stands in them."""

    model: str
    address: str
    server: ServerKind
    api_key: str = field(repr=False)
    api_key_env: str

    def lost(self, broken: str) -> ServerError:
        """There is no connection, or no longer: `broken` says so of {who}."""
        return ServerError(broken.format(who=self._who))

    def unreadable(self) -> ServerError:
        """It answers, but in another language."""
        return ServerError(
            f"{self._who} sent something that cannot be read. Please check that it is a server "
            "of OpenAI's API, and its base_url in the menu."
        )

    def incomplete(self) -> ServerError:
        """The answer ends without an end."""
        return ServerError(f"{self._who} broke off in the middle of its answer. Please ask again.")

    def silent(self, seconds: float) -> AnswerTimeoutError:
        """Nothing has come for so long."""
        return AnswerTimeoutError(
            f"{self._who} has been silent for {seconds:g} seconds. Please try again later."
        )

    def too_late(self, seconds: float) -> AnswerTimeoutError:
        """The whole answer takes too long."""
        return AnswerTimeoutError(
            f"This took longer than {seconds:,g} seconds and was stopped. Please ask for less, or "
            "try again when the model has less to do."
        )

    def no_model(self, names: Sequence[str]) -> ServerError:
        """It has other models; `names` may be empty where it does not tell them."""
        listed = f" Its models are: {', '.join(names)}." if names else ""
        return ServerError(
            f"{self._who} has no model of this name.{listed} Please correct checkpoint in the "
            "menu, or start the server with it."
        )

    def refusal(self, status: int | None, body: object) -> VlmDemoError:
        """It says that it cannot, or will not.

        Args:
            status: of HTTP; None: the answer had begun.
            body: what it says, decoded.
        """
        if status in (401, 403):
            return ServerError(self._key_refused())  # its own words may hold parts of the key
        if status == 404:
            return ServerError(
                f"{self._who} has no such address. Please correct base_url in the menu: it "
                "usually ends in /v1."
            )
        words = self._words(body)
        if status in (429, 503):
            return ServerError(f"{self._who} is busy or not ready. Please try again later.{words}")
        if (status is None or 400 <= status < 500) and TOO_LONG.search(words):
            return TooLongError(
                f"This is more than {self.model} can take. Please shorten it, begin a new "
                f"conversation, or ask for a shorter answer.{words}"
            )
        failed = f"{self._who} failed while it answered."
        if status is not None:
            failed = f"{self._who} answered with error {status}."
        return ServerError(f"{failed}{words}{self._hint(words)}")

    @property
    def _who(self) -> str:
        return f"The server of {self.model} ({self.address})"

    def _key_refused(self) -> str:
        if not self.api_key_env:
            return (
                f"{self._who} wants a key. Please put it into an environment variable, and the "
                "name of that into the menu, as api_key_env."
            )
        return (
            f"{self._who} refuses the key in the environment variable {self.api_key_env}. Please "
            "set it to one that is valid there."
        )

    def _hint(self, words: str) -> str:
        if self.server == "vllm" and any(name in words for name in VLLM_FIELDS):
            return ' If it is not vLLM, please write server = "openai" in the menu.'
        return ""

    def _words(self, body: object) -> str:
        """What a server says, in whatever shape it says it: a sentence to be added, or ""."""
        while isinstance(body, dict):
            body = body.get("message") or body.get("detail") or body.get("error")
        words = " ".join(str(body or "").split())
        if not words or words.startswith("<"):  # the page of a proxy
            return ""
        if self.api_key:
            words = words.replace(self.api_key, "…")
        return f" It says: {words[:MOST_WORDS]}"
