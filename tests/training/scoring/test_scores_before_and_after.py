"""Answers are measured as their questions ask, and losses of old skills are seen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.markup.written_answers import AnswerPhrase
from vlm_demo.training.data import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.training.data.box_questions import ask_what, ask_where, ask_whether
from vlm_demo.training.scoring.comparison import AGREED, ScoreComparison, ScorePair
from vlm_demo.training.scoring.held_out import split_examples
from vlm_demo.training.scoring.known_things import find_known_things, thin_out
from vlm_demo.training.scoring.measures import Tally, judge, measure_of, summarize
from vlm_demo.training.scoring.questions import choose_questions
from vlm_demo.values import Box, Mention, Reply, Request, Task

LEFT, RIGHT = Box(0.1, 0.1, 0.4, 0.4), Box(0.6, 0.1, 0.9, 0.4)


def _reply(text: str, *boxes: Box) -> Reply:
    mentions = (Mention("thing", (0, 0), boxes),) if boxes else ()
    return Reply(text, text, mentions)


@pytest.mark.parametrize(
    ("turn", "reply", "measure", "hits", "tries"),
    [
        (TrainingTurn(Task.GROUNDING, "cups", (AnswerPhrase("cups", (LEFT, RIGHT)),)),
         _reply("", RIGHT, Box(0, 0, 0.1, 0.1)), "found", 1, 2),
        (TrainingTurn(Task.GROUNDING, "cup", (AnswerPhrase("cup", ()),)),
         _reply("There is no cup."), "absent", 1, 1),
        (TrainingTurn(Task.GROUNDING, "cup", (AnswerPhrase("cup", ()),)),
         _reply("", LEFT), "absent", 0, 1),
        (TrainingTurn(Task.VQA, "Is there a cup?", ("yes",)), _reply("Yes."), "yes", 1, 1),
        (TrainingTurn(Task.VQA, "Is there a cup?", ("no",)), _reply("yes"), "no", 0, 1),
        (TrainingTurn(Task.CAPTION, "", ("A cup and a dog.",)),
         _reply("A cup and a cat."), "named", 1, 2),
        (TrainingTurn(Task.VQA, "What?", ("a red cup",)), _reply("A red cup."), "right", 1, 1),
        (TrainingTurn(Task.CHAT, "What?", ("one two three four five six",)),
         _reply("one two three"), "words", 2 / 3, 1),
    ],
)  # fmt: skip
def test_an_answer_is_measured_as_its_question_asks(
    turn: TrainingTurn, reply: Reply, measure: str, hits: float, tries: float
) -> None:
    names = {"cup", "dog"}
    assert measure_of(turn, names) == measure
    assert judge(turn, reply, names) == pytest.approx((hits, tries))


def test_yes_to_everything_is_no_good_balance() -> None:
    scores = summarize({"yes": Tally(9, 9), "no": Tally(0, 9)})
    assert scores["yes_no"] == 0.5
    assert scores["found"] is None


def test_held_out_pictures_are_not_learned_from() -> None:
    images = [TrainingImage(Path(f"{number}.png")) for number in range(10)]
    examples = [
        TrainingExample((TrainingTurn(Task.VQA, question, ("yes",), (image,)),), "set")
        for image in images
        for question in ("Is it red?", "Is it blue?")
    ]
    split = split_examples(examples, 0.2, seed=1)
    assert (len(split.held_out), len(split.learned)) == (4, 16)
    held = {one.turns[0].images[0] for one in split.held_out}
    assert held.isdisjoint(one.turns[0].images[0] for one in split.learned)
    assert split == split_examples(examples, 0.2, seed=1)
    assert len(split_examples(examples[:2], 0.5, seed=0).learned) == 2


def test_questions_of_all_measures_are_asked() -> None:
    image = TrainingImage(Image.new("RGB", (8, 8)))
    yes = TrainingExample((TrainingTurn(Task.VQA, "Is it?", ("yes",), (image,)),) * 9, "a")
    search = TrainingTurn(Task.GROUNDING, "cup", (AnswerPhrase("cup", (LEFT,)),), (image,))
    chosen = choose_questions([yes, TrainingExample((search,), "b")], 3, seed=0)
    assert sorted(one.measure for one in chosen) == ["found", "yes", "yes"]


class _Knower:
    """A model that finds dogs on the left, and says of everything else that it is on the right."""

    def answer(self, model: str, request: Request) -> Iterator[Reply]:
        yield _reply(request.text, LEFT if request.text.endswith("dog") else RIGHT)


def test_what_a_model_knows_is_learned_from_a_few_examples() -> None:
    image = TrainingImage(Path("a.png"))
    turns = [
        turn
        for name in ("red dog", "blue dog", "kite") * 20
        for turn in (
            ask_where(name, (LEFT,), image),
            ask_whether(name, image, is_there=True),
            ask_what(name, LEFT, image),
            TrainingTurn(Task.CAPTION, "", (f"A {name}.",), (image,)),
        )
    ]
    examples = [TrainingExample((turn,), "set") for turn in turns]
    model = cast(Backend, _Knower())
    with_images = [replace(one, turns=(replace(one.turns[0], images=()),)) for one in examples]
    known = find_known_things(model, "m", with_images, 0, lambda *_: None)
    assert known == ["blue dog", "red dog"]
    kept = thin_out(examples, known, 0.25, seed=1)
    assert kept == thin_out(examples, known, 0.25, seed=1)
    words = [one.turns[0].text + one.turns[0].answer_text for one in kept]
    assert sum(text.startswith("kitekite") for text in words) == 20
    assert sum("dog." in text and text.startswith("A ") for text in words) > 40  # captions stay
    assert 5 <= sum(text.startswith("Is there a") and "dog" in text for text in words) <= 20
    assert thin_out(examples, [*known, "kite"], 0.25, seed=1) == tuple(examples)


def test_a_loss_of_an_old_skill_is_seen() -> None:
    before = ScorePair({"found": 0.0}, {"caption": 0.9, "vqa": 0.9, "japanese": None})
    after = ScorePair({"found": 0.9}, {"caption": 0.83, "vqa": 0.85, "japanese": None})
    comparison = ScoreComparison(before, after, "scenes")
    assert comparison.lost(0.06) == {"caption": 0.07}
    assert comparison.lost(0.07) == {}
    pairs = ScoreComparison(ScorePair({AGREED: 0.9}), ScorePair({AGREED: 0.6}))
    assert pairs.lost(0.06) == {AGREED: 0.3}
    assert comparison.table()[1:] == [
        ("new: found", "0.000", "0.900", "+0.900"),
        ("scenes: caption", "0.900", "0.830", "-0.070"),
        ("scenes: vqa", "0.900", "0.850", "-0.050"),
    ]
