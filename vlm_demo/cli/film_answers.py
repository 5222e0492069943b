"""Answers about a film on the command line: to all its frames together, or to each in turn."""

from __future__ import annotations

from vlm_demo.analysis.film_times import find_times
from vlm_demo.cli.framed_images import ASKED_FRAMES, print_labelled_answer
from vlm_demo.cli.model import SelectedModel, answer, answer_to_data
from vlm_demo.cli.terminal import print_json
from vlm_demo.families import get_family
from vlm_demo.media.film import Film, FilmFrame
from vlm_demo.media.films import sample_frames
from vlm_demo.units import format_film_time
from vlm_demo.values import Request, Task


def answer_about_film(
    model: SelectedModel,
    film: Film,
    question: str,
    count: int | None,
    rate: float,
    *,
    json_output: bool,
) -> None:
    """Print the answer to a question about a film, or its caption where there is no question.

    Raises:
        VlmDemoError: the model cannot do this, takes fewer frames, or failed.
    """
    most = get_family(model.spec.family).limits.max_images
    wanted = count or (ASKED_FRAMES if most == 1 else min(ASKED_FRAMES, most))
    frames = sample_frames(film, count=wanted, rate=rate)
    task = Task.VQA if question else Task.CAPTION
    if most == 1:
        for frame in frames:
            _answer_about_frame(model, frame, Request(task, question), json_output=json_output)
        return
    together = list(frames)
    times = tuple(frame.seconds for frame in together)
    images = tuple(frame.image for frame in together)
    request = Request(task, question, images, film_times=times, sampling=model.sampling)
    reply = answer(model, request, quiet=json_output)
    if json_output:
        named = [time.seconds for time in find_times(reply.text, times)]
        print_json({**answer_to_data(reply), "frames": list(times), "times": named})


def _answer_about_frame(
    model: SelectedModel, frame: FilmFrame, asked: Request, *, json_output: bool
) -> None:
    """Print the answer about one frame behind its time."""
    request = Request(asked.task, asked.text, (frame.image,), sampling=model.sampling)
    label, facts = format_film_time(frame.seconds), {"seconds": round(frame.seconds, 3)}
    print_labelled_answer(model, request, label, facts, json_output=json_output)
