"""Battles between models, the votes on them, and what the votes say of the models.

The database and what rates are loaded only when they are opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from vlm_demo.arena.votes.selection import Selection
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Turn, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.arena.battles.arena import Arena
    from vlm_demo.arena.ledger.hub import HubCopy
    from vlm_demo.arena.ratings.leaderboards import Boards
    from vlm_demo.arena.votes.store import VoteStore

__all__ = [
    "Contender",
    "Exclusion",
    "Origin",
    "Selection",
    "Turn",
    "Vote",
    "Winner",
    "open_arena",
    "open_boards",
    "open_hub_copy",
    "open_voters",
    "open_votes",
]


def open_votes(settings: Settings) -> VoteStore:
    """Return the votes that settings name; the database is not touched before it is used.

    Raises:
        SettingsError: they name none.
    """
    from vlm_demo.arena.votes.store import VoteStore

    return VoteStore(settings.votes)


def open_boards(store: VoteStore) -> Boards:
    """Return the boards of a store; nothing is read before one is looked at."""
    from vlm_demo.arena.ratings.leaderboards import Boards

    return Boards(store)


def open_arena(backend: Backend, store: VoteStore, boards: Boards, settings: Settings) -> Arena:
    """Return the arena that settings describe.

    Raises:
        UnknownModelError: they name a model that is not on the menu.
    """
    from vlm_demo.arena.battles.arena import Arena

    return Arena(backend, store, boards, models=settings.arena)


def open_hub_copy(settings: Settings) -> HubCopy | None:
    """Return what keeps a copy of the votes on the Hub; None: settings name no data set."""
    if not settings.votes_repo:
        return None
    from vlm_demo.arena.ledger.hub import HubCopy

    return HubCopy(settings.votes, settings.votes_repo, minutes=settings.votes_minutes)


def open_voters(settings: Settings) -> Callable[[str], str]:
    """Return what makes of an identity, such as "login alice", the voter that is kept.

    Raises:
        SettingsError: the secret that settings lead to cannot be used.
    """
    from vlm_demo.arena.votes.voters import hashed, open_secret

    return partial(hashed, open_secret(settings))
