"""The command for many pictures: through any task to the end, or to be gone on with later."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from tqdm import tqdm

from vlm_demo.batch import open_source
from vlm_demo.batch.job import Job, read_region
from vlm_demo.batch.journal import Journal
from vlm_demo.batch.results import write_annotated, write_coco, write_csv, write_jsonl
from vlm_demo.batch.running import Run, Standing
from vlm_demo.batch.sources import Limits
from vlm_demo.batch.timing import about
from vlm_demo.cli.answering import load
from vlm_demo.cli.options import AsJson, MaxNewTokens, Menu, Model, Seed, Temperature, choose
from vlm_demo.cli.terminal import print_note
from vlm_demo.errors import FileError
from vlm_demo.rendering.export.plain import as_json
from vlm_demo.values import Task

SOME_FAILED = 1
"""Exit status where some pictures have no answer."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""

GLANCE_S = 0.2
"""Time between two looks at how far the batch has come."""

TOLD = 10
"""Failures that are told of one by one."""

JOURNAL, RESULTS = "journal.jsonl", "results.jsonl"

TASKS = {
    "caption": Task.CAPTION,
    "detailed": Task.DETAILED_CAPTION,
    "grounded": Task.GROUNDED_CAPTION,
    "ask": Task.VQA,
    "locate": Task.GROUNDING,
    "describe": Task.DESCRIBE_REGION,
}


def batch(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder or ZIP of pictures.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the results. The same again: go on where it stopped.")
    ],
    task: Annotated[str, typer.Option(help=f"{', '.join(TASKS)}.")] = "caption",
    words: Annotated[
        str, typer.Option(help="The question, what to find, or the beginning of the caption.")
    ] = "",
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X1,Y1,X2,Y2",
            help="The region to describe, as fractions (0 to 1) of each picture. Default: all.",
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Pictures at a time. Default: as the model's batch."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pictures.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a table to this file too.")
    ] = None,
    coco: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the places as COCO too.")
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw the places into copies of the pictures too."),
    ] = None,
    as_json_: AsJson = False,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> int:
    """Take a folder or ZIP of pictures through a task; what is done survives a crash.

    The results are in results.jsonl, one picture a line. Exit status: 0: every picture has its
    answer; 1: some have none; 2: the input cannot be used, or the model or the disk failed; 130:
    interrupted.
    """
    if task not in TASKS:
        raise typer.BadParameter(f"choose one of {', '.join(TASKS)}.", param_hint="'--task'")
    region = read_region(box or "")
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    backend, settings = chosen.backend, chosen.settings
    job = Job(TASKS[task], words, chosen.spec.name, chosen.sampling, region)
    job.check(backend)
    folders = [out, *([annotated] if annotated else [])]
    limits = Limits(bytes_each=settings.max_upload_bytes)
    with closing(open_source(source, limits, besides=folders)) as pictures:
        for folder in folders:
            _make(folder)
        header = job.header(backend, pictures.title)
        with closing(Journal(out / JOURNAL, header)) as journal:
            run = Run(
                *(backend, job, pictures, journal),
                at_once=at_once or settings.batch,
                names=pictures.names[:limit],
                max_bytes=settings.max_upload_bytes,
                max_pixels=settings.max_pixels,
            )
            load(chosen)
            whole = _finish(run)
            write_jsonl(journal, out / RESULTS)
            if csv:
                write_csv(journal, csv)
            if coco:
                write_coco(journal, pictures, coco)
            if annotated:
                write_annotated(journal, pictures, annotated)
            _tell_failures(journal)
    standing = run.standing
    if as_json_:
        counts = {"done": standing.done, "failed": standing.failed, "total": standing.total}
        sys.stdout.write(as_json({**counts, "results": str(out / RESULTS)}))
    else:
        print(_counted(standing))
    if not whole:
        print_note(f"Interrupted. To go on: {resume_command(sys.argv[1:])}")
        return INTERRUPTED
    return SOME_FAILED if standing.failed else 0


def resume_command(arguments: list[str]) -> str:
    """Return what to type to go on."""
    return shlex.join(["python", "-m", "vlm_demo", *arguments])


def _finish(run: Run) -> bool:
    """Run to the end with a progress bar; False: a person interrupted it.

    Raises:
        BatchError: it stopped by itself.
    """
    bar: tqdm[NoReturn] = tqdm(
        total=run.standing.total,
        unit="picture",
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt}{postfix}",
        disable=None,  # where standard error is not a terminal
    )
    with closing(bar):
        try:
            run.start()
            while not run.wait(GLANCE_S):
                _show(bar, run.standing)
            _show(bar, run.standing)
        except KeyboardInterrupt:
            run.stop()
            run.wait()
            return False
    return True


def _show(bar: tqdm[NoReturn], standing: Standing) -> None:
    facts = [f"{standing.failed} failed"] if standing.failed else []
    if standing.left_s is not None and standing.per_s:
        facts += [f"{standing.per_s:.2g}/s", f"{about(standing.left_s)} left"]
    bar.set_postfix_str(", ".join(facts), refresh=False)
    bar.update(standing.done + standing.failed - bar.n)


def _counted(standing: Standing) -> str:
    words = [f"{standing.done} of {standing.total} pictures have an answer"]
    if standing.failed:
        words.append(f"{standing.failed} failed")
    return ", ".join(words) + "."


def _tell_failures(journal: Journal) -> None:
    failures = journal.newest(TOLD + 1, failed=True)
    for result in failures[:TOLD]:
        print_note(f"{result.name}: {result.error}")
    if len(failures) > TOLD:
        print_note(f"... and others; all are in {RESULTS}.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error.strerror or error}.") from error
