"""How probable given answers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.engines import TinyEngine

from vlm_demo.engines.local.decoding.constraints import ForcedTokens
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory
from vlm_demo.values import Sampling

# transformers hands tensors to numpy in a way that numpy is giving up (PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_scores_are_the_log_probabilities_of_whole_answers(model: TinyEngine) -> None:
    choices = ("red", "red car", "yes")
    prompt = replace(model.prompt(), choices=choices)
    encoded = model.engine._encoder.encode(prompt)
    end = model.engine._end_token()
    wanted = []
    for choice in choices:
        answer = [*model.engine._encoder.answer_tokens(encoded.text, choice), end]
        ids = torch.tensor([[*encoded.ids, *answer]])
        with torch.no_grad():
            inputs = {"input_ids": ids, "pixel_values": encoded.inputs["pixel_values"]}
            logits = model.engine._model(**inputs).logits[0]
        logits[:, model.engine._encoder.image_token_ids] = -torch.inf
        steps = logits[len(encoded.ids) - 1 : -1].log_softmax(-1)
        wanted.append(sum(step[token].item() for step, token in zip(steps, answer, strict=True)))
    assert model.engine.score(prompt, choices) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("name", ["kosmos2", "paligemma", "florence2", "blip_2_opt"])
def test_a_single_token_more_makes_an_answer_less_likely(
    name: str, open_tiny: Callable[..., TinyEngine]
) -> None:
    """Also for models that take turns: the score of a text and its end, and of a longer one."""
    model = open_tiny(name)
    short, long = model.engine.score(model.prompt(), ("a", "a photo of a cat on a red sofa"))
    assert long < short < 0


def test_pieces_say_how_sure_the_model_was(model: TinyEngine) -> None:
    tokens = model.engine._encoder.tokenizer.encode("a red sofa near", add_special_tokens=False)
    end = model.engine._end_token()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LogitsProcessorFactory, "build_for_request", lambda *_: [ForcedTokens([*tokens, end])]
        )
        pieces = list(model.engine.stream(model.prompt(), Sampling(max_new_tokens=9)))
    assert "".join(pieces).strip() == "a red sofa near"
    logprobs = [logprob for piece in pieces for logprob in piece.logprobs]
    assert len(logprobs) == len(tokens)
    (score,) = model.engine.score(model.prompt(), ("a red sofa near",))
    assert sum(logprobs) > score, "all but the end of the answer"
