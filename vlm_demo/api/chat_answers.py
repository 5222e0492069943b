"""Writes replies as OpenAI's answers, whole or as the events of a stream.

Sources: https://platform.openai.com/docs/api-reference/chat/object and
https://platform.openai.com/docs/api-reference/chat-streaming.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from openai.types import CompletionUsage
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionTokenLogprob,
    chat_completion,
    chat_completion_chunk,
)
from openai.types.completion_usage import PromptTokensDetails

from vlm_demo.api.chat_requests import ChatCall
from vlm_demo.api.failures import error_body
from vlm_demo.backend import Backend
from vlm_demo.families import get_family
from vlm_demo.rendering.export import reply_to_data
from vlm_demo.values import AnswerToken, Mention, Reply, Size, StopReason

FinishReason = Literal["stop", "length", "content_filter"]

FINISH_REASONS: dict[StopReason | None, FinishReason] = {
    StopReason.LENGTH: "length",
    StopReason.FILTERED: "content_filter",
}
"""Names of the protocol for the reasons for which an answer is incomplete; all others: "stop"."""

DONE = "data: [DONE]\n\n"
"""The event that ends a stream."""

KEEP_ALIVE = ": waiting\n\n"
"""A comment, which clients skip: it shows them, and proxies, that the server is there.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes.
"""

KEEP_ALIVE_S = 5.0
"""Longest silence of a stream in seconds."""

_UNSETTLED_END = re.compile(r"(?:\s|[<\[\u25c1\ufffd])+$")
"""What may still become a marker that is no part of the answer, or is taken off its end."""


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What all parts of an answer begin with."""

    model: str  # as it was asked for
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))


def completion_data(backend: Backend, call: ChatCall, reply: Reply) -> dict[str, Any]:
    """Return the whole answer, as JSON has it."""
    head = AnswerHead(call.model)
    message = ChatCompletionMessage(role="assistant", content=answer_text(backend, call, reply))
    choice = chat_completion.Choice(
        index=0,
        finish_reason=_finish_reason(reply),
        message=message,
        logprobs=chat_completion.ChoiceLogprobs(content=_logprobs(reply.tokens))
        if call.wants_logprobs
        else None,
    )
    completion = ChatCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        object="chat.completion",
        choices=[choice],
        usage=_usage(reply),
    )
    data = completion.model_dump(mode="json", exclude_unset=True)
    written = data["choices"][0]["message"]
    if reply.reasoning:
        written["reasoning_content"] = reply.reasoning
    written["refusal"] = None
    written["vlm_demo"] = own_data(call, reply)
    return data


def own_data(call: ChatCall, reply: Reply) -> dict[str, Any]:
    """Return what the protocol has no fields for: clean text, regions, who answered, and notes."""
    sizes = call.image_sizes or ((1, 1),)  # without a picture there are no regions
    data: dict[str, Any] = {**reply_to_data(reply, sizes[-1])}
    data["items"] = [
        item
        for mention in reply.mentions
        for item in reply_to_data(_only(mention), _size_of(mention, sizes))["items"]
    ]
    return {**data, "state": reply.state.value, "image_sizes": list(map(list, call.image_sizes))}


def answer_text(backend: Backend, call: ChatCall, reply: Reply) -> str:
    """Return what the model has answered, in its own words.

    Regions that it has written in plain text stay where they are. Of models that write them in
    tags or special tokens the text is clean, as other servers leave special tokens out too,
    unless the request asks to keep them.
    """
    family = get_family(backend.spec(reply.model or call.model).family)
    writes_tags = bool(family.keep_special_tokens or family.markup_tokens)
    is_clean = writes_tags and not call.keeps_special_tokens
    return (reply.text if is_clean else reply.answer).strip()


class ChatStream:
    """Writes the events of one answer as it grows."""

    def __init__(self, backend: Backend, call: ChatCall) -> None:
        self._backend = backend
        self._call = call
        self._head = AnswerHead(call.model)
        self._text = ""  # what has been sent
        self._reasoning = ""
        self._token_count = 0

    async def events(self, replies: AsyncIterator[Reply | None]) -> AsyncIterator[str]:
        """Yield the events for replies, each of which replaces the one before.

        None stands for a time without anything new. An error that ends the replies is the last
        event: the status of the answer has been sent already.
        """
        yield self._chunk({"role": "assistant", "content": ""})
        newest, last_s = Reply("", ""), time.monotonic()
        try:
            async for reply in replies:
                newest = reply or newest
                for event in self._growth(newest, is_last=False):
                    yield event
                    last_s = time.monotonic()
                if time.monotonic() - last_s >= KEEP_ALIVE_S:
                    yield KEEP_ALIVE
                    last_s = time.monotonic()
        except Exception as error:  # whatever it is, the client must learn of it
            yield f"data: {json.dumps(error_body(error))}\n\n"
            return
        for event in self._growth(newest, is_last=True):
            yield event
        own = own_data(self._call, newest)
        yield self._chunk({"vlm_demo": own}, finish_reason=_finish_reason(newest))
        usage = _usage(newest)
        if self._call.includes_usage and usage:
            yield self._event([], usage)
        yield DONE

    def _growth(self, reply: Reply, *, is_last: bool) -> Iterator[str]:
        """Yield what a reply adds to those before it."""
        reasoning = reply.reasoning if is_last else _strip_unsettled_end(reply.reasoning)
        text = answer_text(self._backend, self._call, reply)
        text = text if is_last else _strip_unsettled_end(text)
        if _extends(reasoning, self._reasoning):
            yield self._chunk({"reasoning_content": reasoning[len(self._reasoning) :]})
            self._reasoning = reasoning
        if _extends(text, self._text):
            tokens = reply.tokens[self._token_count :]
            self._token_count = len(reply.tokens)
            yield self._chunk({"content": text[len(self._text) :]}, tokens=tokens)
            self._text = text

    def _chunk(
        self,
        delta: dict[str, Any],
        *,
        finish_reason: FinishReason | None = None,
        tokens: Sequence[AnswerToken] = (),
    ) -> str:
        logprobs = None
        if self._call.wants_logprobs and tokens:
            logprobs = chat_completion_chunk.ChoiceLogprobs(content=_logprobs(tokens))
        choice = chat_completion_chunk.Choice(
            index=0,
            delta=chat_completion_chunk.ChoiceDelta.model_validate(delta),
            finish_reason=finish_reason,
            logprobs=logprobs,
        )
        return self._event([choice])

    def _event(
        self, choices: list[chat_completion_chunk.Choice], usage: CompletionUsage | None = None
    ) -> str:
        chunk = ChatCompletionChunk(
            id=self._head.id,
            created=self._head.created,
            model=self._head.model,
            object="chat.completion.chunk",
            choices=choices,
            usage=usage,
        )
        data = chunk.model_dump(mode="json", exclude_unset=True)
        if usage is None:
            del data["usage"]
        return f"data: {json.dumps(data)}\n\n"


def _extends(text: str, sent: str) -> bool:
    """Whether there is something new behind what was sent, which cannot be taken back."""
    return len(text) > len(sent) and text.startswith(sent)


def _strip_unsettled_end(text: str) -> str:
    return _UNSETTLED_END.sub("", text)


def _finish_reason(reply: Reply) -> FinishReason:
    return FINISH_REASONS.get(reply.stop, "stop")


def _logprobs(tokens: Sequence[AnswerToken]) -> list[ChatCompletionTokenLogprob]:
    return [
        ChatCompletionTokenLogprob(
            token=token.text,
            bytes=list(token.text.encode(errors="replace")),
            logprob=max(
                token.logprob, -9999.0
            ),  # as OpenAI writes what JSON cannot: minus infinity
            top_logprobs=[],
        )
        for token in tokens
    ]


def _usage(reply: Reply) -> CompletionUsage | None:
    """Return how many tokens an answer took; None where the engine does not count."""
    counts = reply.counts
    if counts is None:
        return None
    return CompletionUsage(
        prompt_tokens=counts.prompt,
        completion_tokens=counts.completion,
        total_tokens=counts.prompt + counts.completion,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=counts.cached),
    )


def _only(mention: Mention) -> Reply:
    return Reply("", "", (mention,))


def _size_of(mention: Mention, sizes: Sequence[Size]) -> Size:
    return sizes[mention.image_index] if mention.image_index < len(sizes) else sizes[-1]
