"""Many requests at a time on one model: the same answers, fair turns, and nothing left behind."""

import gc
import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.engines import CacheBudget, FreeMemory, Serving
from vlm_demo.engines.local.decoding.constraints import ForcedTokens
from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.sampling import Processors
from vlm_demo.errors import AnswerTimeoutError, EngineError, OutOfMemoryError, QueueFullError
from vlm_demo.families import get_family
from vlm_demo.prompting.family import Family
from vlm_demo.values import Message, Prompt, Request, Sampling, Task, TextChunk

LONG = Sampling(max_new_tokens=3900)
COLOURS = ("red", "blue", "green")

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V and PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def drawing(number: int) -> Image.Image:
    image = Image.new("RGB", (96 + 16 * number, 64), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill=COLOURS[number % 3])
    return image


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = save(CHECKPOINTS[name], tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@dataclass
class Asked:
    """An engine, and how its family asks it."""

    engine: LocalEngine
    family: Family

    def prompt(
        self, text: str = "what is it?", picture: int | None = 0, history: tuple[Message, ...] = ()
    ) -> Prompt:
        tasks = (Task.CHAT, Task.VQA, Task.CAPTION, Task.DETECT)
        task = next(task for task in tasks if task in self.family.instructions)
        images = () if picture is None else (drawing(picture),)
        words = "" if task is Task.CAPTION else text
        return self.family.prompt(Request(task, words, images, history=history))

    def tokens(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        """The tokens of an answer, through the engine's queue."""
        encoded = self.engine._encoder.encode(prompt)
        job = self.engine._job(encoded, self.engine._free(prompt, encoded), sampling)
        self.engine._worker.submit(job, always=True)
        for _ in job.pieces():
            pass
        return job.written

    def alone(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        """What the model's own `generate` makes of it, with nothing kept from before."""
        encoder, model = self.engine._encoder, self.engine._model
        encoded = encoder.encode(prompt)
        rules = Processors(
            model, encoder.tokenizer, encoder.picture_tokens, self.engine._end_tokens
        )
        with torch.inference_mode():
            ids = model.generate(
                **encoded.inputs,
                generation_config=rules.settings(sampling, sampling.max_new_tokens),
            )[0].tolist()
        return ids[1:] if encoder.reads_apart else ids[len(encoded.ids) :]


@pytest.fixture(scope="module")
def asked(folders: Callable[[str], Path]) -> Iterator[Callable[..., Asked]]:
    opened: list[LocalEngine] = []

    def ask(name: str, **serving: Any) -> Asked:
        engine = LocalEngine.load(str(folders(name)), device="cpu", serving=Serving(**serving))
        opened.append(engine)
        return Asked(engine, get_family(CHECKPOINTS[name].family))

    yield ask
    for engine in opened:
        engine.close()


@pytest.fixture(scope="module")
def llava(asked: Callable[..., Asked]) -> Asked:
    return asked("llava", batch=4, waiting=3)


def until(condition: Callable[[], bool]) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 30, "it never came to be"
        time.sleep(0.005)


def idle(engine: LocalEngine) -> bool:
    usage = engine.usage()
    return not usage.answering and not usage.waiting


# The same answers


@pytest.mark.parametrize("name", sorted(CHECKPOINTS))
def test_conversations_side_by_side_get_what_generate_gives_alone(
    name: str, asked: Callable[..., Asked]
) -> None:
    """Three conversations of three turns at a time, with all that is kept between requests."""
    model = asked(name)
    answers: list[tuple[Prompt, Sampling, list[int]]] = []

    def converse(number: int) -> None:
        history: tuple[Message, ...] = ()
        for turn in range(3):
            text = f"what is it?{' and again' * ((number + turn) % 3)}"
            prompt = model.prompt(text, None if history else number, history)
            sampling = Sampling(max_new_tokens=5 + 3 * number)
            tokens = model.tokens(prompt, sampling)
            answers.append((prompt, sampling, tokens))
            if model.family.limits.history == "full":
                said = model.engine._encoder.tokenizer.decode(tokens, skip_special_tokens=True)
                asked = Message("user", text, () if history else (drawing(number),))
                history = (*history, asked, Message("assistant", said))

    with ThreadPoolExecutor(3) as readers:
        list(readers.map(converse, range(3)))
    assert len(answers) == 9
    for prompt, sampling, tokens in answers:
        assert tokens == model.alone(prompt, sampling)[: len(tokens)]
        assert tokens
    usage = model.engine.usage()
    assert usage.reused_tokens > usage.prompt_tokens / 5 or usage.reused_pictures == 6


@dataclass
class Talk:
    """A conversation that is being had, as the page keeps it."""

    picture: int
    turns: list[tuple[str, str]] = field(default_factory=list)

    @property
    def history(self) -> tuple[Message, ...]:
        messages: list[Message] = []
        for text, answer in self.turns:
            images = () if messages else (drawing(self.picture),)
            messages += [Message("user", text, images), Message("assistant", answer)]
        return tuple(messages)


MOVES = st.lists(
    st.tuples(
        st.integers(0, 2),  # which conversation
        st.sampled_from(["ask", "ask", "ask", "retry", "edit", "undo"]),
        st.sampled_from(["what is it?", "and where?", "why is that so?"]),
    ),
    min_size=4,
    max_size=9,
)


@pytest.mark.parametrize("name", ["qwen2_vl", "gemma3", "llava"])
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES, room=st.sampled_from([0, 200_000, 2 << 30]))
def test_what_is_kept_never_changes_an_answer(
    name: str, moves: list[tuple[int, str, str]], room: int, shared: Callable[[str], Asked]
) -> None:
    """Interleaved conversations, two about one picture, with retries, edits and undone turns."""
    model = shared(name)
    model.engine._budget.clear()
    model.engine._budget.limit = room
    talks = [Talk(0), Talk(1), Talk(0)]
    for which, move, text in moves:
        talk = talks[which]
        if move != "ask" and talk.turns:
            undone, _ = talk.turns.pop()
            if move == "undo":
                continue
            text = undone if move == "retry" else text
        prompt = model.prompt(text, None if talk.turns else talk.picture, talk.history)
        sampling = Sampling(max_new_tokens=4)
        tokens = model.tokens(prompt, sampling)
        assert tokens == model.alone(prompt, sampling)
        said = model.engine._encoder.tokenizer.decode(tokens, skip_special_tokens=True)
        talk.turns.append((text, said))
        assert model.engine.usage().cached_bytes <= room


@pytest.fixture(scope="module")
def shared(asked: Callable[..., Asked]) -> Callable[[str], Asked]:
    made: dict[str, Asked] = {}

    def get(name: str) -> Asked:
        if name not in made:
            made[name] = asked(name, cache=CacheBudget(1 << 30))
        return made[name]

    return get


def test_requests_keep_their_own_way_of_drawing_tokens(llava: Asked) -> None:
    ways = [
        Sampling(max_new_tokens=12, temperature=1.5, seed=3),
        Sampling(max_new_tokens=12, temperature=0.8, top_p=0.7, seed=3),
        Sampling(max_new_tokens=12, temperature=2.0, top_k=4, seed=9),
        Sampling(max_new_tokens=12, repetition_penalty=1.8),
    ]
    alone = [llava.tokens(llava.prompt(), way) for way in ways]
    with ThreadPoolExecutor(len(ways)) as readers:
        together = list(readers.map(lambda way: llava.tokens(llava.prompt(), way), ways))
    assert together == alone
    assert len({tuple(tokens) for tokens in alone}) == len(ways)
    assert alone[3] == llava.alone(llava.prompt(), ways[3])


def test_one_budget_for_several_models(asked: Callable[..., Asked]) -> None:
    budget = CacheBudget(1 << 30)
    first, second = asked("llava", cache=budget), asked("llava", cache=budget)
    first.tokens(first.prompt(), Sampling(max_new_tokens=3))
    before = budget.size
    assert before == first.engine.usage().cached_bytes > 0
    budget.limit = before + 1000
    second.tokens(second.prompt(), Sampling(max_new_tokens=3))
    assert 0 < budget.size <= budget.limit
    assert first.engine.usage().cached_bytes == 0, "the older one had to go"
    assert second.engine.usage().cached_bytes == budget.size


# Scores


def test_scores_are_the_log_probabilities_of_whole_answers(llava: Asked) -> None:
    choices = ("red", "red car", "yes")
    prompt = replace(llava.prompt(), choices=choices)
    encoded = llava.engine._encoder.encode(prompt)
    model, end = llava.engine._model, llava.engine._end_token()
    wanted = []
    for choice in choices:
        answer = [*llava.engine._encoder.continuation(encoded.text, choice), end]
        ids = torch.tensor([[*encoded.ids, *answer]])
        with torch.no_grad():
            logits = model(input_ids=ids, pixel_values=encoded.inputs["pixel_values"]).logits[0]
        logits[:, llava.engine._encoder.picture_tokens] = -torch.inf
        steps = logits[len(encoded.ids) - 1 : -1].log_softmax(-1)
        wanted.append(sum(step[token].item() for step, token in zip(steps, answer, strict=True)))
    assert llava.engine.score(prompt, choices) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("name", ["kosmos2", "paligemma", "florence2", "blip_2_opt"])
def test_a_single_token_more_makes_an_answer_less_likely(
    name: str, asked: Callable[..., Asked]
) -> None:
    """Also for models that take turns: the score of a text and its end, and of a longer one."""
    model = asked(name)
    short, long = model.engine.score(model.prompt(), ("a", "a photo of a cat on a red sofa"))
    assert long < short < 0


def test_pieces_say_how_sure_the_model_was(llava: Asked) -> None:
    tokens = llava.engine._encoder.tokenizer.encode("a red sofa near", add_special_tokens=False)
    end = llava.engine._end_token()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Processors, "own", lambda *_: [ForcedTokens([*tokens, end])])
        pieces = list(llava.engine.stream(llava.prompt(), Sampling(max_new_tokens=9)))
    assert "".join(pieces).strip() == "a red sofa near"
    logprobs = [logprob for piece in pieces for logprob in piece.logprobs]
    assert len(logprobs) == len(tokens)
    (score,) = llava.engine.score(llava.prompt(), ("a red sofa near",))
    assert sum(logprobs) > score, "all but the end of the answer"


# Cancelling


def test_a_reader_who_goes_leaves_the_batch_and_nobody_else_notices(llava: Asked) -> None:
    stays = llava.prompt("what colour is it?", 1)
    alone = llava.tokens(stays, Sampling(max_new_tokens=40))
    goes = llava.engine.stream(llava.prompt(), LONG)
    begun = next(goes)
    with ThreadPoolExecutor(1) as reader:
        together = reader.submit(llava.tokens, stays, Sampling(max_new_tokens=40))
        until(lambda: llava.engine.usage().answering == 2)
        goes.close()
        assert together.result() == alone
    assert begun
    until(lambda: idle(llava.engine))


def test_at_most_one_step_is_computed_after_a_stop(llava: Asked) -> None:
    pieces = llava.engine.stream(llava.prompt(), LONG)
    for _ in range(3):
        next(pieces)
    pieces.close()
    stopped_at = llava.engine.usage().steps
    until(lambda: idle(llava.engine))
    assert llava.engine.usage().steps <= stopped_at + 1


@pytest.mark.parametrize("name", ["llava", "paligemma"])
def test_nothing_is_left_of_cancelled_requests(name: str, asked: Callable[..., Asked]) -> None:
    model = asked(name, cache=CacheBudget(0), waiting=400)
    prompts = [model.prompt("what is it?", number) for number in range(3)]

    def give_up(number: int) -> None:
        pieces = model.engine.stream(prompts[number % 3], replace(LONG, max_new_tokens=300))
        if number % 4:
            next(pieces)
        pieces.close()

    def ask_and_go(count: int) -> None:
        with ThreadPoolExecutor(8) as readers:
            list(readers.map(give_up, range(count)))
        until(lambda: idle(model.engine))
        gc.collect()

    ask_and_go(20)
    process = psutil.Process()
    threads, files = threading.active_count(), process.num_fds()
    before = tensors()
    ask_and_go(200)
    assert threading.active_count() <= threads
    assert process.num_fds() <= files
    assert tensors() <= before + 5, "tensors of requests that are over"


def tensors() -> int:
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_fifty_chats_of_which_a_third_goes(asked: Callable[..., Asked]) -> None:
    model = asked("qwen2_vl", batch=8, waiting=50)
    prompts = [model.prompt(f"what is {number}?", number % 3) for number in range(50)]
    sampling = Sampling(max_new_tokens=12)

    def chat(number: int) -> str | None:
        pieces = model.engine.stream(prompts[number], sampling)
        if number % 3 == 0:
            for _ in itertools.islice(pieces, number % 5):
                pass
            pieces.close()
            return None
        return "".join(pieces)

    with ThreadPoolExecutor(50) as readers:
        answers = list(readers.map(chat, range(50)))
    for number, answer in enumerate(answers):
        if answer is not None:
            tokens = model.alone(prompts[number], sampling)
            assert answer == text_of(model, prompts[number], tokens)


def text_of(model: Asked, prompt: Prompt, tokens: list[int]) -> str:
    answer = model.engine._free(prompt, model.engine._encoder.encode(prompt))
    end = model.engine._end_tokens
    pieces = [answer.take(token, 0.0, ends=token in end) for token in tokens]
    return "".join([*pieces, answer.rest()])


# Limits


def test_a_full_queue_refuses_and_those_who_wait_know_their_place(llava: Asked) -> None:
    running = [llava.engine.stream(llava.prompt(), LONG) for _ in range(4)]
    for pieces in running:
        assert next(pieces).ahead == 0
    waiting = [llava.engine.stream(llava.prompt(), Sampling(max_new_tokens=3)) for _ in range(3)]
    assert [next(pieces).ahead for pieces in waiting] == [1, 2, 3]
    with pytest.raises(QueueFullError, match="number 4 in the queue"):
        next(llava.engine.stream(llava.prompt(), LONG))
    waiting[0].close()
    until(lambda: llava.engine.usage().waiting == 2)
    running[0].close()
    assert "".join(waiting[1]) and "".join(waiting[2])
    for pieces in running[1:]:
        pieces.close()
    until(lambda: idle(llava.engine))


def test_an_answer_that_takes_too_long_ends_and_its_text_stays(asked: Callable[..., Asked]) -> None:
    model = asked("llava", timeout_s=0.5)
    pieces: list[TextChunk] = []
    with pytest.raises(AnswerTimeoutError, match="longer than"):
        for piece in model.engine.stream(model.prompt(), LONG):
            pieces.append(piece)
    assert pieces
    until(lambda: idle(model.engine))
    assert model.tokens(model.prompt(), Sampling(max_new_tokens=2))


def test_a_model_that_never_comes_back_does_not_hold_its_readers(
    asked: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlm_demo.engines.local.scheduling.jobs.GRACE_S", 0.1)
    model = asked("llava", timeout_s=0.2)
    released = threading.Event()
    forward = model.engine._model.forward

    def stuck(**inputs: Any) -> Any:
        released.wait(60)
        return forward(**inputs)

    monkeypatch.setattr(model.engine._model, "forward", stuck)
    try:
        with pytest.raises(AnswerTimeoutError):
            list(model.engine.stream(model.prompt(), LONG))
    finally:
        released.set()


# Faults


@pytest.fixture
def failing(llava: Asked, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, Any]], None]:
    """Make certain forward passes of the model fail, counted from now."""

    def fail(faults: dict[int, Any]) -> None:
        forward, calls = llava.engine._model.forward, itertools.count()

        def forwards(**inputs: Any) -> Any:
            fault = faults.get(next(calls))
            if isinstance(fault, Exception):
                raise fault
            output = forward(**inputs)
            if fault is not None:
                output.logits[fault] = torch.nan
            return output

        monkeypatch.setattr(llava.engine._model, "forward", forwards)

    return fail


TOO_MUCH = torch.OutOfMemoryError("CUDA out of memory")


def test_memory_that_runs_out_for_a_moment_is_found_again(
    llava: Asked, failing: Callable[[dict[int, Any]], None]
) -> None:
    alone = llava.tokens(llava.prompt(), Sampling(max_new_tokens=9))
    failing({0: TOO_MUCH, 3: TOO_MUCH})
    assert llava.tokens(llava.prompt(), Sampling(max_new_tokens=9)) == alone


def test_the_longest_request_gives_way_where_memory_runs_out(
    llava: Asked, failing: Callable[[dict[int, Any]], None]
) -> None:
    short = llava.prompt("what is it?", 1)
    alone = llava.tokens(short, Sampling(max_new_tokens=30))
    longer = llava.engine.stream(llava.prompt("what is it? " * 30), LONG)
    begun = next(longer)
    reader = ThreadPoolExecutor(1).submit(llava.tokens, short, Sampling(max_new_tokens=30))
    until(lambda: llava.engine.usage().answering == 2)
    failing({1: TOO_MUCH, 2: TOO_MUCH})
    with pytest.raises(OutOfMemoryError, match="smaller picture"):
        list(longer)
    assert begun
    assert reader.result(30) == alone


def test_memory_that_runs_out_as_a_request_joins_ends_that_one_alone(
    llava: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first token is written by then, and must not be written again."""
    prompt = llava.prompt("what is it?", 1)
    alone = llava.tokens(prompt, Sampling(max_new_tokens=60))

    join, calls = KvCache.join, itertools.count()

    def short_of_memory(self: KvCache, other: KvCache) -> None:
        if next(calls) == 0:
            raise TOO_MUCH
        join(self, other)

    with ThreadPoolExecutor(1) as reader:
        other = reader.submit(llava.tokens, prompt, Sampling(max_new_tokens=60))
        until(lambda: llava.engine.usage().answering == 1)
        monkeypatch.setattr(KvCache, "join", short_of_memory)
        with pytest.raises(OutOfMemoryError):
            list(llava.engine.stream(llava.prompt("and that?"), Sampling(max_new_tokens=5)))
        assert other.result(30) == alone


def test_memory_that_runs_out_as_a_request_leaves_ends_nobody(
    llava: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of what was computed for it cannot be kept; all else goes on."""
    prompt = llava.prompt("what is it?", 1)
    alone = llava.tokens(prompt, Sampling(max_new_tokens=60))

    def short_of_memory(*_: object) -> None:
        raise TOO_MUCH

    with ThreadPoolExecutor(1) as reader:
        other = reader.submit(llava.tokens, prompt, Sampling(max_new_tokens=60))
        until(lambda: llava.engine.usage().answering == 1)
        with monkeypatch.context() as patch:
            patch.setattr(KvCache, "copy_of", short_of_memory)
            assert llava.tokens(llava.prompt("and that?"), Sampling(max_new_tokens=5))
            assert other.result(30) == alone
    assert llava.tokens(prompt, Sampling(max_new_tokens=60)) == alone


def test_numbers_that_break_down_end_one_request(
    llava: Asked, failing: Callable[[dict[int, Any]], None]
) -> None:
    other = llava.engine.stream(llava.prompt("and what is that?", 1), LONG)
    next(other)
    broken = llava.engine.stream(llava.prompt(), LONG)
    next(broken)
    failing({1: 1})  # the second row of a step
    with pytest.raises(EngineError, match=r"NaN.*float32"):
        list(broken)
    assert next(other)
    other.close()


def test_a_failing_step_ends_its_requests_and_the_next_ones_work(
    llava: Asked, failing: Callable[[dict[int, Any]], None]
) -> None:
    failing({5: RuntimeError("boom")})
    with pytest.raises(EngineError, match="boom"):
        list(llava.engine.stream(llava.prompt(), LONG))
    assert llava.tokens(llava.prompt(), Sampling(max_new_tokens=3))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_takes_nobody_with_it(
    asked: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = asked("llava")

    def die(**_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(model.engine._model, "forward", die)
    with pytest.raises(EngineError, match="unloaded"):
        list(model.engine.stream(model.prompt(), LONG))
    model.engine._worker._thread.join(30)
    with pytest.raises(EngineError, match="unloaded"):
        list(model.engine.stream(model.prompt(), LONG))


def test_closing_frees_the_model(asked: Callable[..., Asked]) -> None:
    model = asked("llava")
    model.tokens(model.prompt(), Sampling(max_new_tokens=3))
    weights = weakref.ref(model.engine._model)
    model.engine.close()
    gc.collect()
    assert weights() is None


def test_a_request_that_would_not_fit_is_refused_before_anything_is_computed(
    llava: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vlm_demo.engines.local.engine.free_memory", lambda _: FreeMemory(ram=1_000_000)
    )
    llava.engine._budget.clear()
    begun = llava.engine.usage().requests
    with pytest.raises(OutOfMemoryError, match=r"at most .* new tokens"):
        list(llava.engine.stream(llava.prompt(), LONG))
    assert llava.engine.usage().requests == begun
    assert llava.tokens(llava.prompt(), Sampling(max_new_tokens=2))


@pytest.mark.parametrize("name", ["llava", "qwen2_vl"])
def test_pictures_are_made_ready_once(name: str, asked: Callable[..., Asked]) -> None:
    model = asked(name)
    texts = ("what is it?", "where is it?", "why?")
    first, *others = [
        model.engine._encoder.encode(model.prompt(text)).inputs["pixel_values"] for text in texts
    ]
    assert all(other is first for other in others)
    another = model.engine._encoder.encode(model.prompt(texts[0], 1)).inputs["pixel_values"]
    assert another is not first
