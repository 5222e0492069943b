"""Requests that are answered together get the answers that each would get alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.engines import TinyEngine, drawing
from support.tiny_checkpoints import CHECKPOINTS

from vlm_demo.engines import CacheBudget
from vlm_demo.values import Message, Prompt, Sampling

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V and PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("name", sorted(CHECKPOINTS))
def test_conversations_side_by_side_get_what_generate_gives_alone(
    name: str, open_tiny: Callable[..., TinyEngine]
) -> None:
    """Three conversations of three turns at a time, with all that is kept between requests."""
    model = open_tiny(name)
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
        assert tokens == model.tokens_alone(prompt, sampling)[: len(tokens)]
        assert tokens
    usage = model.engine.usage()
    assert usage.reused_tokens > usage.prompt_tokens / 5 or usage.reused_images == 6


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
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, room=st.sampled_from([0, 200_000, 2 << 30]))
def test_what_is_kept_never_changes_an_answer(
    name: str, moves: list[tuple[int, str, str]], room: int, tiny: Callable[[str], TinyEngine]
) -> None:
    """Interleaved conversations, two about one picture, with retries, edits and undone turns."""
    model = tiny(name)
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
        assert tokens == model.tokens_alone(prompt, sampling)
        said = model.engine._encoder.tokenizer.decode(tokens, skip_special_tokens=True)
        talk.turns.append((text, said))
        assert model.engine.usage().cached_bytes <= room


def test_one_budget_for_several_models(open_tiny: Callable[..., TinyEngine]) -> None:
    budget = CacheBudget(1 << 30)
    first, second = open_tiny("llava", cache=budget), open_tiny("llava", cache=budget)
    first.tokens(first.prompt(), Sampling(max_new_tokens=3))
    before = budget.size
    assert before == first.engine.usage().cached_bytes > 0
    budget.limit = before + 1000
    second.tokens(second.prompt(), Sampling(max_new_tokens=3))
    assert 0 < budget.size <= budget.limit
    assert first.engine.usage().cached_bytes == 0, "the older one had to go"
    assert second.engine.usage().cached_bytes == budget.size
