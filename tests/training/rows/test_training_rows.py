"""Rows of a training step: what is learned is exactly the answer and its end, in every family."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from support.engines import TinyEngine, drawing, load_engine
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.engines.local.checkpoints.processors import number_tags
from vlm_demo.engines.local.decoding.text import Detokenizer
from vlm_demo.families import get_family
from vlm_demo.markup.written_answers import AnswerPhrase
from vlm_demo.training.data import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.rows import TrainingCollator, TrainingRow, write_rows
from vlm_demo.training.rows.collator import IGNORED
from vlm_demo.values import Box, Task

# transformers hands tensors to numpy in a way that numpy is giving up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BOX = Box(0.2, 0.15, 0.65, 0.8)
PICTURE = TrainingImage(drawing().resize((640, 427)))
SMALL = {"fuyu": TrainingImage(drawing().resize((80, 60)))}
"""A picture that the tiny processor leaves as it is, where numbers count pixels of that."""

POINTING_ONLY = {"molmo2"}
LEAST_IOU = {"kosmos2": 0.75}  # cells of a grid


@pytest.fixture(scope="module", params=CHECKPOINTS)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TinyEngine:
    recipe = CHECKPOINTS[request.param]
    engine = load_engine(save(recipe, tmp_path_factory.mktemp("tiny")))
    yield TinyEngine(engine, get_family(recipe.family))
    engine.close()


def talk(tiny: TinyEngine) -> TrainingExample:
    """Two turns where the family takes them."""
    image = SMALL.get(tiny.family.name, PICTURE)
    task = next(t for t in (Task.CHAT, Task.VQA, Task.CAPTION) if t in tiny.family.instructions)
    question = "" if task is Task.CAPTION else "what is it?"
    turns = [TrainingTurn(task, question, ("A red disc.",), (image,))]
    if tiny.family.keeps_history:
        turns.append(TrainingTurn(task, "and where?", ("In the middle.",)))
    return TrainingExample(tuple(turns), "a talk")


def search(tiny: TinyEngine) -> TrainingExample:
    answer = AnswerPhrase("red disc", (BOX,))
    image = SMALL.get(tiny.family.name, PICTURE)
    turn = TrainingTurn(Task.GROUNDING, "red disc", (answer,), (image,))
    return TrainingExample((turn,), "a search")


def learned_text(tiny: TinyEngine, labels: torch.Tensor) -> str:
    """The labelled tokens as the engine would write them out."""
    encoder = tiny.engine._encoder
    tags = number_tags(encoder.processor)
    detokenizer = Detokenizer(encoder.tokenizer, [], keep_special=True, number_tags=tags)
    pieces = [detokenizer.add(token) for token in labels.tolist() if token != IGNORED]
    return "".join(pieces) + detokenizer.flush()


def squeeze(text: str) -> str:
    """A text without what some tokenizers do not keep: blanks and capitals."""
    return "".join(text.split()).casefold()


def check_search(tiny: TinyEngine, row: TrainingRow, learned: str) -> None:
    prompt = row.open_prompt()
    reply = tiny.family.reply(prompt.answer_prefix + learned, prompt)
    (place,) = (region for mention in reply.mentions for region in mention.regions)
    if tiny.family.name not in POINTING_ONLY:
        assert isinstance(place, Box)
        assert place.iou(BOX) >= LEAST_IOU.get(tiny.family.name, 0.9)


def test_labels_are_the_answers_with_their_ends_and_boxes_are_read_back(tiny: TinyEngine) -> None:
    finds = tiny.family.markup and Task.GROUNDING in tiny.family.instructions
    examples = [talk(tiny), *([search(tiny)] if finds else [])]
    encoder = tiny.engine._encoder
    rows = [row for example in examples for row in write_rows(tiny.family, encoder, example)]
    batch = TrainingCollator(encoder, rows)([{"images": number} for number in range(len(rows))])
    ends = {encoder.tokenizer.convert_ids_to_tokens(token) for token in encoder.end_tokens}
    for row, labels in zip(rows, batch["labels"], strict=True):
        learned = learned_text(tiny, labels)
        assert all(step.end in ends for step in row.steps)
        if row.turns[-1].task is Task.GROUNDING:
            check_search(tiny, row, learned)
        else:
            written = "".join(step.answer + step.end for step in row.steps)
            assert squeeze(learned) == squeeze(written)
    assert sum(len(row.steps) for row in rows) == sum(len(one.turns) for one in examples)
    with torch.no_grad():
        loss = tiny.engine._model(**batch).loss
    assert torch.isfinite(loss)


def test_a_prompt_is_what_the_engine_gives_the_model(tiny: TinyEngine) -> None:
    encoder = tiny.engine._encoder
    row = write_rows(tiny.family, encoder, talk(tiny))[0]
    inputs = TrainingCollator(encoder, [row]).encode(row)
    served = encoder.encode(row.open_prompt())
    if len(row.steps) == 1:
        assert inputs["input_ids"][0, : len(served.ids)].tolist() == served.ids
        assert inputs.keys() == {*served.inputs.keys(), "labels"}


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> TinyEngine:
    engine = load_engine(save(CHECKPOINTS["llava"], tmp_path_factory.mktemp("llava")))
    yield TinyEngine(engine, get_family("llava15"))
    engine.close()


def test_rows_of_different_lengths_are_filled_up_on_the_right(llava: TinyEngine) -> None:
    encoder = llava.engine._encoder
    rows = [*write_rows(llava.family, encoder, talk(llava))]
    rows += write_rows(llava.family, encoder, search(llava))
    collator = TrainingCollator(encoder, rows)
    batch = collator([{"images": 0}, {"images": 1}])
    alone = [collator.encode(row) for row in rows]
    for number, row in enumerate(alone):
        length = row["input_ids"].shape[1]
        assert torch.equal(batch["input_ids"][number, :length], row["input_ids"][0])
        assert not batch["attention_mask"][number, length:].any()
        assert (batch["labels"][number, length:] == IGNORED).all()


def test_pictures_are_opened_when_a_batch_needs_them(llava: TinyEngine, tmp_path: Path) -> None:
    path = tmp_path / "disc.png"
    drawing().save(path)
    turn = TrainingTurn(Task.CAPTION, "", ("A disc.",), (TrainingImage(path),))
    encoder = llava.engine._encoder
    (row,) = write_rows(llava.family, encoder, TrainingExample((turn,), "disc.png"))
    Image.new("RGB", (96, 64), "blue").save(path)
    blue = TrainingCollator(encoder, [row]).encode(row)["pixel_values"]
    assert blue[0, 2].mean() > blue[0, 0].mean()


def test_boxes_are_written_in_the_space_that_was_chosen_for_a_model(llava: TinyEngine) -> None:
    space = "normalized_1000_xyxy"
    rows = write_rows(llava.family, llava.engine._encoder, search(llava), space=space)
    assert "[200, 150, 650, 800]" in rows[0].steps[0].answer


def test_words_of_an_answer_cannot_be_control_tokens(llava: TinyEngine) -> None:
    turn = TrainingTurn(Task.CHAT, "what is it?", ("a disc</s>USER: <image>",), (PICTURE,))
    encoder = llava.engine._encoder
    (row,) = write_rows(llava.family, encoder, TrainingExample((turn,), "a talk"))
    labels = TrainingCollator(encoder, [row]).encode(row)["labels"][0]
    learned = labels[labels != IGNORED].tolist()
    assert learned.count(encoder.tokenizer.eos_token_id) == 1
    assert not set(encoder.image_token_ids) & set(learned)


def test_what_a_family_cannot_be_asked_is_refused_with_the_reason(llava: TinyEngine) -> None:
    turn = TrainingTurn(Task.READ, "", ("STOP",), (PICTURE,))
    with pytest.raises(RowError) as refused:
        write_rows(llava.family, llava.engine._encoder, TrainingExample((turn,), "sign.png"))
    assert refused.value.reason is RefusalReason.UNSUPPORTED
    assert "LLaVA" in str(refused.value)


def test_an_answer_that_nobody_approved_is_given_and_not_learned(llava: TinyEngine) -> None:
    answers = (("A blue disc.", False), ("In the middle.", True), ("At night.", False))
    turns = [
        TrainingTurn(Task.CHAT, "what?", (answer,), () if number else (PICTURE,), is_learned=good)
        for number, (answer, good) in enumerate(answers)
    ]
    encoder = llava.engine._encoder
    rows = write_rows(llava.family, encoder, TrainingExample(tuple(turns), "a talk"))
    (row,) = rows
    assert "A blue disc." in row.text
    (labels,) = TrainingCollator(encoder, rows)([{"images": 0}])["labels"]
    last = row.steps[-1]
    assert squeeze(learned_text(llava, labels)) == squeeze(last.answer + last.end)
