"""Programs that tests kill again and again: each is a process of its own, begun within moments.

A server that has imported the programs once forks itself for each start.
"""

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["support.batch_to_kill", "support.voters_to_kill", "vlm_demo.engines.local.engine"]
)


def begin(program: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """Start a function of a preloaded module as a process; `kill` ends it with SIGKILL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ":".join(sys.path))  # this Python gives it no other way
        forkserver.ensure_running()
    process = _CONTEXT.Process(target=program, args=arguments)
    process.start()
    return process
