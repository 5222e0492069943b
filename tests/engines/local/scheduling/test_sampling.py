"""How tokens are drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from PIL import Image
from support.engines import TinyEngine, ask, write

from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.sampling import TokenSampler
from vlm_demo.values import Sampling


def test_a_seed_repeats_the_answer_and_disturbs_nobody(
    llava: LocalEngine, picture: Image.Image
) -> None:
    asked = ask("llava15", picture)
    drawn = [
        write(llava, asked, Sampling(max_new_tokens=12, temperature=2.0, seed=seed))
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    write(llava, asked, Sampling(max_new_tokens=5, temperature=1.0))
    assert torch.equal(torch.rand(3), expected)


def test_greedy_is_the_limit_of_narrow_sampling(llava: LocalEngine, picture: Image.Image) -> None:
    asked = ask("llava15", picture)
    greedy = write(llava, asked)
    narrow = [
        Sampling(max_new_tokens=12, temperature=3.0, top_k=1),
        Sampling(max_new_tokens=12, temperature=3.0, top_p=1e-6),
        Sampling(max_new_tokens=12, temperature=1e-3),
    ]
    assert [write(llava, asked, sampling) for sampling in narrow] == [greedy] * 3


def test_the_checkpoints_own_repetition_penalty_gives_way(
    kosmos: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask("kosmos2", picture)
    plain = write(kosmos, asked)
    monkeypatch.setattr(kosmos._model.generation_config, "repetition_penalty", 5.0)
    assert write(kosmos, asked) == plain


def test_repetition_penalty_changes_a_repeating_answer(
    kosmos: LocalEngine, picture: Image.Image
) -> None:
    asked = ask("kosmos2", picture)
    plain = write(kosmos, asked)
    assert write(kosmos, asked, Sampling(max_new_tokens=12, repetition_penalty=5.0)) != plain


def test_requests_keep_their_own_way_of_drawing_tokens(model: TinyEngine) -> None:
    ways = [
        Sampling(max_new_tokens=12, temperature=1.5, seed=3),
        Sampling(max_new_tokens=12, temperature=0.8, top_p=0.7, seed=3),
        Sampling(max_new_tokens=12, temperature=2.0, top_k=4, seed=9),
        Sampling(max_new_tokens=12, repetition_penalty=1.8),
    ]
    alone = [model.tokens(model.prompt(), way) for way in ways]
    with ThreadPoolExecutor(len(ways)) as readers:
        together = list(readers.map(lambda way: model.tokens(model.prompt(), way), ways))
    assert together == alone
    assert len({tuple(tokens) for tokens in alone}) == len(ways)
    assert alone[3] == model.tokens_alone(model.prompt(), ways[3])


def test_chance_draws_as_torch_does() -> None:
    for seed in range(50):
        logits = torch.randn(1, 500, generator=torch.Generator().manual_seed(seed))
        drawn = TokenSampler(Sampling(temperature=0.7, seed=seed), torch.device("cpu"))(
            logits, logits
        )
        expected = torch.multinomial(
            (logits / 0.7).softmax(-1), 1, generator=torch.Generator().manual_seed(seed)
        )
        assert drawn.argmax(-1).item() == expected.item()
