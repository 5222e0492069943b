"""Makes a vote of a battle and of what a person thinks about it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from PIL.Image import Image

from vlm_demo.arena.battles.active_battles import Battle
from vlm_demo.arena.votes.categories import categorize
from vlm_demo.arena.votes.fingerprints import hash_questions
from vlm_demo.arena.votes.newcomers import Newcomer
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Standing, UserTurn, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.errors import InputError
from vlm_demo.values import Request, Sampling, Task

FULL_WEIGHT_VOTES = 5
"""Number of votes on the same words and pictures with full weight; the n-th vote then weighs 5 / n.

All n together weigh about 5 (1 + ln(n / 5)), so examples that everybody tries do not dominate."""

MIN_BATTLE_S = 10.0
"""Seconds from a question to the vote that prove somebody has read, where no cookie came back."""

MAX_TAGS = 10
"""Largest number of reasons for a vote."""

MAX_TAG_LENGTH = 40
"""Largest length of a reason in characters."""

MAX_COMMENT_LENGTH = 500
"""Largest length of a comment in characters."""

TASKS_WITH_REGIONS = frozenset({Task.GROUNDING, Task.DETECT, Task.GROUNDED_CAPTION})
"""Tasks whose boxes can be voted on even if neither model drew one."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person thinks about a battle."""

    winner: Winner
    boxes: Winner | None
    tags: tuple[str, ...]
    comment: str

    @classmethod
    def validate(cls, winner: str, boxes: str | None, tags: Sequence[str], comment: str) -> Self:
        """Check what a page sent, which may be anything.

        Raises:
            InputError: a choice is unknown, or a text is too long.
        """
        try:
            better, better_boxes = Winner(winner), Winner(boxes) if boxes else None
        except ValueError as error:
            known = ", ".join(Winner)
            raise InputError(
                "There is no such vote. Choose one of {known}.", known=known
            ) from error
        tags, comment = [_clean(tag) for tag in tags], _clean(comment)
        if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags):
            raise InputError("Choose at most {max_tags} reasons from the list.", max_tags=MAX_TAGS)
        if len(comment) > MAX_COMMENT_LENGTH:
            raise InputError(
                "This comment has {count} characters; at most {max_comment_length} are "
                "allowed. Shorten it.",
                count=f"{len(comment):,}",
                max_comment_length=MAX_COMMENT_LENGTH,
            )
        return cls(better, better_boxes, tuple(dict.fromkeys(filter(None, tags))), comment)


def has_regions(battle: Battle) -> bool:
    """Whether there may be boxes to vote on."""
    mentions = (reply.mentions for turn in battle.turns for reply in turn.replies)
    return battle.task in TASKS_WITH_REGIONS or any(mentions)


def build_vote(battle: Battle, judgement: Judgement, store: VoteStore, *, keep: bool) -> Vote:
    """Make the vote on a battle that both sides have answered; `keep` its words and pictures.

    Raises:
        InputError: the judgement is about boxes, and there are none.
        VotesError: the earlier votes cannot be read.
    """
    if judgement.boxes and not has_regions(battle):
        raise InputError("There are no boxes in this battle. Vote on the answers only.")
    requests = battle.requests
    sampling = requests[-1].sampling or Sampling()
    prompt_hash, image_hash = hash_questions(requests), battle.image_hash
    a, b = (
        replace(contender, outputs=battle.outputs(side))
        for side, contender in enumerate(battle.contenders)
    )
    exclusion = None
    if store.has_judged(battle.voter, (a.model, b.model), prompt_hash, image_hash):
        exclusion = Exclusion.REPEAT
    if battle.reveals_identity:
        exclusion = Exclusion.IDENTITY
    now = datetime.now(UTC)
    return Vote(
        battle=battle.id,
        a=a,
        b=b,
        winner=judgement.winner,
        boxes=judgement.boxes,
        task=battle.task,
        category=categorize(battle.task, (request.text for request in requests)),
        language=battle.language,
        parameters={key: value for key, value in sampling.to_data().items() if key != "seed"},
        seed=sampling.seed,
        prompt_hash=prompt_hash,
        image_hash=image_hash,
        turns=len(requests),
        began_at=battle.began_at or now,
        ended_at=battle.ended_at or now,
        voted_at=now,
        voter=battle.voter,
        tags=judgement.tags,
        comment=judgement.comment,
        exclusion=exclusion,
        weight=min(1.0, FULL_WEIGHT_VOTES / (store.count_repeats(prompt_hash, image_hash) + 1)),
        conversation=tuple(map(_to_user_turn, requests)) if keep else (),
    )


def weigh_newcomer(vote: Vote, newcomer: Newcomer | None, standing: Standing) -> Vote:
    """Return a vote as it counts for its voter, who may be new; `standing` is what is known.

    Without a cookie, the proof that somebody has read both answers is the battle itself: this
    program has held it for `MIN_BATTLE_S` at least.
    """
    if newcomer is None:
        return vote
    exclusion = vote.exclusion
    lasted_s = (vote.voted_at - vote.began_at).total_seconds()
    if not standing.has_cookie and lasted_s < MIN_BATTLE_S:
        exclusion = exclusion or Exclusion.UNPROVEN
    return replace(vote, weight=vote.weight * newcomer.weight, exclusion=exclusion)


def describe_contender(spec: ModelSpec, backend: Backend) -> Contender:
    """Return a model with its revision, and where and in which number format it runs now."""
    how = spec.server if spec.engine == "remote" else backend.number_format(spec.name).label
    return Contender(
        model=spec.name, revision=weights_revision(spec), engine=f"{spec.engine} {how}"
    )


def _to_user_turn(request: Request) -> UserTurn:
    return UserTurn(text=request.text, images=tuple(map(_encode_png, request.images)))


def _encode_png(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # the next levels take twice the time for 5 %
    return file.getvalue()


def _clean(text: str) -> str:
    """Remove surrounding white space, and characters that no database takes."""
    return str(text).replace("\0", "").encode("utf-8", "ignore").decode().strip()
