"""How a server wants to be asked, as far as its refusals have said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

RENAMED_FIELDS: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}
"""Newer names of fields, for servers that ask for them.

Source: https://platform.openai.com/docs/api-reference/chat/create (`max_tokens`, deprecated).
"""

OPTIONAL_FIELDS = (
    *("stream_options", "temperature", "top_p", "seed", "stop", "logprobs"),
    "reasoning_effort",
)
"""Fields without which a request still asks the same; the server then decides about them."""

_SEEN_CHARACTERS = 500
"""Characters of a refusal in which names of fields are looked for: some repeat the request."""

_EVERYDAY_WORDS = frozenset({"stop", "stream", "seed"})
"""Names of fields that count only in quotation marks: sentences have them, too."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server refuses of the usual request, and what it takes instead."""

    renamed: frozenset[str] = frozenset()
    omitted: frozenset[str] = frozenset()
    streams: bool = True  # False: it sends an answer only as a whole

    def write(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a request as the server takes them."""
        options = {name: value for name, value in options.items() if name not in self.omitted}
        if not self.streams:
            options.pop("stream_options", None)
        return {
            RENAMED_FIELDS[name] if name in self.renamed else name: value
            for name, value in options.items()
        }

    def adapt(self, options: Mapping[str, Any], refusal: object) -> Dialect | None:
        """Return how to ask next after a refusal; None: it names nothing that can be changed.

        Each answer differs from this dialect, so that adapting it comes to an end.

        Args:
            options: those of the request that was refused, before `write`.
            refusal: what the server said, decoded from JSON.
        """
        named = _find_named_fields(refusal)
        for name, newer in RENAMED_FIELDS.items():
            if name in options and newer in named and name not in self.renamed:
                return replace(self, renamed=self.renamed | {name})
        omitted = {name for name in OPTIONAL_FIELDS if name in options and name in named}
        if omitted - self.omitted:
            return replace(self, omitted=self.omitted | omitted)
        refuses_stream = "stream" in named or "streaming" in named
        if refuses_stream and "stream_options" not in named and self.streams:
            return replace(self, streams=False)
        return None


def _find_named_fields(refusal: object) -> frozenset[str]:
    """Return the words of a refusal; where it names the field that is meant, only that one."""
    message, param = refusal, None
    while isinstance(message, dict):
        param = message.get("param") or param
        message = message.get("message") or message.get("detail") or message.get("error")
    words = message if isinstance(message, str) else json.dumps(message, default=str)
    words = words[:_SEEN_CHARACTERS]
    found = frozenset(re.findall(r"\w+", words)) - _EVERYDAY_WORDS
    found |= frozenset(re.findall(r"[`'\"](\w+)[`'\"]", words))
    if isinstance(param, str) and param:
        return frozenset({param}) | (found & frozenset(RENAMED_FIELDS.values()))
    return found
