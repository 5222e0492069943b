"""The heavy parts of the program, each imported only by the command that needs it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from vlm_demo.backend import Backend
from vlm_demo.cli.terminal import progress_bar
from vlm_demo.settings import Settings, on_zerogpu

if TYPE_CHECKING:
    from vlm_demo.arena.interchange.vote_import import VoteReader
    from vlm_demo.arena.ledger.hub_copy import HubCopy
    from vlm_demo.arena.ratings.agreement import VoterReport
    from vlm_demo.arena.ratings.ratings import RatedModel
    from vlm_demo.arena.votes.feedback import FeedbackStore
    from vlm_demo.arena.votes.judgements import JudgeAgreement
    from vlm_demo.arena.votes.store import VoteStore
    from vlm_demo.arena.votes.vote import Selection, Vote
    from vlm_demo.bench.options import BenchOptions
    from vlm_demo.bench.results import BenchReport
    from vlm_demo.catalog.spec import ModelSpec
    from vlm_demo.conversion import Conversion
    from vlm_demo.evaluation.battles import BattleOutcome
    from vlm_demo.evaluation.calibrating import CalibrationReport
    from vlm_demo.evaluation.judging import JudgingOutcome
    from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
    from vlm_demo.server import ServerPart
    from vlm_demo.training.finetuning.events import RunEvent
    from vlm_demo.training.finetuning.finetune import FinetuneResult
    from vlm_demo.training.finetuning.options import FinetuneOptions


def make_photo_model(nanodet: Path, efficientnet: Path, photos: Path, folder: Path) -> None:
    """Write the weights of the nets for photographs and of their probe to a folder."""
    from vlm_demo.engines.detector.photo_nets import PhotoNets
    from vlm_demo.training.recipes import image_kind, photo_weights

    photo_weights.convert_photo_weights(nanodet, efficientnet, folder)
    image_kind.fit_image_kind_probe(PhotoNets.load(folder), photos, folder)


def train(recipe: str, out: Path | None, *, fresh: bool) -> Path:
    """Train a recipe's model, from its last checkpoint unless `fresh`; return its folder."""
    from vlm_demo.training import recipes

    return recipes.train(recipe, out, fresh)


def check_finetuning_packages() -> None:
    """Refuse to fine-tune without the packages of the extra.

    Raises:
        TrainingError: one is missing; the message says how to install them.
    """
    from vlm_demo.training.finetuning.packages import check_packages

    check_packages()


def finetune(
    backend: Backend,
    model: str,
    options: FinetuneOptions,
    settings: Settings,
    report: Callable[[RunEvent], None],
) -> FinetuneResult:
    """Fine-tune a model of the menu; `report` takes what happens."""
    import vlm_demo.engines.local  # noqa: F401  # it checks torchvision, before trl is imported
    from vlm_demo.training.finetuning import finetune

    return finetune.finetune(backend, model, options, settings, report)


def convert(source: str, target: Path, *, family: str, base: str, vision_tower: str) -> Conversion:
    """Convert published weights of an older system, with a progress bar."""
    from vlm_demo import conversion

    with progress_bar(target.name) as on_progress:
        return conversion.convert(
            source,
            target,
            family=family,
            base=base,
            vision_tower=vision_tower,
            on_progress=on_progress,
        )


def run_benchmark(
    benchmark: str, backend: Backend, model: str, **options: Any
) -> tuple[dict[str, Any], Mapping[str, float | int | None]]:
    """Run a benchmark that is not published; return its result and scores, which are written too.

    Args:
        benchmark: its name.
        backend: holds the model.
        model: name on the menu.
        options: those of `RunOptions`.
    """
    from vlm_demo import evaluation
    from vlm_demo.evaluation.published.running import RunOptions

    result = evaluation.run_benchmark(benchmark, backend, model, RunOptions(**options))
    return result, evaluation.own_scores(result)


def list_benchmarks() -> list[dict[str, str]]:
    """Return what the benchmarks are called, need and measure; the drawn ones come first."""
    from vlm_demo import evaluation
    from vlm_demo.evaluation.benchmarks import benchmarks_by_name

    own = [
        {"name": name, "needs": "a file of yours" if one.needs_data else "nothing", "rule": ""}
        for name, one in evaluation.all_benchmarks().items()
    ]
    published = [
        {"name": name, "needs": one.needs, "rule": one.rule}
        for name, one in benchmarks_by_name().items()
    ]
    return [*own, *published]


def find_published(name: str) -> PublishedBenchmark | None:
    """Return the published benchmark of a name; None: there is none."""
    from vlm_demo.evaluation.benchmarks import benchmarks_by_name

    return benchmarks_by_name().get(name)


def run_published(
    benchmark: PublishedBenchmark, backend: Backend, model: str, **options: Any
) -> dict[str, Any]:
    """Run a published benchmark and return its result, which is written to a folder too.

    Args:
        benchmark: which one.
        backend: holds the model.
        model: name on the menu.
        options: those of `RunOptions`.
    """
    from vlm_demo.evaluation.published.running import RunOptions, run_published

    return run_published(benchmark, backend, model, RunOptions(**options))


def harness_command(benchmark: PublishedBenchmark, model: str, **options: Any) -> list[str]:
    """Return the parts of the command by which lmms-eval runs a benchmark against `/v1`.

    Args:
        benchmark: which one.
        model: its name.
        options: those of `lmms_eval_command`.
    """
    from vlm_demo.evaluation.published.harness import lmms_eval_command

    return lmms_eval_command(benchmark, model, **options)


def run_harness(command: Sequence[str], out: Path) -> int:
    """Run such a command; return how many of its requests failed."""
    from vlm_demo.evaluation.published.harness import run_lmms_eval

    return run_lmms_eval(command, out)


def bench(options: BenchOptions, say: Callable[[str], None]) -> BenchReport:
    """Measure how fast the program is; `say` is called with the progress."""
    from vlm_demo.bench import runner

    return runner.run(options, say)


def play_battles(
    backend: Backend,
    settings: Settings,
    models: Sequence[str],
    *,
    benchmark: str,
    seed: int,
    count: int | None,
) -> BattleOutcome:
    """Let models meet on questions with a ground truth, and keep who did better."""
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


def judge_votes(
    backend: Backend, settings: Settings, judge: str, *, limit: int | None
) -> tuple[JudgingOutcome, JudgeAgreement]:
    """Let a model judge battles, and compare all that it has judged with what people said."""
    from vlm_demo.arena import Selection, open_judgements
    from vlm_demo.evaluation import judging

    with closing(open_judgements(settings)) as store:
        outcome = judging.judge_votes(backend, store, judge, limit=limit)
        return outcome, store.agreement(judge, Selection())


def calibrate(backend: Backend, model: str, *, seed: int, count: int) -> CalibrationReport:
    """Fit the calibration of a model's boxes, and measure it."""
    from vlm_demo.evaluation import calibrating

    return calibrating.calibrate(backend, model, seed=seed, count=count)


def save_calibration(spec: ModelSpec, report: CalibrationReport) -> Path:
    """Keep the calibration of a model; return its file."""
    from vlm_demo.analysis.confidence import write_calibration

    return write_calibration(spec, report.calibration, error=report.error)


def open_votes(settings: Settings) -> VoteStore:
    """Return the votes that settings name; the database is not touched before it is used."""
    from vlm_demo import arena

    return arena.open_votes(settings)


def open_feedback(settings: Settings) -> FeedbackStore:
    """Return what visitors said of single answers; the database is not touched before use."""
    from vlm_demo import arena

    return arena.open_feedback(settings)


def rate_models(settings: Settings, selection: Selection, judge: str = "") -> Sequence[RatedModel]:
    """Rate the models by some of the votes that settings name, best first.

    With a `judge`, what this model says of the battles counts, and not what people said.
    """
    from vlm_demo import arena

    with (
        closing(arena.open_votes(settings)) as store,
        closing(arena.open_judgements(settings)) as judgements,
    ):
        leaderboards = arena.open_leaderboards(store, judgements)
        if judge:
            return leaderboards.judge_leaderboard(judge, selection).models
        return leaderboards.leaderboard(selection).models


def open_hub_copy(settings: Settings) -> HubCopy:
    """Return the copy of the votes on the Hub that settings name; nothing is opened yet."""
    from vlm_demo.arena.ledger.hub_copy import HubCopy

    return HubCopy(settings.votes, settings.votes_repo, minutes=settings.votes_minutes)


def judge_voters(store: VoteStore) -> Sequence[VoterReport]:
    """Report on everybody who voted often, those with findings first."""
    from vlm_demo.arena.ratings import agreement

    return agreement.judge_voters(store)


def select_votes(store: VoteStore, human: bool | None) -> Iterator[Vote]:
    """Return the votes of people, or those of the program; None: all."""
    from vlm_demo.arena.votes.vote import Origin

    return (
        vote
        for _, vote in store.read()
        if human is None or human is (vote.origin is not Origin.AUTOMATIC)
    )


def export_votes(votes: Iterable[Vote], form: str, file: BinaryIO) -> int:
    """Write votes to an open file; return how many there were."""
    from vlm_demo.arena.interchange import vote_export

    return vote_export.export_votes(votes, vote_export.VoteFileFormat(form), file)


def export_votes_to(votes: Iterable[Vote], form: str, path: Path) -> int:
    """Write votes to a file that appears when it is complete; return how many there were."""
    from vlm_demo.files.atomic_file import atomic_write

    with atomic_write(path) as file:
        return export_votes(votes, form, file)


def export_pairs(votes: Iterable[Vote], path: Path) -> tuple[int, Counter[str]]:
    """Write preference pairs to a Parquet file or a folder; return how many there were.

    The counter says how many votes gave no pair, by reason.
    """
    from vlm_demo.arena.interchange import preference_pairs
    from vlm_demo.files.atomic_file import atomic_folder, atomic_write

    pairs = preference_pairs.PreferencePairs(votes)
    if path.suffix == ".parquet":
        with atomic_write(path) as file:
            return preference_pairs.write_parquet(pairs, file), pairs.left_out
    with atomic_folder(path) as folder:
        return preference_pairs.write_folder(pairs, folder), pairs.left_out


def open_lines(source: IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a file that may be compressed."""
    from vlm_demo.arena.interchange import vote_import

    return vote_import.open_lines(source)


def import_votes(lines: Iterable[bytes], store: VoteStore) -> tuple[VoteReader, int, int]:
    """Add votes; return what was read, how many were added, and how many were already there."""
    from vlm_demo.arena.interchange import vote_import

    reading = vote_import.VoteReader(datetime.now(UTC))
    return reading, *store.add_all(reading.read(lines))


def verify(store: VoteStore, earlier: tuple[int, str] | None) -> list[str]:
    """Say what is wrong with the chain, or contradicts an earlier head of it (seq, link)."""
    from vlm_demo.arena.votes.chain import ChainHead

    return store.verify(ChainHead(*earlier, deletions=0) if earlier else None)


def prepare_page() -> None:
    """Set the process up for Gradio and torch; call it before anything imports either."""
    # Gradio and the Hub's library read these while they are imported: no usage is reported, and no
    # server is asked for news.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if on_zerogpu():
        # Its library must be there before torch and Gradio are, and must know before the page is up
        # that something wants a GPU.
        from vlm_demo.engines.local.zerogpu import process  # noqa: F401


def mount_api(backend: Backend, settings: Settings) -> ServerPart:
    """Return the API, to be served beside the page.

    Raises:
        SettingsError: others could reach it, and there are no keys.
    """
    from starlette.routing import Mount

    from vlm_demo.api.app import PREFIX, build_api
    from vlm_demo.server import ServerPart

    return ServerPart(routes=(Mount(PREFIX, build_api(backend, settings)),))


def serve(settings: Settings) -> None:
    """Serve the page, the API or both until the program is interrupted.

    Raises:
        VlmDemoError: a setting cannot be used.
    """
    prepare_page()
    if settings.no_page:
        from vlm_demo.cli import api_alone

        api_alone.serve(settings)
        return
    from vlm_demo.cli import page

    page.serve(settings)
