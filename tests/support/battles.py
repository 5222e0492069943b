"""An arena of scripted models, for tests of battles."""

import random
import time
from collections.abc import Callable, Generator
from typing import Any

from vlm_demo.arena.battles.arena import Arena
from vlm_demo.arena.battles.paired_streams import PairedReplies
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import EngineError
from vlm_demo.values import Prompt, Request, Sampling, Task, TextChunk

ME, OTHER = "voter-me", "voter-other"


class NoCounts:
    """Leaderboards of no votes."""

    def count_votes(self, task: str) -> dict[frozenset[str], int]:
        return {}


class Writer:
    """An engine that writes what a test gives it; a callable among the pieces is called."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(self, *pieces: str | Callable[[], object]) -> None:
        self.pieces = pieces
        self.prompts: list[Prompt] = []
        self.samplings: list[Sampling] = []
        self.running = 0

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        self.running += 1
        try:
            for piece in self.pieces:
                if isinstance(piece, str):
                    yield TextChunk(piece)
                else:
                    piece()
        finally:
            self.running -= 1

    def usage(self) -> Any:
        raise AssertionError("nobody asks")

    def close(self) -> None:
        pass


def fail() -> None:
    raise EngineError("left-model of LLaVA-1.5 broke off: CUDA error")


Opened = Writer | Callable[[], Writer]


class ScriptedArena:
    """An arena of two scripted models, called left-model and right-model."""

    def __init__(self, votes: VoteStore, opened: dict[str, Opened], **options: Any) -> None:
        self.menu = tuple(
            ModelSpec(name=name, family="llava15", checkpoint=f"us/{name}", engine="remote")
            for name in opened
        )
        self.engines = opened
        self.votes = votes
        self.backend = Backend(self.menu)
        options.setdefault("rng", random.Random(3))
        self.arena = Arena(self.backend, votes, NoCounts(), **options)

    def begin(self, voter: str = ME) -> str:
        return self.arena.begin(Task.CHAT, voter)

    def ask(self, battle: str, words: str = "What is it?", voter: str = ME) -> list[PairedReplies]:
        return list(self.arena.answer(battle, voter, Request(Task.CHAT, words)))

    def votable(self, words: str = "What is it?", voter: str = ME) -> str:
        battle = self.begin(voter)
        self.ask(battle, words, voter)
        return battle

    def vote(self, battle: str, winner: Winner = Winner.A, voter: str = ME, **said: Any) -> Vote:
        return self.arena.vote(battle, voter, winner, **said).vote

    def kept(self) -> list[Vote]:
        return [vote for _, vote in self.votes.read()]


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("It never came to be.")
