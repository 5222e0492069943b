"""The call about whole conversations: opens files of earlier versions, and writes Markdown.

The files of today are written and read in the browser (`state/conversation_file.js`), version 2 of
the format; version 1 is `conversations.json_format`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from vlm_demo.conversations import (
    SavedConversation,
    SavedImage,
    SavedTurn,
    from_json,
    to_markdown,
)
from vlm_demo.errors import InputError
from vlm_demo.markup.region_json import MarkedRegions, region_to_json
from vlm_demo.ui.calls import explain_errors
from vlm_demo.ui.studio.answering.blocks import AnswerBlocks
from vlm_demo.ui.studio.answering.mentions import mention_items, mention_styles
from vlm_demo.ui.studio.answering.protocol import MAX_TURNS, Name, Text, read_sent
from vlm_demo.ui.studio.calls.documents import MAX_MENTIONS, SentMention
from vlm_demo.values import Mention, Reply, Task

FORMAT, VERSION = "vlm-demo conversation", 2
"""Name and version of the files that the browser writes."""

MAX_LENGTH = 100_000_000
"""Longest file of an earlier version, in characters; its pictures are in it."""


class AnswerForMarkdown(BaseModel):
    """What Markdown needs of an answer."""

    model_config = ConfigDict(extra="ignore")

    model: Name = ""
    plain: Text = ""
    mentions: Annotated[list[SentMention], Field(max_length=MAX_MENTIONS)] = []

    def to_reply(self) -> Reply:
        """Return it as a reply."""
        mentions = (
            Mention(
                one.target or one.phrase, (0, 0), tuple(r.region.to_region() for r in one.regions)
            )
            for one in self.mentions
        )
        return Reply(self.plain, self.plain, tuple(mentions))


class SentTurn(BaseModel):
    """What Markdown needs of a turn; `pictures` are names."""

    model_config = ConfigDict(extra="ignore")

    task: Task = Task.CHAT
    text: Text = ""
    targets: list[Text] = []
    pictures: list[Text] = []
    regions: MarkedRegions = []
    answers: list[AnswerForMarkdown] = []

    def to_turns(self) -> Iterable[SavedTurn]:
        """Yield a turn for each answer, or one without an answer."""
        question = self.text or ", ".join(self.targets) or self.task.replace("_", " ")
        images = tuple(SavedImage(name, name.encode()) for name in self.pictures)
        regions = tuple(region.to_region() for region in self.regions)
        for answer in self.answers:
            yield SavedTurn(question, images, regions, answer.to_reply(), answer.model)
        if not self.answers:
            yield SavedTurn(question, images, regions)


class SentConversation(BaseModel):
    """The turns of a conversation."""

    model_config = ConfigDict(extra="ignore")

    turns: Annotated[list[SentTurn], Field(max_length=MAX_TURNS)]


class ConversationCalls:
    """The call as a method, whose name is that of the API."""

    def studio_conversation(self, action: str, content: Any) -> dict[str, Any]:
        """Open a conversation of an earlier version, or write one as Markdown.

        Args:
            action: "open" or "markdown".
            content: to open, the text of the file; for Markdown, a `SentConversation`.

        Returns:
            `{conversation}` as a file of today's version has it, or `{markdown}`.
        """

        def act() -> dict[str, Any]:
            if action == "markdown":
                sent = read_sent(SentConversation, content)
                turns = tuple(turn for one in sent.turns for turn in one.to_turns())
                return {"markdown": to_markdown(SavedConversation(turns), with_images=False)}
            if action != "open" or not isinstance(content, str) or len(content) > MAX_LENGTH:
                raise InputError("A conversation can be opened or written as Markdown.")
            return {"conversation": upgrade(from_json(content.encode()))}

        return explain_errors(act)


def upgrade(saved: SavedConversation) -> dict[str, Any]:
    """Return a conversation of version 1 as the browser's file has it."""
    pictures = [
        {
            "key": key,
            "name": image.name,
            "data": f"data:;base64,{base64.b64encode(image.content).decode('ascii')}",
        }
        for key, image in saved.images.items()
    ]
    keys = [image.key for turn in saved.turns for image in turn.images]
    return {
        "format": FORMAT,
        "version": VERSION,
        "shown": keys[-1] if keys else None,
        "turns": [_turn(turn) for turn in saved.turns],
        "shots": [
            {
                "text": shot.question,
                "answer": shot.reply.raw if shot.reply else "",
                "pictures": [image.key for image in shot.images],
            }
            for shot in saved.examples
        ],
        "pictures": pictures,
    }


def _turn(turn: SavedTurn) -> dict[str, Any]:
    return {
        "id": uuid4().hex,
        "task": Task.CHAT.value,
        "text": turn.question,
        "regions": [region_to_json(region) for region in turn.regions],
        "pictures": [image.key for image in turn.images],
        "model": turn.model,
        "answers": [_answer(turn, turn.reply)] if turn.reply else [],
    }


def _answer(turn: SavedTurn, reply: Reply) -> dict[str, Any]:
    styles = mention_styles(reply.mentions)
    timing = reply.timing
    return {
        "id": uuid4().hex,
        "model": turn.model,
        "status": "done",
        "blocks": AnswerBlocks().update(reply, styles, is_complete=True),
        "plain": reply.text,
        "raw": reply.raw,
        "reasoning": reply.reasoning,
        "mentions": mention_items(reply, styles, range(len(turn.seen))),
        "notes": [note for note in (turn.note, reply.note) if note],
        "stop": reply.stop.value if reply.stop else "",
        "timing": timing
        and {
            "first_token_s": timing.first_token_s,
            "seconds": timing.seconds,
            "tokens": timing.tokens,
            "tokens_per_s": timing.tokens_per_s,
        },
        "pictures": [image.key for image in turn.seen],
    }
