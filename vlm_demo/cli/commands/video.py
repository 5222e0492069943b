"""The command that asks about a film, or looks for things in it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vlm_demo.analysis.tracking import track
from vlm_demo.analysis.tracking.film_search import FRAMES
from vlm_demo.cli.film_answers import answer_about_film
from vlm_demo.cli.framed_images import ASKED_FRAMES
from vlm_demo.cli.model import AnswerOptions, SelectedModel, load
from vlm_demo.cli.options import JsonOutput, check_folder, parse_export_formats
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note, printable
from vlm_demo.errors import FilmError
from vlm_demo.media.film import Film
from vlm_demo.media.films import open_film
from vlm_demo.media.tracks import Track, TrackedFilm
from vlm_demo.prompting.targets import read_targets
from vlm_demo.rendering.export.film_tracks import FILM_FORMATS, export_film
from vlm_demo.units import format_film_time


@expand_options
def video(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A video: MP4, WebM, MOV, AVI ...")],
    find: Annotated[
        str, typer.Option(metavar="WORDS", help='Find things through it: "red circle, star".')
    ] = "",
    ask: Annotated[
        str, typer.Option(metavar="QUESTION", help="Ask about it: when does the ball fall?")
    ] = "",
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Number of frames that are looked at. Default: {FRAMES} to find things, "
            f"{ASKED_FRAMES} to ask, or as many as the model takes.",
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Frames a second that are looked at, instead.")
    ] = 0,
    exports: Annotated[
        list[str] | None,
        typer.Option(
            "--export",
            metavar="FORMAT",
            help=f"Also write a file: {', '.join(FILM_FORMATS)}; again for more.",
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--to", help="Folder for files of --export.")] = Path(),
    json_output: JsonOutput = False,
    *,
    options: AnswerOptions,
) -> None:
    """Find things through a film, ask about it, or (without either) describe it.

    A model that takes one picture is asked about each frame by itself.
    """
    if find and ask:
        raise typer.BadParameter("choose one of the two.", param_hint="'--find' '--ask'")
    if exports and not find:
        raise typer.BadParameter("it needs --find.", param_hint="'--export'")
    check_folder(folder)
    forms = parse_export_formats(exports, FILM_FORMATS)
    model = options.select()
    opened = open_film(film)
    if not find:
        answer_about_film(model, opened, ask, frames, rate, json_output=json_output)
        return
    load(model)
    tracked = _track(model, opened, read_targets(find), frames or FRAMES, rate)
    if json_output:
        print_json(_to_data(tracked))
    else:
        _print_tracks(tracked)
    for form in forms:
        print_note(f"Saved {export_film(tracked, form, folder, film.stem)}.")


def _track(
    model: SelectedModel, film: Film, names: tuple[str, ...], frames: int, rate: float
) -> TrackedFilm:
    steps = track(
        model.backend,
        model.spec.name,
        film,
        names,
        count=frames,
        rate=rate,
        sampling=model.sampling,
    )
    result: TrackedFilm | None = None
    with closing(steps):
        for step in steps:
            result = step.result
    if result is None:
        raise FilmError("No frame of this video could be read.")
    return result


def _print_tracks(tracked: TrackedFilm) -> None:
    for one in tracked.tracks:
        begin, end = _span(tracked, one)
        times = f"{format_film_time(begin)} to {format_film_time(end)}"
        found = sum(not place.is_estimated for place in one.boxes)
        print(f"{one.id}  {printable(one.label)}: {times}, in {found} frames")
    if not tracked.tracks:
        print_note("Nothing was found.")


def _span(tracked: TrackedFilm, one: Track) -> tuple[float, float]:
    first, last = one.boxes[0].frame, one.boxes[-1].frame
    return tracked.frames[first].seconds, tracked.frames[last].seconds


def _to_data(tracked: TrackedFilm) -> dict[str, object]:
    """Return all that was found as plain data; boxes are x1, y1, x2, y2 in pixels of the film."""
    film = tracked.film
    return {
        "size": list(film.size),
        "seconds": round(film.seconds, 3),
        "frames": [
            {"index": frame.index, "seconds": round(frame.seconds, 3)} for frame in tracked.frames
        ],
        "tracks": [
            {
                "id": one.id,
                "label": one.label,
                "boxes": [
                    {
                        "frame": place.frame,
                        "box_xyxy_px": [round(v, 2) for v in place.box.to_pixels(film.size)],
                        "estimated": place.is_estimated,
                    }
                    for place in one.boxes
                ],
            }
            for one in tracked.tracks
        ],
    }
