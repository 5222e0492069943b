"""A batch on a model of a few lines, until it is done or killed.

The model says what colour a picture's middle has, after some time, and where it is.
"""

import random
import time

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.batch import open_source
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.run import BatchRun
from vlm_demo.batch.sources import SourceLimits
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.values import Task, TextChunk

JOB = BatchJob(Task.GROUNDING, "the middle", "colours")


class ColourEngine:
    """Answers in the markup of LLaVA-1.5."""

    control_tokens = frozenset({"<image>", "</s>"})

    def __init__(self, pause_s=0.0):
        self.pause_s = pause_s
        self.asked = []

    def stream(self, prompt, sampling):
        image = prompt.messages[-1].images[-1]
        middle = image.getpixel((image.width // 2, image.height // 2))
        self.asked.append(middle)
        time.sleep(random.uniform(0, 2) * self.pause_s)
        yield TextChunk(f"{middle[0]} {middle[1]} {middle[2]} ")
        yield TextChunk(f"[0.25, 0.25, 0.{middle[0] % 40 + 50}, 0.75]")

    def close(self):
        pass


def backend_of(engine):
    vlm_demo.backend.open_engine = lambda *_, **__: engine
    return Backend([ModelSpec(name="colours", family="llava15", checkpoint="here")])


def run(folder, path, pause_s=0.02):
    backend = backend_of(ColourEngine(pause_s))
    source = open_source(folder, SourceLimits())
    journal = BatchJournal(path, JOB.to_header(backend, source.title))
    going = BatchRun(backend, JOB, source, journal, at_once=4)
    going.start()
    going.wait()
