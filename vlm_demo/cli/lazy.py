"""The doors to the heavy parts of the program, each opened only by the command that needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from vlm_demo.backend import Backend
from vlm_demo.bench.rows import Options, Report
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.arena.interchange.importing import Reading
    from vlm_demo.arena.ledger.hub import HubCopy
    from vlm_demo.arena.ratings.agreement import VoterReport
    from vlm_demo.arena.ratings.ratings import Standing
    from vlm_demo.arena.votes.selection import Selection
    from vlm_demo.arena.votes.store import VoteStore
    from vlm_demo.arena.votes.vote import Vote
    from vlm_demo.evaluation.battles import Outcome


def train(recipe: str, out: Path | None, *, fresh: bool) -> Path:
    """Train the recipe's model, from its last checkpoint unless `fresh`; return its folder."""
    from vlm_demo import training

    return training.train(recipe, out, fresh)


def evaluate(
    benchmark: str,
    backend: Backend,
    model: str,
    *,
    seed: int,
    count: int | None,
    data: Path | None = None,
) -> Mapping[str, float | int | None]:
    """Return the model's scores (0 to 1; None: not measured) and `n`, the number of questions."""
    from vlm_demo import evaluation

    return evaluation.evaluate(benchmark, backend, model, seed, count, data)


def bench(options: Options, say: Callable[[str], None]) -> Report:
    """Measure how fast the program is; `say` is told how far it is."""
    from vlm_demo.bench import running

    return running.run(options, say)


def play_battles(
    backend: Backend,
    settings: Settings,
    models: Sequence[str],
    *,
    benchmark: str,
    seed: int,
    count: int | None,
) -> Outcome:
    """Let models meet on questions with a known truth, and keep who did better."""
    from vlm_demo import evaluation
    from vlm_demo.evaluation import battles

    with closing(open_votes(settings)) as store:
        return battles.play(
            backend,
            store,
            models,
            benchmark=benchmark,
            questions=evaluation.questions_for_battles(benchmark, seed, count),
            at_once=settings.batch,
        )


def open_votes(settings: Settings) -> VoteStore:
    """Return the votes that settings name; the database is not touched before it is used."""
    from vlm_demo import arena

    return arena.open_votes(settings)


def standings(settings: Settings, selection: Selection) -> Sequence[Standing]:
    """Rate the models by some of the votes that settings name, best first."""
    from vlm_demo import arena

    with closing(arena.open_votes(settings)) as store:
        return arena.open_boards(store).board(selection).standings


def open_hub_copy(settings: Settings) -> HubCopy:
    """Return the copy of the votes on the Hub that settings name; nothing is opened yet."""
    from vlm_demo.arena.ledger.hub import HubCopy

    return HubCopy(settings.votes, settings.votes_repo, minutes=settings.votes_minutes)


def judge_voters(store: VoteStore) -> Sequence[VoterReport]:
    """Report on everybody who voted often, those with findings first."""
    from vlm_demo.arena.ratings import agreement

    return agreement.judge_voters(store)


def votes_of(store: VoteStore, human: bool | None) -> Iterator[Vote]:
    """Return the votes of people, or of the program; None: all."""
    from vlm_demo.arena.votes.vote import Origin

    return (
        vote
        for _, vote in store.read()
        if human is None or human is (vote.origin is not Origin.AUTOMATIC)
    )


def export_votes(votes: Iterable[Vote], form: str, file: BinaryIO) -> int:
    """Write the votes to a file that is open; return how many there were."""
    from vlm_demo.arena.interchange import exporting

    return exporting.export_votes(votes, exporting.Form(form), file)


def export_votes_to(votes: Iterable[Vote], form: str, path: Path) -> int:
    """Write the votes to a file that appears when it is whole; return how many there were."""
    from vlm_demo.atomic_file import atomic_write

    with atomic_write(path) as file:
        return export_votes(votes, form, file)


def export_pairs(votes: Iterable[Vote], path: Path) -> tuple[int, Counter[str]]:
    """Write preference pairs to a Parquet file or else a folder; return how many there were.

    The counter says why the other votes gave none, and how many.
    """
    from vlm_demo.arena.interchange import preferences
    from vlm_demo.atomic_file import atomic_write, whole_folder

    pairs = preferences.Pairs(votes)
    if path.suffix == ".parquet":
        with atomic_write(path) as file:
            return preferences.write_parquet(pairs, file), pairs.left_out
    with whole_folder(path) as folder:
        return preferences.write_folder(pairs, folder), pairs.left_out


def open_lines(source: IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a file that may be compressed."""
    from vlm_demo.arena.interchange import importing

    return importing.open_lines(source)


def import_votes(lines: Iterable[bytes], store: VoteStore) -> tuple[Reading, int, int]:
    """Add votes; return what was read, how many were added, and how many were there already."""
    from vlm_demo.arena.interchange import importing

    reading = importing.Reading(datetime.now(UTC))
    return reading, *store.add_all(reading.of(lines))


def verify(store: VoteStore, noted: tuple[int, str] | None) -> list[str]:
    """Say what is wrong with the chain, or does not fit an end of it that was noted before."""
    from vlm_demo.arena.votes.chain import Head

    return store.verify(Head(*noted, deletions=0) if noted else None)
