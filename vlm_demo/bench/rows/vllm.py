"""Many short requests about a few pictures: the embedded model here, and in a real vLLM."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import psutil

from vlm_demo.bench.context import BenchContext, Measurement
from vlm_demo.bench.plain_generate import PlainGenerate
from vlm_demo.bench.program import Program
from vlm_demo.bench.prompts import write_prompt
from vlm_demo.bench.results import BenchRow, Comparison
from vlm_demo.bench.timing import TimedAnswer, time_together
from vlm_demo.bench.vllm_serve import VllmServe, vllm_serve
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Request, Sampling, Task

MODEL = "embedded-llava15"
REQUESTS = 64
IMAGES = 7
AT_ONCE = 8

AskAll = Callable[[Sequence[Request]], list[TimedAnswer]]


def _measure(context: BenchContext) -> Iterator[BenchRow]:
    """Let both sides answer the same requests in turns; neither has seen the pictures before."""
    spec = find(default_menu(), MODEL)
    folder, threads = Path(spec.checkpoint), context.options.threads
    comparison, cpu_times = Comparison(), Comparison()
    with (
        vllm_serve(context.options.vllm, folder, context.folder / "vllm.log", threads) as server,
        closing(Program(folder, spec.family, context.serving(AT_ONCE))) as program,
    ):
        plain = PlainGenerate.load(folder)
        theirs, ours = partial(_ask_vllm, server, spec.family), partial(_ask_program, program)
        first, *batches = islice(_draw_batches(context), 1 + context.options.repeats)
        _ask_both(theirs, ours, first, ours_first=False)  # both compile and warm up
        for repeat, batch in zip(context.repeats("vLLM and ours"), batches, strict=True):
            their_start, our_start = _child_cpu_s(), time.process_time()
            one, other = _ask_both(theirs, ours, batch, ours_first=bool(repeat % 2))
            comparison.add(len(batch) / _wall_s(other), len(batch) / _wall_s(one))
            # Ours has the work of both clients, too.
            cpu_times.add(_child_cpu_s() - their_start, time.process_time() - our_start)
            for request, their, our in zip(batch, one, other, strict=True):
                prompt = write_prompt(spec.family, request)
                explain = partial(plain.measure_divergence, prompt, their.text, our.text)
                comparison.texts.add(their.has_text_of(our), explain)
    rates = median(comparison.numerators), median(comparison.denominators)
    their_cpu_s, our_cpu_s = median(cpu_times.numerators), median(cpu_times.denominators)
    note = (
        f"{rates[0]:.1f} against {rates[1]:.1f} requests per second; "
        f"CPU time {our_cpu_s:.1f} s against {their_cpu_s:.1f} s"
    )
    yield comparison.row("batch8_vllm", note)


def _draw_batches(context: BenchContext) -> Iterator[list[Request]]:
    """Yield lists of requests about pictures of their own, without end."""
    scenes = map(draw_scene, scene_seeds("test", context.options.seed))
    sampling = Sampling(max_new_tokens=context.options.new_tokens)
    while True:
        questions = _ask_in_turns(list(islice(scenes, IMAGES)), sampling)
        yield list(islice(questions, REQUESTS))


def _ask_in_turns(scenes: Sequence[Scene], sampling: Sampling) -> Iterator[Request]:
    """Ask about one picture after the other; another question at each round."""
    for turn, scene in enumerate(cycle(scenes)):
        thing = scene.objects[turn // IMAGES % len(scene.objects)]
        tasks = (
            (Task.VQA, "How many objects are there?"),
            (Task.GROUNDING, thing.phrase),
            (Task.VQA, f"Is there a {thing.kind.name}?"),
            (Task.CAPTION, ""),
            (Task.CHAT, f"What colour is the {thing.kind.name}?"),
        )
        task, text = tasks[turn // IMAGES % len(tasks)]
        yield Request(task, text, (scene.image,), sampling=sampling)


def _ask_both(
    theirs: AskAll, ours: AskAll, batch: Sequence[Request], *, ours_first: bool
) -> tuple[list[TimedAnswer], list[TimedAnswer]]:
    if ours_first:
        other = ours(batch)
        return theirs(batch), other
    one = theirs(batch)
    return one, ours(batch)


def _ask_program(program: Program, batch: Sequence[Request]) -> list[TimedAnswer]:
    return time_together([partial(program.answer, request) for request in batch], AT_ONCE)


def _ask_vllm(server: VllmServe, family: str, batch: Sequence[Request]) -> list[TimedAnswer]:
    def answer(request: Request) -> Iterator[str]:
        return server.answer(write_prompt(family, request), request.sampling or Sampling())

    return time_together([partial(answer, request) for request in batch], AT_ONCE)


def _child_cpu_s() -> float:
    """Return the CPU time of all processes that this one has started, in seconds."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return float(sum(each.user + each.system for each in times))


def _wall_s(answers: Sequence[TimedAnswer]) -> float:
    return max(answer.total_s for answer in answers)


MEASUREMENTS = (Measurement(("batch8_vllm",), _measure),)
