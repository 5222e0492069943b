"""What is said while an answer is waited for, what is offered if none comes, and settings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image
from support.scripted import MENU, ScriptedEngine

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.engines import FreeMemory, Progress
from vlm_demo.engines.detector.abilities import ABILITIES
from vlm_demo.engines.detector.vocabulary import Language
from vlm_demo.errors import (
    AnswerTimeoutError,
    ContextLengthError,
    ImageError,
    InputError,
    LoadError,
    MissingImageError,
    MissingTextError,
    OutOfMemoryError,
    QueueFullError,
    RequestTooLargeError,
    ServerError,
    TooLongError,
    UnsupportedTaskError,
)
from vlm_demo.families import get_family
from vlm_demo.prompting.stop_notes import STOP_NOTES
from vlm_demo.translatable_text import TranslatableText, text_from_json
from vlm_demo.ui.components.answer import larger_models
from vlm_demo.ui.components.answer.answer_stream import stream_answer
from vlm_demo.ui.components.answer.remedies import find_remedies, problem_value
from vlm_demo.ui.components.answer.view import answer_value, finish_value, waiting_value
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.settings.sampling_values import find_hints
from vlm_demo.ui.streaming import PATIENCE_S
from vlm_demo.values import (
    Box,
    Mention,
    Reply,
    Request,
    Sampling,
    StopReason,
    Task,
    TextChunk,
    Timing,
)

LOADING = Progress("loading", 3_100_000_000, 7_400_000_000, "bytes")


def said(words: TranslatableText) -> str:
    """What is read in English."""
    return words.template.format(**words.values)


# Waiting


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Waiting("big", loading=LOADING), "Loading big: 3.1 of 7.4 GB"),
        (
            Waiting("big", loading=Progress("fetching", 5, 10**6, "bytes")),
            "Downloading big: 0.0 of 1.0 MB",
        ),
        (Waiting("big", loading=Progress("loading", 1, 4, "shards")), "Loading big: 1 / 4"),
        (Waiting("big", loading=Progress("loading", 0, None, "steps")), "Loading big…"),
        (Waiting("big", queue_position=1), "One answer is ahead of yours"),
        (Waiting("big", queue_position=2, image_count=1), "2 answers are ahead of yours"),
        (Waiting("big", image_count=1), "Reading the image…"),
        (Waiting("big", image_count=2), "Reading the images…"),
        (Waiting("big"), "Reading the question…"),
    ],
)
def test_what_is_waited_for_is_said(state: Waiting, words: str) -> None:
    assert said(state.text) == words


def test_who_hears_the_page_is_not_told_every_megabyte() -> None:
    later = Progress("loading", 7_000_000_000, 7_400_000_000, "bytes")
    assert Waiting("big", loading=LOADING).stage == Waiting("big", loading=later).stage
    assert json.loads(waiting_value(Waiting("big", loading=later)))["waiting"]["share"] > 0.9


def test_an_answer_is_awaited_through_the_queue_to_its_end(
    backend: Backend, engine: ScriptedEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queued(*_: object) -> Iterator[TextChunk]:
        time.sleep(2 * PATIENCE_S)
        yield TextChunk(queue_position=2)
        yield TextChunk("It is red.", logprobs=(-0.1, -0.1))

    monkeypatch.setattr(engine, "stream", queued)
    monkeypatch.setattr(backend, "progress", lambda _: LOADING)
    request = Request(Task.CAPTION, images=(picture,))
    came = [new for new in stream_answer(backend, "scripted", request) if new is not None]
    states = [new for new in came if isinstance(new, Waiting)]
    assert states[0].loading == LOADING
    assert all(state.image_count == 1 for state in states)
    assert isinstance(came[-1], Reply)
    assert came[-1].text == "It is red."


def test_what_was_waited_for_is_gone_when_an_answer_is_stopped() -> None:
    left = json.loads(finish_value(waiting_value(Waiting("big"))))
    assert (left["busy"], left["waiting"]) == (False, None)
    assert json.loads(finish_value("[1]")) == {}
    assert not json.loads(finish_value("}"))["busy"]


# Pace and phrases


def test_the_pace_of_an_answer_is_told_in_numbers_for_people() -> None:
    def pace(*of: float, secret: bool = False) -> list[str]:
        reply = Reply("x", "x", timing=Timing(of[0], of[1], int(of[2])))
        value = json.loads(answer_value(reply, busy=False, secret=secret))
        return [str(text_from_json(fact)) for fact in value["pace"]]

    assert pace(0.3, 1.2, 18) == ["1.2 s", "first token 0.3 s", "18 tokens", "19 tokens/s"]
    assert pace(0.3, 125, 0) == ["2 min 5 s", "first token 0.3 s"]
    assert pace(0.04, 0.04, 1) == ["0.04 s", "first token 0.04 s", "1 token"]
    assert pace(0.3, 1.2, 18, secret=True) == []


def test_a_phrase_without_a_place_is_marked_as_such() -> None:
    mentions = (Mention("a cat", (0, 5), ()), Mention("a dog", (10, 15), (Box(0, 0, 1, 1),)))
    parts = json.loads(answer_value(Reply("", "a cat and a dog", mentions), busy=False))["parts"]
    assert parts[0] == {"text": "a cat", "placeless": True}
    assert parts[2]["mention"] == 1


# Remedies


@pytest.mark.parametrize(
    ("error", "labels"),
    [
        (MissingImageError("!"), ["Choose an image", "Try an example"]),
        (ImageError("!"), ["Choose an image"]),
        (MissingTextError("!"), ["Write something"]),
        (TooLongError("!"), ["Shorten the text"]),
        (ContextLengthError("!"), ["Halve the image", "Shorten the text"]),
        (RequestTooLargeError("!"), ["Halve the image", "Try again"]),
        (QueueFullError("!"), ["Try again"]),
        (ServerError("!"), ["Try again"]),
        (AnswerTimeoutError("!"), ["Try again"]),
        (RuntimeError("a bug"), ["Try again"]),
        (UnsupportedTaskError("!"), ["Ask scripted instead", "Ask far-away instead"]),
        (LoadError("!"), ["Try again", "Ask scripted instead", "Ask far-away instead"]),
        (
            OutOfMemoryError("!", formats=["4-bit"], alternative="scripted", new_tokens=1200),
            [
                "Load it in 4-bit",
                "Answer in at most 1,200 tokens",
                "Ask scripted instead",
                "Try again",
            ],
        ),
        (OutOfMemoryError("!", smaller_image=True), ["Halve the image", "Try again"]),
    ],
)
def test_every_error_comes_with_what_can_be_done(error: Exception, labels: list[str]) -> None:
    offered = find_remedies(error, Backend(MENU), "chat-only", Task.GROUNDING)
    assert [said(remedy.label) for remedy in offered] == labels


def test_models_that_are_loaded_are_offered_first(backend: Backend) -> None:
    menu = (*(spec for spec in MENU if spec.name != "scripted"), MENU[0])
    other = Backend(menu)
    first = find_remedies(LoadError("!"), other, "chat-only", Task.VQA)[1]
    assert first.choice == "far-away"
    other.close()
    list(backend.load("scripted"))
    assert find_remedies(LoadError("!"), backend, "chat-only", Task.VQA)[1].choice == "scripted"


@pytest.mark.parametrize(
    ("reachable", "free_gb", "labels"),
    [
        (True, 8, ["Get SmolVLM-256M-Instruct (0.5 GB)"]),
        (True, 0.01, []),  # it would not fit
        (False, 8, []),
    ],
)
def test_a_larger_model_is_offered_where_it_can_be_fetched(
    monkeypatch: pytest.MonkeyPatch, reachable: bool, free_gb: float, labels: list[str]
) -> None:
    names = ("embedded-photos", "embedded-llava15", "SmolVLM-Instruct", "SmolVLM-256M-Instruct")
    menu = [replace(find(default_menu(), name), revision="none") for name in names]
    backend = Backend(menu)
    free = FreeMemory(round(free_gb * 1e9), None)
    monkeypatch.setattr(backend, "free_memory", lambda: free)
    monkeypatch.setattr(larger_models, "is_hub_reachable", lambda: reachable)
    beyond = Reply("", ABILITIES[Language.ENGLISH], model="embedded-photos")

    offered = larger_models.offer_larger_model(backend, beyond, Task.CHAT)

    assert [said(remedy.label) for remedy in offered] == labels
    known = Reply("", "A cat.", model="embedded-photos")
    assert not larger_models.offer_larger_model(backend, known, Task.CHAT)


def test_a_larger_model_that_is_here_is_asked_instead() -> None:
    backend = Backend([find(default_menu(), "embedded-photos"), replace(MENU[0], engine="remote")])
    beyond = Reply("", ABILITIES[Language.ENGLISH], model="embedded-photos")

    (offered,) = larger_models.offer_larger_model(backend, beyond, Task.VQA)

    assert said(offered.label).startswith("Ask ")


def test_a_bug_is_not_shown_but_logged(caplog: pytest.LogCaptureFixture) -> None:
    value = json.loads(
        problem_value(RuntimeError("/secret/path"), Backend(MENU), "scripted", Task.VQA)
    )
    assert "secret" not in value["problem"]["words"]
    assert "/secret/path" in caplog.text


def test_what_was_written_before_an_error_stays() -> None:
    half = Reply("Half an", "Half an")
    value = problem_value(AnswerTimeoutError("Late."), Backend(MENU), "scripted", Task.VQA, half)
    assert json.loads(value)["parts"] == [{"text": "Half an"}]


def test_an_answer_that_is_stopped_or_cut_off_says_so() -> None:
    reply = Reply("Half an", "Half an", note="It was drawn in.")
    stopped = json.loads(finish_value(answer_value(reply, busy=True)))
    assert stopped["notes"] == ["It was drawn in.", STOP_NOTES[StopReason.CANCELLED]]
    assert "notes" not in json.loads(finish_value(waiting_value()))
    for stop, note in STOP_NOTES.items():
        value = answer_value(replace(reply, stop=stop), busy=False)
        assert json.loads(finish_value(value))["notes"] == ["It was drawn in.", note]
    finished = answer_value(replace(reply, stop=StopReason.FINISHED), busy=False)
    assert json.loads(finished)["notes"] == ["It was drawn in."]


# Settings


def test_settings_of_the_model_that_was_chosen_before_are_not_taken(backend: Backend) -> None:
    stale = ("chat-only", 1.4, 0.5, 64, 1.5, 7, "")
    mark = json.dumps({"model": "scripted", "changed": 5})
    own = get_family(backend.spec("chat-only").family).sampling
    assert RequestSettings.read(backend, *stale, mark).sampling == own
    assert (
        RequestSettings.read(backend, *stale, mark.replace("scripted", "chat-only")).sampling.seed
        == 7
    )
    for anything in (None, "}", "[]", '{"model": 3}'):
        assert RequestSettings.read(backend, *stale, anything).sampling.temperature == 1.4


def test_an_emptied_field_is_the_models_own(backend: Backend) -> None:
    own = get_family(backend.spec("scripted").family).sampling
    assert RequestSettings.read(backend, "scripted", None, None, None, None, None).sampling == own
    assert RequestSettings.read(backend, "scripted", None, None, None, None, " ").sampling == own


@pytest.mark.parametrize("seed", ["-1", "1.5", "red", "9" * 30])
def test_a_seed_that_is_none_is_refused(backend: Backend, seed: str) -> None:
    with pytest.raises(InputError, match="whole number"):
        RequestSettings.read(backend, "scripted", 0, 1, 64, 1, seed)


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(seed=3), "change nothing"),
        (Sampling(temperature=1.2), "wander off"),
        (Sampling(temperature=0.5, top_p=0.1), "most likely"),
        (Sampling(repetition_penalty=1.5), "numbers"),
        (Sampling(max_new_tokens=8), "after 8 tokens"),
    ],
)
def test_unusual_values_are_explained(sampling: Sampling, words: str) -> None:
    (hint,) = find_hints(sampling)
    assert words in said(hint)
    assert not list(find_hints(Sampling(temperature=0.7, top_p=0.9, seed=3)))
