"""The result of a batch for one picture, and its line in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from vlm_demo.markup.region_json import RegionsInPixelsModel
from vlm_demo.rendering.export.answer_data import AnyText, reply_to_data, targets_to_data
from vlm_demo.translatable_text import DisplayText, TranslatableText, text_from_json, text_to_json
from vlm_demo.values import (
    Mention,
    Reply,
    ReplyState,
    Size,
    StopReason,
    TargetResult,
    Timing,
)

PLACE_KEYS = ("page", "seconds")
"""Keys of a line that say where a picture is in its document or film."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one picture."""

    name: str
    sha256: str  # of the file, hexadecimal; "": it could not be read
    size: Size = (0, 0)  # upright; (0, 0): it could not be opened
    raw: str = ""
    text: str = ""
    items: tuple[Mapping[str, Any], ...] = ()  # as in the journal: phrases with their regions
    state: str = ReplyState.NONE
    timing: Mapping[str, float] = field(default_factory=dict, compare=False)  # as in the journal
    stop: StopReason | None = None  # why the answer ended; None: not known
    error: DisplayText = ""  # what went wrong; "": there is an answer
    retry: bool = False  # the model failed, not the picture: worth another try
    targets: tuple[Mapping[str, Any], ...] = ()  # as in the journal: a result for each thing
    model: str = ""  # that answered, by its name on the menu; "": not known
    note: str = ""  # what people should know about how the question was understood
    place: Mapping[str, float] = field(default_factory=dict)
    """`seconds` of a frame in its film, or `page` in its document, from 1."""

    @classmethod
    def from_reply(cls, name: str, sha256: str, size: Size, reply: Reply) -> BatchResult:
        """Build the result from a complete reply about a picture of `size`."""
        items = zip(reply_to_data(reply, size)["items"], reply.mentions, strict=True)
        return cls(
            name,
            sha256,
            size,
            reply.raw,
            reply.text,
            tuple({**item, "span": list(mention.span)} for item, mention in items),
            reply.state,
            _timing_to_json(reply.timing),
            reply.stop,
            targets=tuple(
                {**data, "raw": result.raw}
                for data, result in zip(targets_to_data(reply), reply.targets, strict=True)
            ),
            model=reply.model,
            note=str(reply.note),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the line of the journal."""
        if self.error:
            failure: dict[str, Any] = {
                "name": self.name,
                "sha256": self.sha256,
                "error": str(self.error),
            }
            if isinstance(self.error, TranslatableText):
                failure["message"] = text_to_json(self.error)
            return failure | ({"again": True} if self.retry else {}) | dict(self.place)
        return {
            "name": self.name,
            "sha256": self.sha256,
            "size": list(self.size),
            "raw": self.raw,
            "text": self.text,
            "items": list(self.items),
            "state": str(self.state),
            "pace": dict(self.timing),
            **({"targets": list(self.targets)} if self.targets else {}),
            **({"stop": self.stop.value} if self.stop else {}),
            **({"model": self.model} if self.model else {}),
            **({"note": self.note} if self.note else {}),
            **self.place,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> BatchResult:
        """Read a line of the journal.

        Raises:
            ValueError: it is not one.
        """
        place = {key: line[key] for key in PLACE_KEYS if key in line}
        if "error" in line:
            failure = _FailureModel.model_validate(line)
            return cls(
                failure.name,
                failure.sha256,
                error=text_from_json(failure.message or failure.error),
                retry=failure.again,
                place=place,
            )
        answer = _AnswerModel.model_validate(line)
        return cls(
            answer.name,
            answer.sha256,
            answer.size,
            answer.raw,
            answer.text,
            tuple(line["items"]),
            answer.state,
            dict(line["pace"]),
            answer.stop,
            targets=tuple(line.get("targets", ())),
            model=answer.model,
            note=answer.note,
            place=place,
        )

    @property
    def reply(self) -> Reply:
        """The answer with its regions as fractions, as the rest of the program knows it."""
        items = map(_ItemModel.model_validate, self.items)
        mentions = tuple(item.to_mention(self.size) for item in items)
        targets = tuple(_TargetModel.model_validate(one).to_result() for one in self.targets)
        return Reply(
            self.raw,
            self.text,
            mentions,
            ReplyState(self.state),
            targets=targets,
            stop=self.stop,
            model=self.model,
            note=self.note,
        )

    @property
    def region_count(self) -> int:
        """The number of regions in the answer."""
        return sum(len(mention.regions) for mention in self.reply.mentions)


def _timing_to_json(timing: Timing | None) -> dict[str, float]:
    if timing is None:
        return {}
    return {"first_s": timing.first_token_s, "seconds": timing.seconds, "tokens": timing.tokens}


class _ItemModel(RegionsInPixelsModel):
    phrase: AnyText
    span: tuple[int, int]
    confidence: float | None = None
    target: AnyText = ""

    def to_mention(self, size: Size) -> Mention:
        regions = self.to_regions(size)
        return Mention(
            self.phrase, self.span, regions, confidence=self.confidence, target=self.target
        )


class _TargetModel(BaseModel):
    name: AnyText
    state: ReplyState
    regions: int
    raw: AnyText = ""

    def to_result(self) -> TargetResult:
        return TargetResult(self.name, self.state, self.raw)


class _FrameModel(BaseModel):
    page: int | None = None
    seconds: float | None = None


class _AnswerModel(_FrameModel):
    name: AnyText
    sha256: AnyText
    size: tuple[int, int]
    raw: AnyText
    text: AnyText
    items: list[_ItemModel]
    state: ReplyState
    pace: dict[str, float]
    targets: list[_TargetModel] = []
    stop: StopReason | None = None  # journals of earlier versions do not say, nor what follows
    model: AnyText = ""
    note: AnyText = ""


class _FailureModel(_FrameModel):
    name: AnyText
    sha256: AnyText
    error: AnyText  # in English
    message: dict[str, Any] = {}  # the same as a template and its values
    again: bool = False
