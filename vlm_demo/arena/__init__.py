"""The arena: battles between models, the votes on them, and the ratings that follow from the votes.

The database and the rating libraries are loaded only when they are opened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlm_demo.arena.votes.categories import Category
from vlm_demo.arena.votes.opinion import Feedback
from vlm_demo.arena.votes.vote import (
    Contender,
    Exclusion,
    Origin,
    Selection,
    Standing,
    UserTurn,
    Vote,
    Winner,
)
from vlm_demo.backend import Backend
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.arena.battles.arena import Arena
    from vlm_demo.arena.ledger.hub_copy import HubCopy
    from vlm_demo.arena.ratings.leaderboards import Leaderboards
    from vlm_demo.arena.votes.feedback import FeedbackStore
    from vlm_demo.arena.votes.judgements import JudgementStore
    from vlm_demo.arena.votes.store import VoteStore

__all__ = [
    "Category",
    "Contender",
    "Exclusion",
    "Feedback",
    "Origin",
    "Selection",
    "Standing",
    "UserTurn",
    "Vote",
    "Winner",
    "open_arena",
    "open_feedback",
    "open_hub_copy",
    "open_judgements",
    "open_leaderboards",
    "open_voter_hash",
    "open_votes",
    "write_preferences",
]


def open_votes(settings: Settings) -> VoteStore:
    """Return the votes that the settings name; nothing is opened before it is used.

    Raises:
        SettingsError: the database is neither SQLite nor PostgreSQL.
    """
    from vlm_demo.arena.votes.store import VoteStore

    return VoteStore(settings.votes)


def open_feedback(settings: Settings) -> FeedbackStore:
    """Return what visitors say of single answers, which is kept beside the votes.

    Raises:
        SettingsError: the database is neither SQLite nor PostgreSQL.
    """
    from vlm_demo.arena.votes.feedback import FeedbackStore

    return FeedbackStore(settings.votes)


def open_judgements(settings: Settings) -> JudgementStore:
    """Return what judge models say of battles, which is kept beside the votes.

    Raises:
        SettingsError: the database is neither SQLite nor PostgreSQL.
    """
    from vlm_demo.arena.votes.judgements import JudgementStore

    return JudgementStore(settings.votes)


def open_leaderboards(store: VoteStore, judgements: JudgementStore | None = None) -> Leaderboards:
    """Return the leaderboards of a store; nothing is read before it is used."""
    from vlm_demo.arena.ratings.leaderboards import Leaderboards

    return Leaderboards(store, judgements)


def open_arena(
    backend: Backend, store: VoteStore, leaderboards: Leaderboards, settings: Settings
) -> Arena:
    """Return the arena that the settings describe.

    Raises:
        UnknownModelError: the settings name a model that is not on the menu.
    """
    from vlm_demo.arena.battles.arena import Arena

    return Arena(backend, store, leaderboards, models=settings.arena)


def open_hub_copy(settings: Settings) -> HubCopy | None:
    """Return the copy of the votes on the Hub; None if the settings name no data set."""
    if not settings.votes_repo:
        return None
    from vlm_demo.arena.ledger.hub_copy import HubCopy

    return HubCopy(settings.votes, settings.votes_repo, minutes=settings.votes_minutes)


def open_voter_hash(settings: Settings) -> Callable[[str], str]:
    """Return the function that turns an identity, such as "login alice", into a voter.

    Raises:
        SettingsError: the file of the secret holds none.
    """
    from vlm_demo.arena.votes.voters import hash_voter, open_secret

    return partial(hash_voter, open_secret(settings))


def write_preferences(settings: Settings, folder: Path) -> int:
    """Write the pairs of answers that people have voted on; return how many there are.

    Args:
        settings: name the database.
        folder: an empty one.

    Raises:
        VotesError: the votes cannot be read.
        OSError: something cannot be written.
    """
    from vlm_demo.arena.interchange.preference_pairs import PreferencePairs, write_folder

    with closing(open_votes(settings)) as store:
        people = (vote for _, vote in store.read() if vote.origin is not Origin.AUTOMATIC)
        return write_folder(PreferencePairs(people), folder)
