"""Errors of models on other servers, in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vlm_demo.engines.load_options import Server
from vlm_demo.engines.remote.chat_request import VLLM_FIELDS
from vlm_demo.errors import (
    AnswerTimeoutError,
    ContextLengthError,
    RequestTooLargeError,
    ServerError,
    UnsupportedTaskError,
    VlmDemoError,
)
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message

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


SOMETHING = message("something")
"""What a server sent, where nothing more is known about it."""

BROKE_OFF = message("{who} stopped in the middle of its answer. Ask again.")
"""Said of a server that ends an answer early."""


@dataclass(frozen=True, slots=True)
class ServerFailures:
    """Writes the errors of one server. They never contain the key."""

    name: str  # of the model, on the menu
    server: Server
    api_key: str = field(repr=False)

    def unreachable(self, text: str) -> ServerError:
        """Say that there is no connection, or none any more; {who} in `text` is the server."""
        return ServerError(text, who=self._who)

    def unreadable(self, what: str = SOMETHING) -> ServerError:
        """Say that it answers in another protocol.

        Args:
            what: what it sent, such as "a web page", marked for translation.
        """
        return ServerError(
            "{who} sent {what} that cannot be read. Check that it is an OpenAI-compatible "
            "server, and its base_url in the menu.",
            who=self._who,
            what=TranslatableText(what),
        )

    def incomplete(self) -> ServerError:
        """Say that its answer stops without saying that it ends."""
        return ServerError(BROKE_OFF, who=self._who)

    def silent(self, seconds: float) -> AnswerTimeoutError:
        """Say that nothing has come for so long."""
        return AnswerTimeoutError(
            "{who} has not responded for {seconds} seconds. Try again later.",
            who=self._who,
            seconds=f"{seconds:g}",
        )

    def too_late(self, seconds: float) -> AnswerTimeoutError:
        """Say that the whole answer takes too long."""
        return AnswerTimeoutError(
            "This took longer than {seconds} seconds and was stopped. Ask for less, or try "
            "again when the model is less busy.",
            seconds=f"{seconds:,g}",
        )

    def no_model(self, names: Sequence[str]) -> ServerError:
        """Say that it has no model of this name.

        Args:
            names: of the models that it has; (): not known.
        """
        unknown = TranslatableText("{who} has no model with this name.", {"who": self._who})
        advice = message("Correct checkpoint in the menu, or start the server with it.")
        return ServerError(join_texts(unknown, _list_models(names), advice))

    def refusal(self, status: int | None, body: object) -> VlmDemoError:
        """Say that it cannot answer, or will not.

        Args:
            status: the HTTP status; None: the answer had begun.
            body: what it says, decoded.
        """
        if status in (401, 403):
            return self._refuse_key()  # its own words may hold parts of the key
        if status == 404:
            return ServerError(
                "{who} has no such address. Correct base_url in the menu: it usually ends in /v1.",
                who=self._who,
            )
        if status in (301, 302, 303, 307, 308):
            return ServerError(
                "{who} redirects to another address, and redirects are not followed. Enter "
                "that address in the menu.",
                who=self._who,
            )
        if status == 413:
            return RequestTooLargeError(
                "{who} does not accept requests this large (413). Choose a smaller image, or "
                "start a new conversation.",
                who=self._who,
            )
        said = self._quote(body)
        if status in (429, 503):
            busy = message("{who} is busy or not ready. Try again later.")
            return ServerError(join_texts(TranslatableText(busy, {"who": self._who}), said))
        if (status is None or 400 <= status < 500) and self.is_too_long(body):
            too_long = TranslatableText(
                "This is more than {name} can take. Shorten it, start a new conversation, or "
                "ask for a shorter answer.",
                {"name": self.name},
            )
            return ContextLengthError(join_texts(too_long, said))
        if SEES_NOTHING.search(str(said)):
            blind = TranslatableText(
                "{name} accepts no images. Choose another model, or start the server with this "
                "model's vision encoder.",
                {"name": self.name},
            )
            return UnsupportedTaskError(join_texts(blind, said))
        failed = TranslatableText("{who} failed while answering.", {"who": self._who})
        if status is not None:
            failed = TranslatableText(
                "{who} answered with error {status}.", {"who": self._who, "status": status}
            )
        return ServerError(join_texts(failed, said, self._hint(str(said))))

    def is_too_long(self, body: object) -> bool:
        """Tell whether a refusal says that the prompt does not fit."""
        return TOO_LONG.search(str(self._quote(body))) is not None

    @property
    def _who(self) -> TranslatableText:
        return TranslatableText(
            "The server of {name} ({address})",
            {"name": self.name, "address": self.server.base_url},
        )

    def _refuse_key(self) -> ServerError:
        if self.server.api_key:
            return ServerError(
                "{who} rejects its key. Add the server again, with a valid one.",
                who=self._who,
            )
        if not self.server.api_key_env:
            return ServerError(
                "{who} needs a key. Put it into an environment variable, and the name of that "
                "variable into the menu, as api_key_env.",
                who=self._who,
            )
        return ServerError(
            "{who} rejects the key in the environment variable {variable}. Set it to a valid one.",
            who=self._who,
            variable=self.server.api_key_env,
        )

    def _hint(self, said: str) -> str:
        if self.server.kind == "vllm" and any(name in said for name in VLLM_FIELDS):
            return message('If it is not vLLM, write server = "openai" in the menu.')
        return ""

    def _quote(self, body: object) -> DisplayText:
        """Return a sentence that quotes the server, whatever the shape of its message, or ""."""
        while isinstance(body, dict):
            body = body.get("message") or body.get("detail") or body.get("error")
        words = " ".join(str(body or "").split())
        if not words or words.startswith("<"):  # the page of a proxy
            return ""
        if self.api_key:
            words = words.replace(self.api_key, "…")
        return TranslatableText("It says: {words}", {"words": words[:MAX_QUOTED_CHARACTERS]})


def _list_models(names: Sequence[str]) -> DisplayText:
    """Say which models a server has; "" where that is not known."""
    if not names:
        return ""
    listed: DisplayText = ", ".join(names[:MAX_LISTED_MODELS])
    rest = len(names) - MAX_LISTED_MODELS
    if rest > 0:
        listed = TranslatableText("{names} and {count} more", {"names": str(listed), "count": rest})
    return TranslatableText("Its models are: {names}.", {"names": listed})
