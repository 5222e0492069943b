"""Stands in for the package `spaces` as it is on a Space with ZeroGPU (version 0.51).

A marked generator function really runs in a forked process, which stays for later calls; arguments
and what it yields are pickled; its errors arrive as no more than their class's name; and the
program seems to have a GPU, which it must not touch. The process has none here, and uses the CPU.
"""

import multiprocessing
import os
import sys
import threading
from types import SimpleNamespace

others_were_first = {"torch", "gradio", "transformers"} & set(sys.modules)

import torch  # noqa: E402  # as the real one does

calls = []  # of each: seconds asked for, process, items that came back
refusal = ""  # what ZeroGPU says in place of answering


class RefusalError(Exception):
    """As gr.Error: its words are in an attribute."""

    def __init__(self, message):
        super().__init__(message)
        self.message = message

    def __str__(self):
        return repr(self.message)


# What the program sees of CUDA


def _touched(*_):
    raise RuntimeError("Low-level CUDA init reached")


_real = {name: getattr(torch.cuda, name) for name in ("is_available", "device_count", "cudart")}
_real_init = torch._C.__dict__.get("_cuda_init")
MEMORY = (70 << 30, 71 << 30)


def _seem_to_have_a_gpu():
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.current_device = lambda: 0
    torch.cuda.cudart = lambda: SimpleNamespace(cudaMemGetInfo=lambda device: MEMORY)
    torch.cuda.get_device_capability = lambda *_: (9, 0)
    torch.cuda.get_device_properties = lambda *_: SimpleNamespace(major=9, minor=0)
    torch._C._cuda_init = _touched


def _seem_no_more():
    for name, function in _real.items():
        setattr(torch.cuda, name, function)
    if _real_init:
        torch._C._cuda_init = _real_init


# Calls


class _Process:
    def __init__(self, task):
        forking = multiprocessing.get_context("fork")
        self.arguments, self.results = forking.SimpleQueue(), forking.SimpleQueue()
        self.stop = forking.Event()
        self.process = forking.Process(target=self._serve, args=(task,), daemon=True)
        self.process.start()

    def _serve(self, task):
        _seem_no_more()
        while True:
            args, kwargs = self.arguments.get()
            self.stop.clear()
            thread = threading.Thread(target=self._iterate, args=(task, args, kwargs))
            thread.start()
            thread.join()
            self.results.put(("end", os.getpid()))

    def _iterate(self, task, args, kwargs):
        generator = task(*args, **kwargs)
        while True:
            try:
                item = next(generator)
            except StopIteration:
                return
            except Exception as error:
                self.results.put(("error", type(error).__name__))
                return
            if self.stop.is_set():
                generator.close()
                return
            self.results.put(("item", item))


def GPU(task=None, *, duration=60, size=None):
    if task is None:
        return lambda task: GPU(task, duration=duration, size=size)
    idle = []

    def call(*args, **kwargs):
        seconds = duration(*args, **kwargs) if callable(duration) else duration
        if refusal:
            raise RefusalError(refusal)
        process = idle.pop() if idle else _Process(task)
        process.arguments.put((args, kwargs))
        came = 0
        stopped = False
        while True:
            kind, value = process.results.get()
            if kind == "end":
                break
            if stopped:
                continue
            if kind == "error":
                process.results.get()
                idle.append(process)
                raise RefusalError(value)
            came += 1
            try:
                yield value
            except GeneratorExit:
                process.stop.set()
                stopped = True
        calls.append(SimpleNamespace(seconds=seconds, process=value, items=came))
        idle.append(process)

    return call


if os.environ["SPACES_ZERO_GPU"] == "true":
    _seem_to_have_a_gpu()
