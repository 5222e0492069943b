"""Answers about several things that were looked for: one reply, with a result for each thing.

Where one prompt names all things, the labels of the answer tell whose a region is. Otherwise each
thing is a request of its own; they run side by side, so that an engine batches them and computes
the picture once, and their replies are merged as they grow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from vlm_demo.engines.channel import Channel
from vlm_demo.prompting.targets import match_target
from vlm_demo.translatable_text import join_texts
from vlm_demo.values import (
    Mention,
    ParsedPlace,
    Reply,
    ReplyState,
    Request,
    StopReason,
    TargetResult,
    Timing,
    TokenCounts,
)

SEPARATOR = "\n"
"""What stands between the answers about two things, in the text and in the raw output."""

AnswerRequest = Callable[[Request], Generator[Reply, None, None]]
"""Yields the reply to a request as it grows; closing it stops the work."""


def assign_targets(reply: Reply, targets: Sequence[str]) -> Reply:
    """Say of one answer about several things which mention is of which of them.

    Where the answer has regions under other names, a thing without any is not known to be absent.
    """
    mentions = tuple(
        replace(mention, target=match_target(mention.phrase, targets)) for mention in reply.mentions
    )
    found = {mention.target for mention in mentions if mention.regions}
    otherwise = reply.state
    if found:
        is_clear = reply.state is ReplyState.FOUND and "" not in found
        otherwise = ReplyState.NONE if is_clear else ReplyState.UNREADABLE
    results = tuple(
        TargetResult(name, ReplyState.FOUND if name in found else otherwise) for name in targets
    )
    return replace(reply, mentions=mentions, targets=results)


def answer_each(
    requests: Sequence[Request],
    targets: Sequence[str],
    answer: AnswerRequest,
    *,
    at_once: int,
) -> Generator[Reply, None, None]:
    """Yield one reply to several requests as it grows, each about one of the things.

    Closing the iterator stops them all: those that are being answered after their next token.

    Args:
        requests: one for each thing.
        targets: the names of the things, in the same order.
        answer: answers one of the requests; it is called in threads.
        at_once: largest number of requests that are answered at the same time.

    Raises:
        VlmDemoError: one of the requests failed.
    """
    replies: list[Reply | None] = [None] * len(requests)
    remaining = len(requests)
    channel: Channel[_PartialReply] = Channel()
    waiting = deque(enumerate(requests))
    for _ in range(min(at_once, len(requests))):
        channel.feed(
            lambda: _answer_waiting(waiting, answer), "answers about several things", ends=False
        )
    with closing(channel.iterate()) as parts:
        for part in parts:
            if part.reply is None:
                remaining -= 1
            else:
                replies[part.index] = part.reply
                yield merge_replies(targets, replies)
            if not remaining:
                return


@dataclass(frozen=True, slots=True)
class _PartialReply:
    """The newest reply to one of several requests."""

    index: int
    reply: Reply | None  # None: the last one was complete


def _answer_waiting(
    waiting: deque[tuple[int, Request]], answer: AnswerRequest
) -> Generator[_PartialReply, None, None]:
    """Answer one request after another, as long as there are any."""
    while True:
        try:
            index, request = waiting.popleft()
        except IndexError:
            return
        with closing(answer(request)) as replies:
            for reply in replies:
                yield _PartialReply(index, reply)
        yield _PartialReply(index, None)


def merge_replies(targets: Sequence[str], replies: Sequence[Reply | None]) -> Reply:
    """Put the replies about several things together, in the order of the things.

    Args:
        targets: the names of the things.
        replies: the reply about each; None: there is nothing yet.
    """
    parts = [(name, reply or Reply("", "")) for name, reply in zip(targets, replies, strict=True)]
    own = [reply for _, reply in parts]
    has_begun = any(reply.raw for reply in own)
    positions = [reply.queue_position for reply in own if reply.queue_position]
    return Reply(
        raw=SEPARATOR.join(reply.raw for reply in own),
        text=SEPARATOR.join(reply.text for reply in own if reply.text),
        mentions=tuple(_mentions(parts)),
        state=_merge_states([reply.state for reply in own]),
        reasoning="\n\n".join(reply.reasoning for reply in own if reply.reasoning),
        parsed_places=tuple(_move_places(own)),
        targets=tuple(TargetResult(name, reply.state, reply.raw) for name, reply in parts),
        note=join_texts(*(reply.note for reply in own)),
        queue_position=min(positions) if positions and not has_begun else 0,
        is_waiting=not has_begun and not any(reply.stop for reply in own),
        stop=_merge_stops([reply.stop for reply in own]),
        model=next((reply.model for reply in own if reply.model), ""),
        space=next((reply.space for reply in own if reply.space), ""),
        timing=_merge_timings([reply.timing for reply in own if reply.timing]),
        answer=SEPARATOR.join(reply.answer.strip() for reply in own if reply.answer),
        counts=_merge_counts([reply.counts for reply in own]),
    )


def _mentions(parts: Sequence[tuple[str, Reply]]) -> Iterator[Mention]:
    """Yield all mentions, with their spans in the whole text."""
    offset = 0
    for name, reply in parts:
        for mention in reply.mentions:
            start, end = mention.span
            # (0, 0) says that a phrase is not in the text.
            span = (start + offset, end + offset) if end else (0, 0)
            yield replace(mention, span=span, target=name)
        offset += len(reply.text) + len(SEPARATOR) if reply.text else 0


def _move_places(replies: Sequence[Reply]) -> Iterator[ParsedPlace]:
    """Yield all places, with their spans in the whole raw output."""
    offset = 0
    for reply in replies:
        for place in reply.parsed_places:
            yield replace(place, span=(place.span[0] + offset, place.span[1] + offset))
        offset += len(reply.raw) + len(SEPARATOR)


def _merge_states(states: Sequence[ReplyState]) -> ReplyState:
    """Return the state of the whole: found where anything is, none only where nothing is."""
    others = {state for state in states if state is not ReplyState.NONE}
    if others & {ReplyState.FOUND, ReplyState.PARTLY_UNREADABLE}:
        is_whole = others == {ReplyState.FOUND}
        return ReplyState.FOUND if is_whole else ReplyState.PARTLY_UNREADABLE
    if ReplyState.SPACE_UNKNOWN in others:
        return ReplyState.SPACE_UNKNOWN
    return ReplyState.UNREADABLE if others else ReplyState.NONE


def _merge_stops(stops: Sequence[StopReason | None]) -> StopReason | None:
    """Return why all ended: what cut any of them off, or None while one is still growing."""
    if not all(stops):
        return None
    cut_off = (stop for stop in stops if stop is not StopReason.FINISHED)
    return next(cut_off, StopReason.FINISHED)


def _merge_counts(counts: Sequence[TokenCounts | None]) -> TokenCounts | None:
    known = [one for one in counts if one]
    if len(known) < len(counts):
        return None  # not all have ended, or one is not known
    return TokenCounts(
        sum(one.prompt for one in known),
        sum(one.cached for one in known),
        sum(one.completion for one in known),
    )


def _merge_timings(timings: Sequence[Timing]) -> Timing | None:
    if not timings:
        return None
    return Timing(
        min(timing.first_token_s for timing in timings),
        max(timing.seconds for timing in timings),
        sum(timing.tokens for timing in timings),
    )
