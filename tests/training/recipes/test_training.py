"""Training sees what serving sees, repeats itself exactly, and survives being broken off."""

import itertools
import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.engines import load_engine
from torch import Tensor, nn

from vlm_demo.catalog.menu import REPOSITORY
from vlm_demo.errors import SettingsError
from vlm_demo.families import get_family
from vlm_demo.scenes.dialogues import ENGLISH, converse
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.training.recipes import kosmos2, llava15, loop, packing, run, train, vision_tower
from vlm_demo.training.recipes.loop import Batch, Schedule, fit
from vlm_demo.values import Box, Message, Request, Sampling, Task

# torch.compile and the optimizer's first step warn about themselves.
pytestmark = pytest.mark.filterwarnings("ignore:::torch.*")

THOROUGH = pytest.mark.thorough  # the recipes share the loop and differ in what they build


@pytest.fixture(scope="module", params=[llava15, kosmos2], ids=["llava15", "kosmos2"])
def recipe(request: pytest.FixtureRequest) -> ModuleType:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, object]:
    return {module.NAME: module.build_tokenizer() for module in (llava15, kosmos2)}


def test_a_batch_follows_from_its_number(recipe: ModuleType, tokenizers: dict) -> None:
    batches = recipe.batches(tokenizers[recipe.NAME])
    first, again, next_one = batches(7), batches(7), batches(8)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["ids"], next_one["ids"])


def test_what_is_learnt_is_answers_and_their_end(recipe: ModuleType, tokenizers: dict) -> None:
    tokenizer = tokenizers[recipe.NAME]
    batch = recipe.batches(tokenizer)(0)
    learnt = batch["labels"][0]
    text = tokenizer.decode(learnt[learnt != packing.IGNORED_LABEL])
    assert text.count("</s>") >= 3
    assert "USER" not in text
    assert "Question" not in text
    assert "question" not in text


def test_conversations_are_packed_as_the_processor_writes_them(tokenizers: dict) -> None:
    """The tokens of training are those that the served model is given, answer for answer."""
    scene, family = draw_scene(3), get_family("llava15")
    tokenizer = tokenizers[llava15.NAME]
    processor = llava15.build_processor(tokenizer)
    maker = llava15.batches(tokenizer)
    exchanges = list(itertools.islice(converse(random.Random(1), scene, ENGLISH), 4))
    turns = maker.writer._turns(scene, iter(exchanges))
    packed = [*maker.prefix]
    history: tuple[Message, ...] = ()
    for exchange, turn in zip(exchanges, turns, strict=True):
        packed += turn.question
        images = () if history else (scene.image,)
        prompt = family.prompt(Request(exchange.task, exchange.text, images, history=history))
        text = maker.writer.render(prompt)
        pictures = [image for message in prompt.messages for image in message.images]
        served = processor(text=[text], images=pictures, return_tensors="pt")
        assert served["input_ids"][0].tolist() == packed
        packed += turn.answer
        answer = tokenizer.decode(turn.answer[:-1])
        history = (
            *history,
            Message("user", exchange.text, images),
            Message("assistant", answer),
        )


@pytest.mark.parametrize("task", [Task.VQA, Task.GROUNDING, Task.GROUNDED_CAPTION, Task.CAPTION])
def test_kosmos2_questions_are_packed_as_the_processor_writes_them(
    task: Task, tokenizers: dict
) -> None:
    scene, family = draw_scene(3), get_family("kosmos2")
    processor = kosmos2.build_processor()
    maker = kosmos2.batches(tokenizers[kosmos2.NAME])
    prompt = family.prompt(Request(task, "dog", (scene.image,)))
    text = maker.writer.render(prompt)
    served = processor(text=[text], images=[scene.image], return_tensors="pt")
    packed = maker.writer._encode([maker.writer.lead + text])[0]
    start = 1 + 1 + kosmos2.IMAGE_TOKENS + 1
    assert served["input_ids"][0, start:].tolist() == packed
    assert served["image_embeds_position_mask"][0].nonzero()[0].item() == kosmos2.IMAGE_START


def test_pictures_arrive_as_the_processor_delivers_them(
    recipe: ModuleType, tokenizers: dict
) -> None:
    scene = draw_scene(11, 400)
    if recipe is llava15:
        processor = llava15.build_processor(tokenizers[recipe.NAME])
        family = get_family("llava15")
    else:
        processor, family = kosmos2.build_processor(), get_family("kosmos2")
    picture = family.prepare_image(scene.image)
    served = processor.image_processor(picture, return_tensors="pt")["pixel_values"]
    trained = vision_tower.model_input(scene.image, padded=recipe is llava15)
    difference = served - vision_tower.normalize(torch.from_numpy(trained[None].copy()))
    assert difference.abs().max() < 0.02  # less than three of 255 grey levels


def test_dialogues_see_the_picture_and_themselves() -> None:
    segments = torch.tensor([[0, 0, 1, 1, 2, 2, -1]])
    seen = packing.attention_mask(segments)[0, 0] == 0
    assert seen[5].tolist() == [True, True, False, False, True, True, False]
    assert seen[3].tolist() == [True, True, True, True, False, False, False]


def test_packing_restarts_positions_and_labels_answers_only() -> None:
    turn = packing.TokenizedTurn([5, 6], [7, 8], is_word=True)
    packed = packing.pack([1, 2, 3], [[turn], [turn, turn]], 16, pad=0)
    assert packed["ids"].tolist() == [1, 2, 3, *[5, 6, 7, 8] * 3, 0]
    assert packed["positions"][3:7].tolist() == packed["positions"][7:11].tolist() == [3, 4, 5, 6]
    unused = packing.IGNORED_LABEL
    assert packed["labels"][3:7].tolist() == [unused, 7, 8, unused]
    assert packed["weights"][3:7].tolist() == [0, 2, 2, 0]


def test_a_place_is_five_tokens(tokenizers: dict) -> None:
    tokens = tokenizers[llava15.NAME].tokenize("[0.61, 0.36, 0.92, 0.83]")
    assert tokens == ["[0.61", ", 0.36", ", 0.92", ", 0.83", "]"]


def test_dense_targets_agree_with_the_truth() -> None:
    scene = next(s for s in map(draw_scene, range(50)) if len(s.objects) == 1)
    targets = vision_tower.dense_targets(scene, padded=True)
    (thing,) = scene.objects
    wanted = vision_tower.in_padded_square(thing.box, scene.image.size)
    covered = targets["kind"] != vision_tower._NOTHING
    x1, y1, x2, y2 = (targets["box"][covered].mean(0) + 0.5) / vision_tower.BINS
    assert Box(x1, y1, x2, y2).iou(wanted) > 0.8
    assert set(targets["kind"][covered]) == {vision_tower._KIND_ID[thing.kind.name]}


def test_the_rate_warms_up_and_decays() -> None:
    schedule = Schedule(steps=100, batch_size=1, warmup_steps=10, decay_share=0.5)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[30] == 1.0
    assert rates[75] == pytest.approx(0.5)
    assert min(rates) == pytest.approx(0.02, abs=0.011)


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(4, 4)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        loss = (self.inner(batch["x"]) - batch["y"]).square().mean()
        return loss, {"loss": loss.item()}


def line_batch(step: int) -> Batch:
    x = torch.from_numpy(np.random.default_rng(step).normal(size=(8, 4)).astype("float32"))
    return {"x": x, "y": 2 * x}


def test_a_run_that_is_broken_off_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    schedule = Schedule(steps=12, batch_size=8, warmup_steps=2)
    whole, broken, resumed = Line(), Line(), Line()
    fit(whole, line_batch, whole.loss, schedule, tmp_path / "a.pt", title="whole")
    seen = 0

    def dies(batch: Batch) -> tuple[Tensor, dict[str, float]]:
        nonlocal seen
        seen += 1
        if seen > 8:
            raise KeyboardInterrupt
        return broken.loss(batch)

    checkpoint = tmp_path / "b.pt"
    with pytest.raises(KeyboardInterrupt):
        fit(broken, line_batch, dies, schedule, checkpoint, title="broken", checkpoint_every=5)
    assert torch.load(checkpoint, weights_only=True)["step"] == 5
    fit(resumed, line_batch, resumed.loss, schedule, checkpoint, title="resumed")
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6), name


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    schedule = Schedule(steps=2, batch_size=8)
    model = Line()
    fit(model, line_batch, model.loss, schedule, tmp_path / "c.pt", title="once")

    def never(batch: Batch) -> tuple[Tensor, dict[str, float]]:
        raise AssertionError("trained again")

    fit(Line(), line_batch, never, schedule, tmp_path / "c.pt", title="twice")


@pytest.mark.parametrize(
    "recipe",
    [pytest.param(llava15, id="llava15"), pytest.param(kosmos2, id="kosmos2", marks=THOROUGH)],
)
def test_a_recipe_goes_from_nothing_to_a_model_that_answers(
    recipe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Schedule(steps=2, batch_size=2)
    monkeypatch.setattr(run, "RUNS", tmp_path)
    monkeypatch.setattr(vision_tower, "SCHEDULE", short)
    monkeypatch.setattr(recipe, "SCHEDULE", short)
    monkeypatch.setattr(loop, "compile_where_possible", lambda module: None)
    monkeypatch.setattr(recipe, "compile_where_possible", lambda module: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    folder = train(recipe.NAME)
    weights = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    shipped = REPOSITORY / "assets" / "models" / recipe.NAME / "model.safetensors"
    assert weights.keys() == load_file(shipped).keys()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 15e6
    engine = load_engine(folder)
    family, picture = get_family(recipe.FAMILY.name), draw_scene(0).image
    prompt = family.prompt(Request(Task.VQA, "What is this?", (picture,)))
    text = "".join(engine.stream(prompt, Sampling(max_new_tokens=4)))
    assert engine.inspect(prompt).tokens > 64
    assert isinstance(text, str)
    engine.close()


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="embedded-kosmos2"):
        train("embedded-llava16")
