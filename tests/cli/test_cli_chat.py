"""A conversation on the command line: through a pipe and in a terminal."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from support import ROOT

from vlm_demo.values import (
    Reply,
)

SHORT = ("--max-new-tokens", "6")
CUT_OFF = "The answer was cut off at the limit of new tokens. Raise the limit.\n"
BROKEN = "\ufffd"  # a random model's bytes need not be text


def test_a_conversation_goes_on_through_a_pipe(run_command, menu, file):
    talk = run_command("chat", file, *SHORT, stdin=b"What is it?\nAnd now?\n\n/quit\nnot asked\n")

    assert talk.status == 0
    assert talk.err == 2 * CUT_OFF
    assert len(talk.out.replace(BROKEN, "?").splitlines()) >= 2


def test_a_conversation_keeps_its_history(run_command, menu, file, answering):
    asked = answering(Reply("raw [0.1]", "clean"))

    run_command("chat", file, stdin="何ですか\nsecond\n".encode())

    first, second = asked
    assert (first.text, len(first.images), first.history) == ("何ですか", 1, ())
    assert (second.text, second.images) == ("second", ())
    assert [(turn.role, turn.text) for turn in second.history] == [
        ("user", "何ですか"),
        ("assistant", "raw [0.1]"),
    ]
    assert len(second.history[0].images) == 1


def test_retry_and_undo_take_the_last_turn_back(run_command, menu, file, answering):
    asked = answering(Reply("yes", "yes"))

    run_command("chat", file, stdin=b"one\ntwo\n/retry\n/undo\n/undo\nthree\n")

    assert [request.text for request in asked] == ["one", "two", "two", "three"]
    assert [len(request.history) for request in asked] == [0, 2, 2, 0]
    assert len(asked[3].images) == 1  # the picture is asked about anew


def test_a_conversation_can_go_on_with_another_picture(
    run_command, menu, file, answering, tmp_path
):
    other = tmp_path / "other picture.png"
    Image.new("RGB", (10, 30), "blue").save(other)
    asked = answering(Reply("yes", "yes"))

    run_command("chat", file, stdin=f"one\n/picture {other}\ntwo\n".encode())

    assert [request.images[0].size for request in asked] == [(96, 64), (10, 30)]


def test_a_conversation_goes_on_after_an_error(run_command, menu, file, answering, tmp_path):
    asked = answering(Reply("yes", "yes"))
    lines = f"/retry\n/nonsense\n/picture {tmp_path}/none.png\nhello\n"

    talk = run_command("chat", file, stdin=lines.encode())

    assert talk.status == 0
    assert talk.out == "yes\n"
    assert [line.split(":")[0] for line in talk.err.splitlines()] == ["Error"] * 3
    assert len(asked) == 1
    assert len(asked[0].images) == 1  # the picture is still there after the failures


def test_a_question_that_cannot_be_asked_leaves_the_conversation_as_it_was(run_command, menu, file):
    lines = f"{'x' * 9000}\nWhat is it?\n"

    talk = run_command("chat", file, *SHORT, stdin=lines.encode())

    assert talk.status == 0
    assert talk.err == (
        "Error: This text has 9,000 characters, 1,000 over the limit of 8,000. "
        f"Shorten it.\n{CUT_OFF}"
    )
    assert talk.out == run_command("chat", file, *SHORT, stdin=b"What is it?\n").out


def test_bytes_that_are_not_text_stop_no_conversation(run_process, menu, file):
    talk = run_process("chat", file, *SHORT, input=b"caf\xe9\nWhat is it?\n")

    assert (talk.returncode, talk.stderr.decode()) == (0, 2 * CUT_OFF)
    assert len(talk.stdout.splitlines()) >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal")
def test_ctrl_c_stops_the_answer_and_not_the_conversation(menu, file):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", "chat", str(file), "--max-new-tokens", "3000"],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        # Where the tests run in the background, the signal is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    try:
        read_until(ours, b"> ")
        os.write(ours, b"What is it?\n")
        assert b"> " not in read_until(ours, b"What is it?")
        os.read(ours, 4096)
        process.send_signal(signal.SIGINT)  # in the midst of the answer
        _, after = read_until(ours, b"(stopped)").split(b"(stopped)")
        if b"> " not in after:
            read_until(ours, b"> ")
        os.write(ours, b"\x04")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal, wanted, seconds=60):
    seen, end = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096)
    assert wanted in seen
    return seen
