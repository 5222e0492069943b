"""One reply about several things, from one prompt or from one for each of them."""

import threading
import time
from collections.abc import Generator
from contextlib import closing

import pytest
from PIL import Image

from vlm_demo import backend as backend_module
from vlm_demo.answering.target_replies import assign_targets, merge_replies
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import LoadOptions, OnProgress, Serving
from vlm_demo.errors import EngineError, TooManyTargetsError
from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Prompt,
    Reply,
    ReplyState,
    Request,
    Sampling,
    Task,
    TextChunk,
    Timing,
)

FOUND, NONE, UNREADABLE = ReplyState.FOUND, ReplyState.NONE, ReplyState.UNREADABLE
BOX, OTHER = Box(0.1, 0.2, 0.3, 0.4), Box(0.5, 0.5, 0.9, 0.9)


class SeveralAtOnce:
    """An engine that answers by the last word of the question, and counts who is answered."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.questions: list[str] = []
        self.running = self.most = 0
        self.together = threading.Barrier(1)
        self.lock = threading.Lock()

    def open(self, options: LoadOptions, serving: Serving, progress: OnProgress) -> "SeveralAtOnce":
        return self

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        question = prompt.messages[-1].text
        with self.lock:
            self.questions.append(question)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            self.together.wait(5)
            for word in self.answers[question.split()[-1]].split(" "):
                if word == "FAIL":
                    raise EngineError("The model failed.")
                time.sleep(0.002)
                yield TextChunk(f"{word} ", logprobs=(-0.1,))
        finally:
            with self.lock:
                self.running -= 1

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SeveralAtOnce:
    engine = SeveralAtOnce()
    monkeypatch.setattr(backend_module, "open_engine", engine.open)
    return engine


@pytest.fixture
def backend(engine: SeveralAtOnce) -> Backend:
    families = ("llava15", "qwen3_vl")
    menu = [ModelSpec(name=family, family=family, checkpoint=family) for family in families]
    return Backend(menu, serving=Serving(batch=3))


def search(text: str) -> Request:
    return Request(Task.GROUNDING, text, (Image.new("RGB", (100, 100)),))


def test_each_thing_is_asked_for_and_has_a_result(engine: SeveralAtOnce, backend: Backend) -> None:
    engine.answers = {
        "cat": "[0.10, 0.20, 0.30, 0.40] and [0.50, 0.50, 0.90, 0.90]",
        "zebra": "There is no zebra.",
        "dog": "A dog [0.1, 0.2, 0.9",
        "bird": "A bird [0.50, 0.50, 0.90, 0.90].",
    }
    engine.together = threading.Barrier(2)

    *growing, reply = backend.answer("llava15", search("cat, zebra; dog\nbird"))

    assert sorted(question.split()[-1] for question in engine.questions) == sorted(engine.answers)
    assert 2 <= engine.most <= 3
    assert [(one.name, one.state) for one in reply.targets] == [
        ("cat", FOUND),
        ("zebra", NONE),
        ("dog", UNREADABLE),
        ("bird", FOUND),
    ]
    assert [reply.count_regions(name) for name in engine.answers] == [2, 0, 0, 1]
    assert [one.raw.strip() for one in reply.targets] == list(engine.answers.values())
    assert reply.state is ReplyState.PARTLY_UNREADABLE  # the dog's box is cut off
    for mention in reply.mentions:
        start, end = mention.span
        assert mention.phrase.casefold().endswith(mention.target)
        assert not end or reply.text[start:end] == mention.phrase
    assert all(reply.raw[slice(*place.span)].startswith("0.") for place in reply.parsed_places)
    assert all(mention.confidence for mention in reply.mentions)
    assert growing
    assert reply.timing is not None
    assert reply.timing.tokens == sum(len(answer.split()) for answer in engine.answers.values())


def test_one_prompt_names_all_things_where_that_is_documented(
    engine: SeveralAtOnce, backend: Backend
) -> None:
    engine.answers["format."] = (
        '[{"bbox_2d": [100, 200, 300, 400], "label": "cats"}, '
        '{"bbox_2d": [500, 500, 900, 900], "label": "black cat"}]'
    )

    *_, reply = backend.answer("qwen3_vl", search("cat, dog"))

    (question,) = engine.questions
    assert "categories: 'cat, dog'" in question
    assert [(one.name, one.state, one.raw) for one in reply.targets] == [
        ("cat", FOUND, ""),
        ("dog", NONE, ""),
    ]
    assert reply.count_regions("cat") == 2


def test_one_thing_has_no_list_of_results(engine: SeveralAtOnce, backend: Backend) -> None:
    engine.answers["cat"] = "[0.10, 0.20, 0.30, 0.40]"
    for words in ("cat", " cat,", "'cat'", 'the "cat"'):
        *_, reply = backend.answer("llava15", search(words))
        assert reply.targets == ()
        assert [(one.phrase, one.target) for one in reply.mentions] == [("cat", "")]
    assert len(set(engine.questions)) == 1


def test_a_comma_in_quotation_marks_separates_nothing(
    engine: SeveralAtOnce, backend: Backend
) -> None:
    engine.answers = {"dog": "[0.10, 0.20, 0.30, 0.40]", "cat": "None."}
    *_, reply = backend.answer("llava15", search('"big, red dog", cat'))
    assert [one.name for one in reply.targets] == ["big, red dog", "cat"]
    assert any(question.endswith(": big, red dog") for question in engine.questions)


def test_closing_stops_all_and_begins_no_more(engine: SeveralAtOnce, backend: Backend) -> None:
    engine.answers = {str(number): "word " * 5_000 for number in range(10)}
    with closing(backend.answer("llava15", search(", ".join(engine.answers)))) as replies:
        next(replies)
    deadline = time.monotonic() + 5
    while engine.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.running == 0
    assert len(engine.questions) <= 3


def test_a_failure_ends_the_answer_and_stops_the_others(
    engine: SeveralAtOnce, backend: Backend
) -> None:
    engine.answers = {"cat": "word " * 5_000, "dog": "word FAIL"}
    with pytest.raises(EngineError, match="The model failed"):
        list(backend.answer("llava15", search("cat, dog")))
    deadline = time.monotonic() + 5
    while engine.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.running == 0


def test_too_many_things_are_refused_before_any_model_is_asked(
    engine: SeveralAtOnce, backend: Backend
) -> None:
    with pytest.raises(TooManyTargetsError):
        list(backend.answer("llava15", search(", ".join(map(str, range(21))))))
    assert not engine.questions


def test_other_names_leave_open_whether_a_thing_is_there() -> None:
    mentions = (Mention("cat", (0, 3), (BOX,)), Mention("puppy", (5, 10), (OTHER,)))
    reply = assign_targets(Reply("...", "cat, puppy", mentions, FOUND), ("cat", "dog"))
    assert [(one.name, one.state) for one in reply.targets] == [("cat", FOUND), ("dog", UNREADABLE)]
    assert [mention.target for mention in reply.mentions] == ["cat", ""]


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((NONE, NONE), NONE),
        ((NONE, FOUND), FOUND),
        ((UNREADABLE, FOUND), ReplyState.PARTLY_UNREADABLE),
        ((NONE, ReplyState.PARTLY_UNREADABLE), ReplyState.PARTLY_UNREADABLE),
        ((NONE, UNREADABLE), UNREADABLE),
        ((UNREADABLE, ReplyState.SPACE_UNKNOWN), ReplyState.SPACE_UNKNOWN),
    ],
)
def test_the_whole_is_found_where_anything_is(
    states: tuple[ReplyState, ReplyState], whole: ReplyState
) -> None:
    merged = merge_replies("ab", [Reply("", "", state=state) for state in states])
    assert merged.state is whole


def test_what_cannot_be_read_leaves_open_whether_a_thing_is_there() -> None:
    mentions = (Mention("cat", (0, 3), (BOX,)),)
    damaged = Reply("...", "cat", mentions, ReplyState.PARTLY_UNREADABLE)
    assert [one.state for one in assign_targets(damaged, ("cat", "dog")).targets] == [
        FOUND,
        UNREADABLE,
    ]


def test_replies_are_merged_in_the_order_of_the_things() -> None:
    place = ParsedPlace((2, 5), (1.0,), BOX)
    first = Reply("a [1]", "a", (Mention("a", (0, 1), (BOX,)),), FOUND, "thought", (place,))
    third = Reply("c [1]", "c c", (Mention("c", (2, 3), (BOX,)),), FOUND, "", (place,), "note")
    merged = merge_replies("abc", [first, None, third])
    assert (merged.raw, merged.text) == ("a [1]\n\nc [1]", "a\nc c")
    assert [mention.span for mention in merged.mentions] == [(0, 1), (4, 5)]
    assert [merged.raw[slice(*one.span)] for one in merged.parsed_places] == ["[1]", "[1]"]
    assert (merged.reasoning, merged.note, merged.timing) == ("thought", "note", None)


def test_the_queue_position_is_that_of_the_first_to_be_answered() -> None:
    waiting = [Reply("", "", queue_position=3), None, Reply("", "", queue_position=4)]
    assert merge_replies("abc", waiting).queue_position == 3
    begun = [Reply("x", "x", timing=Timing(1.0, 2.0, 3)), *waiting[1:]]
    assert merge_replies("abc", begun).queue_position == 0
