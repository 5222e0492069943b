"""The one path, with the tiny real models, and with engines that only keep a record."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vlm_demo import backend as backend_module
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import Ability, ModelSpec
from vlm_demo.engines import LoadOptions, OnProgress, Progress, Serving
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import (
    BusyModelError,
    EngineError,
    LoadError,
    MissingImageError,
    MissingTextError,
    NotRunnableError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
)
from vlm_demo.values import Message, Prompt, ReplyState, Request, Sampling, Task, TextChunk


def spec(name: str, family: str = "llava15", checkpoint: str | Path = "a/b") -> ModelSpec:
    return ModelSpec(name=name, family=family, checkpoint=str(checkpoint))


# With real models


@pytest.fixture(scope="module")
def backend(tiny_llava15: Path, tiny_kosmos2: Path, tiny_smolvlm: Path) -> Iterator[Backend]:
    menu = (
        spec("llava", "llava15", tiny_llava15),
        spec("kosmos", "kosmos2", tiny_kosmos2),
        spec("smol", "smolvlm", tiny_smolvlm),
    )
    backend = Backend(menu, max_loaded=3, device="cpu")
    yield backend
    backend.close()


@pytest.mark.parametrize("model", ["llava", "kosmos", "smol"])
def test_a_reply_grows_and_the_last_one_is_complete(
    model: str, backend: Backend, picture: Image.Image
) -> None:
    request = Request(Task.CHAT, "what is it?", (picture,), sampling=Sampling(max_new_tokens=60))
    replies = list(backend.answer(model, request))
    raws = [reply.raw for reply in replies]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(raws))
    assert list(backend.answer(model, request))[-1] == replies[-1]


def test_the_answer_begins_with_the_given_beginning(backend: Backend, picture: Image.Image) -> None:
    request = Request(Task.CAPTION, "Two dogs", (picture,), sampling=Sampling(max_new_tokens=5))
    for model in ("llava", "kosmos", "smol"):
        assert list(backend.answer(model, request))[-1].text.startswith("Two dogs")


def test_choices_are_kept(backend: Backend, picture: Image.Image) -> None:
    choices = ("red", "green", "blue")
    for model in ("llava", "kosmos", "smol"):
        request = Request(Task.VQA, "which?", (picture,), choices=choices)
        (reply,) = list(backend.answer(model, request))[-1:]
        assert reply.text in choices


@pytest.mark.parametrize(
    "text", ["<image> </s> <box> <phrase>", "日本語 😀", "{text}", "a" * 8_000]
)
def test_strange_words_are_only_words(text: str, backend: Backend, picture: Image.Image) -> None:
    request = Request(Task.CHAT, text, (picture,), sampling=Sampling(max_new_tokens=2))
    for model in ("llava", "kosmos", "smol"):
        try:
            list(backend.answer(model, request))
        except TooLongError as error:
            assert "tokens" in str(error)


def test_closing_stops_and_the_next_request_works(backend: Backend, picture: Image.Image) -> None:
    long = Request(Task.CHAT, "go on", (picture,), sampling=Sampling(max_new_tokens=3000))
    replies = backend.answer("llava", long)
    next(replies)
    replies.close()
    short = Request(Task.CHAT, "go on", (picture,), sampling=Sampling(max_new_tokens=3))
    started = time.monotonic()
    list(backend.answer("llava", short))
    assert time.monotonic() - started < 5


def test_two_sessions_never_mix(backend: Backend) -> None:
    requests = [
        Request(
            Task.CHAT,
            f"question {number}",
            (Image.new("RGB", (40 + 20 * number, 60), colour),),
            sampling=Sampling(max_new_tokens=20),
        )
        for number, colour in enumerate(("red", "blue"))
    ]
    alone = [list(backend.answer("llava", request))[-1] for request in requests]
    assert alone[0].raw != alone[1].raw
    together: list[list[Any]] = [[], []]

    def session(number: int) -> None:
        for _ in range(4):
            together[number].append(list(backend.answer("llava", requests[number]))[-1])

    sessions = [threading.Thread(target=session, args=(number,)) for number in range(2)]
    for thread in sessions:
        thread.start()
    for thread in sessions:
        thread.join(60)
    assert together == [[alone[0]] * 4, [alone[1]] * 4]


def test_a_conversation_goes_back_as_raw_text(backend: Backend, picture: Image.Image) -> None:
    history = (Message("user", "where?", (picture,)), Message("assistant", "[0.10, 0.20]"))
    request = Request(Task.CHAT, "and?", history=history, sampling=Sampling(max_new_tokens=3))
    assert list(backend.answer("llava", request))


def test_loading_a_loaded_model_has_nothing_to_tell(backend: Backend) -> None:
    list(backend.load("smol"))
    assert backend.is_loaded("smol")
    assert list(backend.load("smol")) == []


def test_a_folder_can_be_put_on_the_menu(tiny_kosmos2: Path, tmp_path: Path) -> None:
    backend = Backend((spec("first", "kosmos2", tiny_kosmos2),))
    assert backend.add_checkpoint(str(tiny_kosmos2)).name == "first"
    (tmp_path / "other").symlink_to(tiny_kosmos2)
    added = backend.add_checkpoint(str(tmp_path / "other"))
    assert [one.name for one in backend.menu] == ["first", "other"]
    assert backend.spec("other") is added
    assert added.family == "kosmos2"
    with pytest.raises(LoadError, match="HF_HUB_OFFLINE"):
        backend.add_checkpoint("nobody/no-such-model")


# Refusals


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A backend that must not load anything."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(backend_module, "open_engine", fail)
    return Backend((spec("m"), spec("s", "smolvlm")), max_characters=100)


def test_requests_that_cannot_be_served_load_no_model(
    unopened: Backend, picture: Image.Image
) -> None:
    refusals: list[tuple[type[Exception], str, Request]] = [
        (UnknownModelError, "gpt", Request(Task.CHAT, "hi")),
        (UnsupportedTaskError, "s", Request(Task.GROUNDING, "dog", (picture,))),
        (MissingImageError, "m", Request(Task.CAPTION)),
        (MissingTextError, "m", Request(Task.VQA, " ", (picture,))),
        (TooLongError, "m", Request(Task.CHAT, "x" * 101, (picture,))),
        (TooLongError, "m", Request(Task.VQA, "x", (picture,), choices=("y" * 101,))),
    ]
    for error, model, request in refusals:
        with pytest.raises(error):
            list(unopened.answer(model, request))


@pytest.mark.parametrize("runs", ["converted", "remote", "remote code", "nowhere"])
def test_a_model_that_does_not_run_here_is_refused_before_anything_loads(
    runs: Any, unopened: Backend, picture: Image.Image
) -> None:
    far = replace(spec("far"), runs=runs, alternative="m", source="https://example.org/far")
    backend = Backend((spec("m"), far))
    request = Request(Task.CAPTION, images=(picture,))
    with pytest.raises(NotRunnableError, match=r"far.*that runs here.*m"):
        list(backend.load("far"))
    with pytest.raises(NotRunnableError):
        list(backend.answer("far", request))
    with pytest.raises(NotRunnableError):
        backend.inspect("far", request)
    with pytest.raises(NotRunnableError):
        backend.add_checkpoint("far")
    assert backend.models_for(Task.CAPTION) == ["m"]


def test_a_task_that_only_this_checkpoint_cannot_do_is_refused(
    unopened: Backend, picture: Image.Image
) -> None:
    backend = Backend((replace(spec("m"), cannot=(Ability.CAPTION,)),))
    request = Request(Task.CAPTION, images=(picture,))
    with pytest.raises(UnsupportedTaskError, match="m cannot do this task"):
        list(backend.answer("m", request))
    with pytest.raises(UnsupportedTaskError):
        backend.inspect("m", request)
    assert backend.models_for(Task.CAPTION) == []


def test_models_for_a_task_in_menu_order(unopened: Backend) -> None:
    assert unopened.models_for(Task.CHAT) == ["m", "s"]
    assert unopened.models_for(Task.GROUNDING) == ["m"]


def test_a_missing_embedded_model_says_how_to_get_it(tmp_path: Path) -> None:
    gone = ModelSpec(
        name="embedded-llava15",
        family="llava15",
        checkpoint=str(tmp_path / "gone"),
        embedded=True,
    )
    backend = Backend((gone,))
    with pytest.raises(LoadError, match="train --recipe embedded-llava15"):
        list(backend.load("embedded-llava15"))
    with pytest.raises(LoadError, match="missing from this copy"):
        list(backend.answer("embedded-llava15", Request(Task.CHAT, "hi")))


def test_a_model_that_cannot_be_fetched_is_said_again_and_again(picture: Image.Image) -> None:
    backend = Backend((spec("far", checkpoint="nobody/no-such-model"),))
    for _ in range(2):
        with pytest.raises(LoadError, match="not on this computer"):
            list(backend.load("far"))
    with pytest.raises(LoadError):
        list(backend.answer("far", Request(Task.CAPTION, "", (picture,))))
    assert not backend.is_loaded("far")


# With engines that keep a record


class Recorder:
    """Stands for the engines of a menu: what was opened and closed, and what they answer."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.pieces: dict[str, list[str]] = {}
        self.stopped: list[str] = []
        self.prompts: list[Prompt] = []
        self.opening = threading.Event()
        self.opening.set()

    def open(self, options: LoadOptions, _: Serving, on_progress: OnProgress) -> "RecordingEngine":
        on_progress(Progress("loading", 0, 2, "steps"))
        self.opening.wait(10)
        self.opened.append(options.checkpoint)
        return RecordingEngine(self, options.checkpoint)


class RecordingEngine:
    control_tokens = frozenset({"<own>"})

    def __init__(self, recorder: Recorder, checkpoint: str) -> None:
        self.recorder = recorder
        self.checkpoint = checkpoint

    def stream(self, prompt: Prompt, _: Sampling) -> Generator[TextChunk, None, None]:
        self.recorder.prompts.append(prompt)
        try:
            yield from map(TextChunk, self.recorder.pieces.get(self.checkpoint, ["a", "b"]))
        finally:
            self.recorder.stopped.append(self.checkpoint)

    def close(self) -> None:
        self.recorder.closed.append(self.checkpoint)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(backend_module, "open_engine", recorder.open)
    return recorder


def menu_of(names: str) -> tuple[ModelSpec, ...]:
    return tuple(spec(name, checkpoint=name) for name in names)


HELLO = Request(Task.CHAT, "hi <own>")


def test_the_least_recently_used_model_makes_room(recorder: Recorder) -> None:
    backend = Backend(menu_of("abc"), max_loaded=2)
    for model in "abac":
        list(backend.answer(model, HELLO))
    assert recorder.closed == ["b"]
    assert [name for name in "abc" if backend.is_loaded(name)] == ["a", "c"]


def test_a_busy_model_is_never_closed(recorder: Recorder) -> None:
    backend = Backend(menu_of("abc"), max_loaded=1)
    busy = backend.answer("a", HELLO)
    next(busy)
    list(backend.answer("b", HELLO))
    list(backend.answer("c", HELLO))
    assert "a" not in recorder.closed
    busy.close()
    assert recorder.closed == ["b", "a"]
    assert backend.is_loaded("c")


def test_a_model_is_loaded_once_however_many_wait(recorder: Recorder) -> None:
    backend = Backend(menu_of("a"))
    recorder.opening.clear()
    told: list[Progress] = []
    waiting = [threading.Thread(target=lambda: told.extend(backend.load("a"))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    while not told:
        time.sleep(0.005)
    recorder.opening.set()
    for thread in waiting:
        thread.join(5)
    assert recorder.opened == ["a"]
    assert list(backend.load("a")) == []


def test_a_reader_who_stops_waiting_does_not_stop_the_loading(recorder: Recorder) -> None:
    backend = Backend(menu_of("a"))
    recorder.opening.clear()
    reader = backend.load("a")
    assert next(reader) == Progress("loading", 0, 2, "steps")
    reader.close()
    recorder.opening.set()
    list(backend.load("a"))
    assert backend.is_loaded("a")
    assert recorder.opened == ["a"]


def test_a_bug_while_loading_keeps_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(backend_module, "open_engine", fail)
    backend = Backend(menu_of("a"))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            list(backend.load("a"))


def test_the_engines_own_control_tokens_are_defused(recorder: Recorder) -> None:
    list(Backend(menu_of("a")).answer("a", HELLO))
    assert recorder.prompts[0].messages[-1].text == "hi < own>"


def test_closing_a_reply_closes_the_stream(recorder: Recorder) -> None:
    replies = Backend(menu_of("a")).answer("a", HELLO)
    next(replies)
    assert recorder.stopped == []
    replies.close()
    assert recorder.stopped == ["a"]


def test_an_answer_without_a_word_is_a_reply_too(recorder: Recorder) -> None:
    recorder.pieces["a"] = []
    (reply,) = Backend(menu_of("a")).answer("a", HELLO)
    assert (reply.raw, reply.text, reply.state) == ("", "", ReplyState.NONE)


def test_many_pieces_are_read_seldom_but_the_last_is(
    recorder: Recorder, picture: Image.Image
) -> None:
    recorder.pieces["a"] = ["A dog [0.10, 0.20, 0.30, 0.40], "] * 5_000
    started = time.monotonic()
    replies = list(Backend(menu_of("a")).answer("a", Request(Task.CHAT, "x", (picture,))))
    assert time.monotonic() - started < 15
    assert len(replies) < 500
    assert len(replies[-1].mentions) == 5_000


def test_a_model_is_unloaded_unless_it_is_answering(recorder: Recorder) -> None:
    backend = Backend(menu_of("ab"))
    backend.unload("a")  # not loaded: nothing to do
    replies = backend.answer("a", HELLO)
    next(replies)
    with pytest.raises(BusyModelError, match=r"a is answering.*Stop it"):
        backend.unload("a")
    assert backend.is_loaded("a")
    replies.close()
    list(backend.load("b"))
    backend.unload("a")
    assert recorder.closed == ["a"]
    assert [name for name in "ab" if backend.is_loaded(name)] == ["b"]
    list(backend.answer("a", HELLO))
    assert recorder.opened == ["a", "b", "a"]
    with pytest.raises(UnknownModelError):
        backend.unload("c")


def test_a_model_on_its_way_in_is_not_unloaded(recorder: Recorder) -> None:
    backend = Backend(menu_of("a"))
    recorder.opening.clear()
    reader = backend.load("a")
    next(reader)
    with pytest.raises(BusyModelError, match="being loaded"):
        backend.unload("a")
    recorder.opening.set()
    list(reader)
    backend.unload("a")
    assert recorder.closed == ["a"]


def test_free_memory_is_that_of_the_device_that_is_used() -> None:
    free = Backend(menu_of("a"), device="cpu").free_memory()
    assert free.gpu is None
    assert 10**8 < free.for_model == free.ram


def test_closing_the_backend_closes_its_models(recorder: Recorder) -> None:
    backend = Backend(menu_of("ab"))
    for model in "ab":
        list(backend.answer(model, HELLO))
    backend.close()
    assert recorder.closed == ["a", "b"]


def test_an_error_of_the_engine_passes_through_and_frees_the_model(recorder: Recorder) -> None:
    def broken(*_: object) -> Generator[TextChunk, None, None]:
        yield TextChunk("a")
        raise EngineError("gone")

    backend = Backend(menu_of("ab"), max_loaded=1)
    list(backend.load("a"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordingEngine, "stream", broken)
        with pytest.raises(EngineError, match="gone"):
            list(backend.answer("a", HELLO))
    list(backend.answer("b", HELLO))
    assert recorder.closed == ["a"]


def test_importing_the_backend_loads_no_heavy_library() -> None:
    script = (
        "import sys, vlm_demo.backend; "
        "print([m for m in ('torch', 'transformers', 'gradio', 'openai') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


TALK = "and so on "


def test_a_conversation_that_is_too_long_loses_its_beginning_and_says_so(
    tiny_llava15: Path, picture: Image.Image
) -> None:
    with closing(Backend([spec("tiny", "llava15", tiny_llava15)], device="cpu")) as backend:
        turns = [
            message
            for number in range(6)
            for message in (
                Message(
                    "user", f"{number} " + "and so on " * 300, (picture,) if not number else ()
                ),
                Message("assistant", "yes"),
            )
        ]
        short = Sampling(max_new_tokens=4)
        request = Request(Task.CHAT, "and now?", history=tuple(turns), sampling=short)
        *_, reply = backend.answer("tiny", request)
        assert reply.text
        assert "its first " in str(reply.note)
        assert "turn" in str(reply.note)
        *_, reply = backend.answer("tiny", replace(request, history=tuple(turns[:2])))
        assert not reply.note
        alone = Request(Task.CHAT, "絵🐱" * 3900, (picture,), sampling=short)
        with pytest.raises(TooLongError, match="tokens"):
            list(backend.answer("tiny", alone))


def test_a_conversation_of_many_short_turns_is_shortened_in_a_few_attempts(
    tiny_llava15: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []
    real = LocalEngine.stream

    def stream(engine: LocalEngine, prompt: Prompt, sampling: Sampling) -> Iterator[TextChunk]:
        attempts.append(len(prompt.messages))
        return real(engine, prompt, sampling)

    monkeypatch.setattr(LocalEngine, "stream", stream)
    history = tuple(
        message
        for _ in range(5000)
        for message in (Message("user", "a"), Message("assistant", "b"))
    )
    request = Request(
        Task.CHAT, "and now?", (picture,), history=history, sampling=Sampling(max_new_tokens=4)
    )
    with closing(Backend([spec("tiny", "llava15", tiny_llava15)], device="cpu")) as backend:
        *_, reply = backend.answer("tiny", request)
    assert reply.text
    assert len(attempts) < 30
    assert attempts[-1] > 100, "most of what fits is kept"
