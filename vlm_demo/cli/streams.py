"""Files and pipes that commands read and write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import typer


@contextmanager
def open_input(file: str) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for "-"."""
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            source = stack.enter_context(Path(file).open("rb"))
        except (OSError, ValueError) as error:  # ValueError: not the name of a file
            message = f"{file} cannot be read: {getattr(error, 'strerror', error)}."
            raise typer.BadParameter(message, param_hint="'FILE'") from error
        yield source


@contextmanager
def tolerate_closed_output() -> Iterator[None]:
    """Let the reader of the output stop when it has enough, as `head` does.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
