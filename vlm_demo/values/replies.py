"""What the model wrote, and what was read in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vlm_demo.translatable_text import DisplayText
from vlm_demo.values.regions import (
    Region,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of an answer and its regions; a phrase with several boxes is one mention."""

    phrase: str
    span: tuple[int, int]
    """Start and end of the phrase in `Reply.text`; (0, 0): it is not in the text."""

    regions: tuple[Region, ...]
    image_index: int = 0
    """Which of the images that the model was shown, from 0."""

    confidence: float | None = None
    """How sure the model was of the regions, 0 to 1; None: not known."""

    target: str = ""
    """Which of several things that were looked for this is; "": there was one, or it is none."""


@dataclass(frozen=True, slots=True)
class ParsedPlace:
    """One region as it stands in a model's output, to show how it was read."""

    span: tuple[int, int]
    """Start and end of its numbers in `Reply.raw`."""

    numbers: tuple[float, ...]
    """The numbers as written, in the order of the output."""

    region: Region
    """What they were read as."""

    confidence: float | None = None
    """How sure the model was of these numbers, 0 to 1; None: not known."""


class StopReason(StrEnum):
    """Why an answer ended."""

    FINISHED = "finished"  # the model ended it
    LENGTH = "length"  # it reached the limit of new tokens
    FILTERED = "filtered"  # the content filter of a server cut it off
    CANCELLED = "cancelled"  # a person stopped it
    FAILED = "failed"  # an error cut it off


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """How many tokens a prompt and its answer have."""

    prompt: int = 0  # pictures included
    cached: int = 0  # of the prompt, those that had been computed before
    completion: int = 0  # that the model has written, the one that ends the answer included


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """A token that the model has written."""

    text: str
    """What it adds to the text; "": it is a part of the character that the next one ends."""

    logprob: float
    """The natural logarithm of its probability."""


class TextChunk(str):
    """A piece of an answer's text, with how sure the model was of the tokens that end in it."""

    __slots__ = ("counts", "logprobs", "queue_position", "stop", "tokens")

    queue_position: int
    """How many requests are answered before this one; while there are any, the text is ""."""

    logprobs: tuple[float, ...]
    """Natural logarithms of the tokens' probabilities; (): not known."""

    tokens: tuple[str, ...]
    """The text of each of these tokens, in the same order; (): not known."""

    counts: TokenCounts | None
    """Of the whole answer, with its last chunk; None: not known, or it goes on."""

    stop: StopReason | None
    """Why the answer ends with this chunk; None: it goes on."""

    def __new__(
        cls,
        text: str = "",
        *,
        logprobs: tuple[float, ...] = (),
        tokens: tuple[str, ...] = (),
        queue_position: int = 0,
        stop: StopReason | None = None,
        counts: TokenCounts | None = None,
    ) -> TextChunk:
        chunk = super().__new__(cls, text)
        chunk.logprobs, chunk.tokens = logprobs, tokens
        chunk.queue_position, chunk.stop, chunk.counts = queue_position, stop, counts
        return chunk


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast an answer came, by the clock of this program."""

    first_token_s: float
    """Seconds from the request to the first token, loading and waiting included."""

    seconds: float
    """Seconds from the request until now."""

    tokens: int
    """Tokens that the model has written; 0: the engine does not say."""

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second since the first one; 0 where that is not known."""
        since = self.seconds - self.first_token_s
        return (self.tokens - 1) / since if since > 0 and self.tokens > 1 else 0.0


class ReplyState(StrEnum):
    """Whether an answer holds regions."""

    FOUND = "found"  # the answer holds regions
    NONE = "none"  # it holds none and no markup, or says that there is nothing
    PARTLY_UNREADABLE = "partly unreadable"  # it holds regions, and others that cannot be read
    UNREADABLE = "unreadable"  # it holds markup that cannot be read
    SPACE_UNKNOWN = "space unknown"  # it holds regions, but not what their numbers count


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What an answer says about one of several things that were looked for."""

    name: str
    """The thing; mentions of it have it as their `target`."""

    state: ReplyState
    """Whether it was found."""

    raw: str = ""
    """The model's own text about it alone; "": one text is about all of them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer so far."""

    raw: str
    """The model's own text."""

    text: str
    """The answer for people: `raw` without markup, reasoning and end markers."""

    mentions: tuple[Mention, ...] = ()
    state: ReplyState = ReplyState.NONE
    reasoning: str = ""
    """What the model wrote before its answer; no regions are read there."""

    parsed_places: tuple[ParsedPlace, ...] = ()
    """Where the regions stand in `raw`."""

    note: DisplayText = ""
    """What people should know about how they were understood, or how the answer was read."""

    space: str = ""
    """The name of the coordinate space that was chosen or guessed; "": the family's own."""

    queue_position: int = 0
    """How many requests are answered before this one; while there are any, there is no text."""

    targets: tuple[TargetResult, ...] = ()
    """What is said about each of several things that were looked for; (): there was one."""

    is_waiting: bool = False
    """Whether the model has written nothing yet: the engine only shows that it is alive."""

    stop: StopReason | None = None
    """Why the answer ended; None: it is still growing, or that is not known."""

    model: str = field(default="", compare=False)
    """The menu's name of the model that answered; "": not known."""

    timing: Timing | None = field(default=None, compare=False)
    """How fast the answer came; None: not known."""

    answer: str = field(default="", compare=False)
    """The answer as the model wrote it: `raw` without reasoning and what ends an answer."""

    tokens: tuple[AnswerToken, ...] = field(default=(), compare=False)
    """What the model has written so far, token by token; (): not known."""

    counts: TokenCounts | None = field(default=None, compare=False)
    """How many tokens it took, once the answer has ended; None: not known."""

    def count_regions(self, target: str) -> int:
        """Return how many regions there are of one of several things that were looked for."""
        return sum(len(one.regions) for one in self.mentions if one.target == target)
