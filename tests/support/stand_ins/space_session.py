"""What a Space does all day: run with this folder on the path, it prints a report as JSON.

Arguments: a picture, a question, and answers to choose from, with commas between.
"""

import json
import os
import sys
from contextlib import closing

from vlm_demo.cli.lazy import prepare_page
from vlm_demo.settings import on_zerogpu

if on_zerogpu():  # first of all, as when the page is served
    prepare_page()

# isort: split
import spaces
import torch
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.values import Request, Sampling, Task

picture, question, choices = sys.argv[1], sys.argv[2], tuple(sys.argv[3].split(","))
image = Image.open(picture).convert("RGB")
backend = Backend.from_settings(Settings())
spec = default_menu()[1]
report = {"others_were_first": sorted(spaces.others_were_first), "program": os.getpid()}

list(backend.load(spec.name))  # in a thread, as on the page
report["free_gpu"] = backend.free_memory().gpu
report["offers"] = len(backend.format_options(spec.name))


def asked(**more):
    more.setdefault("sampling", Sampling(max_new_tokens=40))
    return Request(Task.VQA, question, (image,), **more)


def answer(request):
    return [reply.raw for reply in backend.answer(spec.name, request)][-1]


def failure(**more):
    try:
        return answer(asked(**more))
    except VlmDemoError as error:
        return [type(error).__name__, str(error)]


report["caption"] = answer(Request(Task.CAPTION, "", (image,)))
report["answer"] = answer(asked())
drawing = Sampling(max_new_tokens=40, temperature=2.0, seed=5)
report["drawn"] = answer(Request(Task.CAPTION, "", (image,), sampling=drawing))
report["choice"] = answer(asked(choices=choices))
report["scores"] = backend.score(spec.name, asked(choices=choices))
report["calls"] = [[call.seconds, call.process, call.items] for call in spaces.calls]

endless = asked(pattern="[a-z ]{900}", sampling=Sampling(max_new_tokens=1000))
with backend._pool.using(spec) as engine:
    prompt = get_family(spec.family).prompt(endless, control_tokens=engine.control_tokens)
    report["engine"] = type(engine).__name__
    report["inspected"] = engine.inspect(prompt).tokens
    with closing(engine.stream(prompt, endless.sampling)) as pieces:
        first = [next(pieces), next(pieces)]
    report["logprobs"] = all(piece.logprobs for piece in first)
    report["stopped_after"] = spaces.calls[-1].items
    report["asked_for"] = spaces.calls[-1].seconds
    report["after_stop"] = answer(asked())

    before = len(spaces.calls)
    report["bad_pattern"] = failure(pattern="(")
    report["bad_pattern_calls"] = len(spaces.calls) - before

    spaces.refusal = "You have exceeded your quota."
    report["refused"] = failure()
    spaces.refusal = ""

    before = len(spaces.calls)
    limit, most = engine._limit, engine._max_requests
    engine._limit = 5
    report["too_long"] = failure()
    engine._limit, engine._max_requests = limit, 0
    report["busy"] = failure()
    engine._max_requests = most
    report["refused_here_calls"] = len(spaces.calls) - before
    report["usage"] = engine.usage().answering

    pieces = engine.stream(prompt, endless.sampling)
    next(pieces)
    engine.close()
    try:
        list(pieces)
    except VlmDemoError as error:
        report["closed"] = str(error)

report["cuda"] = torch.cuda.is_initialized()
print(json.dumps(report))
