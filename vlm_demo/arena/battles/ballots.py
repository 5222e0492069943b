"""How a battle and an opinion about it become a vote."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Self

from PIL.Image import Image

from vlm_demo.arena.battles.active_battles import Battle
from vlm_demo.arena.votes import fingerprints
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Turn, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.values import Request, Sampling, Task

WHOLE_VOTES = 5
"""So many votes on the same words and picture count whole; the n-th, further on, 5 / n of one.

All n together weigh about 5 (1 + ln(n / 5)): an example that everybody tries does not rule."""

MAX_TAGS = 10
MAX_TAG = 40
MAX_COMMENT = 500

TASKS_WITH_PLACES = frozenset({Task.GROUNDING, Task.DETECT, Task.GROUNDED_CAPTION})


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person said about a battle."""

    winner: Winner
    boxes: Winner | None
    tags: tuple[str, ...]
    comment: str

    @classmethod
    def of(cls, winner: str, boxes: str | None, tags: Sequence[str], comment: str) -> Self:
        """Take what a page sent, which may be anything.

        Raises:
            InputError: it is no opinion, or too long a one.
        """
        try:
            better, better_boxes = Winner(winner), Winner(boxes) if boxes else None
        except ValueError as error:
            known = ", ".join(Winner)
            raise InputError(f"There is no such vote. Please choose one of {known}.") from error
        tags, comment = [_clean(tag) for tag in tags], _clean(comment)
        if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tags):
            raise InputError(f"Please choose at most {MAX_TAGS} reasons from the list.")
        if len(comment) > MAX_COMMENT:
            raise InputError(
                f"This comment has {len(comment):,} characters; at most {MAX_COMMENT} are kept. "
                "Please shorten it."
            )
        return cls(better, better_boxes, tuple(dict.fromkeys(filter(None, tags))), comment)


def has_places(battle: Battle) -> bool:
    """Whether there may be boxes to vote on."""
    found = (reply.mentions for turn in battle.exchanges for reply in turn.replies)
    return battle.task in TASKS_WITH_PLACES or any(found)


def ballot(battle: Battle, opinion: Opinion, store: VoteStore, *, keep: bool) -> Vote:
    """Write the vote on a battle that both sides have answered.

    Raises:
        InputError: it is about boxes, and there were none.
        VotesError: the earlier votes cannot be read.
    """
    if opinion.boxes and not has_places(battle):
        raise InputError("There are no boxes in this battle. Please vote on the answers only.")
    requests = battle.requests
    sampling = requests[-1].sampling or Sampling()
    prompt, pictures = fingerprints.of_words(requests), battle.picture_hash
    a, b = (
        replace(one, outputs=battle.outputs(side)) for side, one in enumerate(battle.contenders)
    )
    exclusion = None
    if store.judged_before(battle.voter, (a.model, b.model), prompt, pictures):
        exclusion = Exclusion.REPEAT
    if battle.leaked:
        exclusion = Exclusion.IDENTITY
    now = datetime.now(UTC)
    return Vote(
        battle=battle.id,
        a=a,
        b=b,
        winner=opinion.winner,
        boxes=opinion.boxes,
        task=battle.task,
        language=battle.language,
        parameters={key: value for key, value in asdict(sampling).items() if key != "seed"},
        seed=sampling.seed,
        prompt_hash=prompt,
        picture_hash=pictures,
        turns=len(requests),
        began_at=battle.began_at or now,
        ended_at=battle.ended_at or now,
        voted_at=now,
        voter=battle.voter,
        tags=opinion.tags,
        comment=opinion.comment,
        exclusion=exclusion,
        weight=min(1.0, WHOLE_VOTES / (store.repeats(prompt, pictures) + 1)),
        conversation=tuple(map(_turn, requests)) if keep else (),
    )


def contender(spec: ModelSpec, backend: Backend) -> Contender:
    """Say in which revision and how a model answers now."""
    how = spec.server if spec.engine == "remote" else backend.format(spec.name)
    return Contender(
        model=spec.name, revision=fingerprints.of_weights(spec), engine=f"{spec.engine} {how}"
    )


def _turn(request: Request) -> Turn:
    return Turn(text=request.text, pictures=tuple(map(_png, request.images)))


def _png(picture: Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)  # the next levels take twice the time for 5 %
    return file.getvalue()


def _clean(text: str) -> str:
    """Leave out what no database takes, and white space around."""
    return str(text).replace("\0", "").encode("utf-8", "ignore").decode().strip()
