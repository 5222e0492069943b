"""What a terminal shows, and a pipe does not."""

import io
import sys
from contextlib import redirect_stdout

from vlm_demo.cli.terminal import GrowingText, show_progress
from vlm_demo.engines import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_text_grows_in_a_terminal():
    seen = []
    with redirect_stdout(Terminal()) as terminal:
        growing = GrowingText()
        for text in ("A ", "A red", "A red cir"):
            growing.grow(text)
            seen.append(terminal.getvalue())
        growing.end("A red circle.")

    assert seen == ["A", "A red", "A red cir"]
    assert terminal.getvalue() == "A red circle.\n"


def test_text_that_changed_behind_the_cursor_is_shown_again():
    with redirect_stdout(Terminal()) as terminal:
        growing = GrowingText()
        growing.grow("A red [0.1")
        growing.grow("A red circle")
        growing.end("A red circle.")

    assert terminal.getvalue() == "A red [0.1\nA red circle.\n"


def test_text_does_not_grow_in_a_pipe():
    with redirect_stdout(io.StringIO()) as pipe:
        growing = GrowingText()
        growing.grow("A red [0.1")
        growing.end("A red circle.")

    assert pipe.getvalue() == "A red circle.\n"


def test_a_model_cannot_steer_the_terminal():
    with redirect_stdout(Terminal()) as terminal:
        GrowingText().end("\x1b]0;title\x07\x1b[2Jred\x9b")

    assert terminal.getvalue() == "]0;title[2Jred\n"


def test_progress_is_shown_in_a_terminal_only(monkeypatch, capsys):
    steps = [
        Progress("fetching", 0, 2_000_000, "bytes"),
        Progress("fetching", 2_000_000, 2_000_000, "bytes"),
        Progress("loading", 1, None, "steps"),
    ]
    show_progress(steps, "a model")
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    show_progress(steps, "a model")
    shown = capsys.readouterr().err
    assert "Fetching a model" in shown
    assert "Loading a model" in shown
