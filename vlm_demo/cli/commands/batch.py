"""The command that takes many pictures through a task; an interrupted run can be resumed."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from tqdm import tqdm

from vlm_demo.batch import open_framed_source
from vlm_demo.batch.job import BatchJob, parse_region
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.result_files import write_annotated_images, write_coco, write_csv, write_jsonl
from vlm_demo.batch.run import BatchProgress, BatchRun
from vlm_demo.batch.sources import SourceLimits
from vlm_demo.batch.throughput import format_remaining
from vlm_demo.cli.exit_codes import INTERRUPTED, PARTIAL
from vlm_demo.cli.framed_images import ASKED_FRAMES, FrameOptions
from vlm_demo.cli.model import AnswerOptions, load
from vlm_demo.cli.options import JsonOutput
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note, program_name
from vlm_demo.errors import FileError
from vlm_demo.media.film_strip import STRIP_FRAMES
from vlm_demo.values import Task

POLL_S = 0.2
"""Seconds between two updates of the progress bar."""

MAX_FAILURES = 10
"""Largest number of failures that are printed one by one."""

JOURNAL, RESULTS = "journal.jsonl", "results.jsonl"

TASKS = {
    "caption": Task.CAPTION,
    "detailed": Task.DETAILED_CAPTION,
    "grounded": Task.GROUNDED_CAPTION,
    "ask": Task.VQA,
    "locate": Task.GROUNDING,
    "describe": Task.DESCRIBE_REGION,
}


@expand_options
def batch(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder or ZIP, or a video or document.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the results. The same folder again: resume.")
    ],
    task: Annotated[str, typer.Option(help=f"{', '.join(TASKS)}.")] = "caption",
    words: Annotated[
        str, typer.Option(help="The question, what to find, or the beginning of the caption.")
    ] = "",
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X1,Y1,X2,Y2",
            help="The region to describe, as fractions (0 to 1) of each image. Default: all.",
        ),
    ] = None,
    outline: Annotated[
        bool, typer.Option("--outline", help="Outline what is found in each image.")
    ] = False,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Images at a time. Default: the model's batch."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first images.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a table to this file too.")
    ] = None,
    coco: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the regions as COCO too.")
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw the regions on copies of the images too."),
    ] = None,
    json_output: JsonOutput = False,
    *,
    framing: FrameOptions,
    options: AnswerOptions,
) -> int:
    """Take a folder or ZIP of pictures, films and documents through a task.

    What is done survives a crash. The results are in results.jsonl, one picture a line. Exit
    status: 0: every picture has an answer; 1: some have none; 2: the input cannot be used, or the
    model or the disk failed; 130: interrupted.
    """
    if task not in TASKS:
        raise typer.BadParameter(f"choose one of {', '.join(TASKS)}.", param_hint="'--task'")
    region = parse_region(box or "")
    model = options.select()
    backend, settings = model.backend, model.settings
    choice = framing.choose(STRIP_FRAMES if task == "locate" else ASKED_FRAMES)
    job = BatchJob(TASKS[task], words, model.spec.name, model.sampling, region, outline, choice)
    job.check(backend)
    folders = [out, *([annotated] if annotated else [])]
    limits = SourceLimits(bytes_each=settings.max_upload_bytes, bytes_film=settings.film_bytes)
    opened = open_framed_source(
        source, limits, job.framing, max_pixels=settings.max_pixels, besides=folders
    )
    with closing(opened) as pictures:
        for folder in folders:
            _make_folder(folder)
        header = job.to_header(backend, pictures.title)
        with closing(BatchJournal(out / JOURNAL, header)) as journal:
            run = BatchRun(
                *(backend, job, pictures, journal),
                at_once=at_once or settings.batch,
                names=pictures.names[:limit],
                max_pixels=settings.max_pixels,
            )
            load(model)
            is_complete = _finish(run)
            write_jsonl(journal, out / RESULTS)
            if csv:
                write_csv(journal, csv)
            if coco:
                write_coco(journal, pictures, coco)
            if annotated:
                write_annotated_images(journal, pictures, annotated)
            _print_failures(journal)
    standing = run.progress
    if json_output:
        counts = {"done": standing.done, "failed": standing.failed, "total": standing.total}
        print_json({**counts, "results": str(out / RESULTS)})
    else:
        print(_summarize(standing))
    if not is_complete:
        print_note(f"Interrupted. To resume: {resume_command(sys.argv[1:])}")
        return INTERRUPTED
    return PARTIAL if standing.failed else 0


def resume_command(arguments: list[str]) -> str:
    """Return what to type to resume."""
    return f"{program_name()} {shlex.join(arguments)}"


def _finish(run: BatchRun) -> bool:
    """Run to the end with a progress bar; False: it was interrupted.

    Raises:
        BatchError: it stopped for another reason.
    """
    bar: tqdm[NoReturn] = tqdm(
        total=run.progress.total,
        unit="picture",
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt}{postfix}",
        disable=None,  # where standard error is not a terminal
    )
    with closing(bar):
        try:
            run.start()
            while not run.wait(POLL_S):
                _update(bar, run.progress)
            _update(bar, run.progress)
        except KeyboardInterrupt:
            run.stop()
            run.wait()
            return False
    return True


def _update(bar: tqdm[NoReturn], standing: BatchProgress) -> None:
    facts = [f"{standing.failed} failed"] if standing.failed else []
    if standing.remaining_s is not None and standing.per_s:
        facts += [f"{standing.per_s:.2g}/s", f"{format_remaining(standing.remaining_s)} left"]
    bar.set_postfix_str(", ".join(facts), refresh=False)
    bar.update(standing.done + standing.failed - bar.n)


def _summarize(standing: BatchProgress) -> str:
    parts = [f"{standing.done} of {standing.total} images have an answer"]
    if standing.failed:
        parts.append(f"{standing.failed} failed")
    return ", ".join(parts) + "."


def _print_failures(journal: BatchJournal) -> None:
    failures = journal.newest(MAX_FAILURES + 1, failed=True)
    for result in failures[:MAX_FAILURES]:
        print_note(f"{result.name}: {result.error}")
    if len(failures) > MAX_FAILURES:
        print_note(f"... and more; all are in {RESULTS}.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error.strerror or error}.") from error
