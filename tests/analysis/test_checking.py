"""Checking an answer: its phrases, their evidence, and the verdicts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from threading import active_count

import pytest
from PIL.Image import Image, Resampling, effect_noise
from support import ROOT, scripted
from support.scripted import CIRCLE, ScriptedEngine

from vlm_demo.analysis.checking import MAX_THINGS, check_against_image, grounding_models
from vlm_demo.analysis.phrases import Phrase, noun_phrases
from vlm_demo.analysis.verdicts import AnswerCheck, Evidence, Reason, Verdict, judge
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import (
    EngineError,
    MissingTextError,
    TooLongError,
    UnsupportedTaskError,
    VlmDemoError,
)
from vlm_demo.images.opening import open_image
from vlm_demo.scenes.dialogues import ENGLISH
from vlm_demo.scenes.kinds import KINDS, article
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Box

engine, backend = scripted.engine, scripted.backend

ANIMALS = ROOT / "assets" / "examples" / "animals.png"

# "!": denied; "2*": so many of them.
SENTENCES = {
    "A red apple and two green pears on a table.": "red apple | 2*green pears | table",
    "There is no zebra.": "!zebra",
    "No, there is no zebra.": "!zebra",
    "There are no dogs or cats in the picture.": "!dogs | !cats",
    "A man without a hat is riding a bicycle.": "man | !hat | bicycle",
    "A woman without a hat and a dog.": "woman | !hat | dog",
    "The man does not have a beard and is smiling at a child.": "man | !beard | child",
    "There is no dog and the cat is asleep.": "!dog | cat",
    "The cup on the table is white.": "cup | table",
    "A small blue car is parked near the house.": "small blue car | house",
    "The dog runs across the field.": "dog | field",
    "A black and white cat sits on a chair.": "black and white cat | chair",
    "The image shows a group of people standing in front of a building.": "people | building",
    "On the left side of the picture, there is a tall tree.": "tall tree",
    "The number of apples is three.": "apples",
    "The circle is red.": "circle",
    "The dog is not on the table.": "dog | table",
    "The man isn't wearing a hat.": "man | !hat",
    "The man isn’t wearing a hat.": "man | !hat",
    "A zebra is not visible in the image.": "!zebra",
    "Two dogs play in the park.": "2*dogs | park",
    "There are 3 red circles, a bunch of grapes and a soccer ball.": (
        "3*red circles | bunch of grapes | soccer ball"
    ),
    "The picture shows 3 objects on a plain white background. A dog is at the top left.": "dog",
    "A woman's hat lies on a wooden bench.": "woman | hat | wooden bench",
    "The train stands at the station.": "train | station",
    "A pair of shoes and a glass of water.": "2*shoes | glass of water",
    "I can see a dog, a cat, and a bird.": "dog | cat | bird",
    "Dogs and cats sleeping on grass.": "Dogs | cats | grass",
    "An orange and an apple.": "orange | apple",
    "The sky is blue and clear.": "sky",
    "He is holding an umbrella stand.": "umbrella stand",
    "There are not any cars.": "!cars",
    "The room has no windows, doors or chairs.": "room | !windows | !doors | !chairs",
    "Not only a dog but also a cat is there.": "dog | cat",
    "A brightly painted boat floats on the lake.": "painted boat | lake",
    "A man wearing a striped shirt and sunglasses": "man | striped shirt | sunglasses",
    "There are no other animals.": "",
    "A cutting board with sliced vegetables.": "cutting board | sliced vegetables",
    "The kitchen features a steel refrigerator and a microwave.": (
        "kitchen | steel refrigerator | microwave"
    ),
    "I do not see a horse.": "!horse",
    "There isn't a bus, but there is a train.": "!bus | train",
    "A young boy in a red shirt throws a ball to a brown dog.": (
        "young boy | red shirt | ball | brown dog"
    ),
    "A vase of flowers sits on top of a table.": "vase of flowers | table",
    "neither a dog nor a cat": "!dog | !cat",
    'a <b class="x">cat</b> 🙂 and 2 dogs': "cat | 2*dogs",
    'A cat <img src=x onerror="document.title=1"> on a mat.': "cat | mat",
    "It is red.": "",
    "Yes.": "",
    "赤い丸と緑のりんごがあります。": "赤い丸 | 緑のりんご",
    "テーブルの上に小さな白いカップがあります。": "テーブル | 小さな白いカップ",
    "シマウマはありません。": "!シマウマ",
    "犬も猫もいません。": "!犬 | !猫",
    "犬と猫はいません。": "!犬 | !猫",
    "緑のうさぎ、おにぎり、きのこ。": "緑のうさぎ | おにぎり | きのこ",
    "帽子をかぶっていない男性が自転車に乗っている。": "!帽子 | 男性 | 自転車",
    "女性は帽子をかぶっていません。": "女性 | !帽子",
    "2匹の猫と三つの青い風船が写っています。": "2*猫 | 3*青い風船",
    "猫が二匹います。": "2*猫",
    "画像の左側に木と家があります。": "木 | 家",
    "窓のない部屋です。": "!窓 | 部屋",
    "丸は赤いです。": "丸",
    "一只红色的狗坐在草地上。": "红色的狗 | 草地",
    "图片中没有斑马。": "!斑马",
    "桌子上有两个苹果和一杯咖啡。": "桌子 | 2*苹果 | 咖啡",
    "一个戴着帽子的男人骑着自行车。": "帽子 | 男人 | 自行车",
    "女人没有戴帽子。": "女人 | !帽子",
    "没有狗和猫，但有一匹马。": "!狗 | !猫 | 马",
}


def noted(phrase: Phrase) -> str:
    number = f"{phrase.count}*" if phrase.count else ""
    return f"{'!' if phrase.negated else ''}{number}{phrase.text}"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_things_that_a_sentence_names_are_found(sentence: str) -> None:
    phrases = noun_phrases(sentence)
    assert " | ".join(map(noted, phrases)) == SENTENCES[sentence]
    for phrase in phrases:
        start, end = phrase.span
        assert sentence[start:end] == phrase.text


def test_a_text_in_three_languages_keeps_its_places_in_it() -> None:
    text = "A dog.\n\n犬がいます。 No cat here! 猫はいません。"
    phrases = noun_phrases(text)
    assert [noted(phrase) for phrase in phrases] == ["dog", "犬", "!cat", "!猫"]
    assert [text[slice(*phrase.span)] for phrase in phrases] == ["dog", "犬", "cat", "猫"]
    assert [phrase.language for phrase in phrases] == ["en", "ja", "en", "ja"]


@pytest.mark.parametrize(
    "text", ["a the of " * 900, "no " * 2500, "," * 8000, "的" * 500, "の" * 500, "ない" * 300]
)
def test_odd_texts_are_read_to_their_end(text: str) -> None:
    assert noun_phrases(text) == ()


PLACE = (Box(0.1, 0.1, 0.4, 0.4),)
HERE, GONE, TWO = (
    Phrase("dog", (0, 3), "en"),
    Phrase("dog", (0, 3), "en", True),
    Phrase("dogs", (0, 4), "en", count=2, plural=True),
)


@pytest.mark.parametrize(
    ("phrase", "evidence", "verdict", "why"),
    [
        (HERE, Evidence(PLACE), Verdict.SUPPORTED, Reason.FOUND),
        (HERE, Evidence(PLACE, presence=0.9), Verdict.SUPPORTED, Reason.FOUND),
        (HERE, Evidence(PLACE, presence=0.05), Verdict.CONTRADICTED, Reason.DRAWN_BUT_NO),
        (HERE, Evidence(), Verdict.NOT_FOUND, Reason.NOTHING_CLEAR),
        (HERE, Evidence(presence=0.8), Verdict.NOT_FOUND, Reason.ANSWERS_YES),
        (HERE, Evidence(denied=True, presence=0.8), Verdict.NOT_FOUND, Reason.ANSWERS_YES),
        (HERE, Evidence(denied=True), Verdict.CONTRADICTED, Reason.PLAINLY_ABSENT),
        (HERE, Evidence(presence=0.1), Verdict.CONTRADICTED, Reason.ANSWERS_NO),
        (GONE, Evidence(), Verdict.SUPPORTED, Reason.ABSENT_AS_SAID),
        (GONE, Evidence(denied=True, presence=0.9), Verdict.SUPPORTED, Reason.ABSENT_AS_SAID),
        (GONE, Evidence(PLACE), Verdict.CONTRADICTED, Reason.DENIED_BUT_FOUND),
        (GONE, Evidence(PLACE, presence=0.02), Verdict.SUPPORTED, Reason.DRAWN_BUT_NO),
        (GONE, Evidence(presence=0.95), Verdict.CONTRADICTED, Reason.DENIED_BUT_YES),
        (TWO, Evidence(PLACE * 2), Verdict.SUPPORTED, Reason.FOUND),
        (TWO, Evidence(PLACE), Verdict.CONTRADICTED, Reason.OTHER_NUMBER),
        (TWO, Evidence(PLACE, count_answer=2), Verdict.SUPPORTED, Reason.FOUND),
        (TWO, Evidence(PLACE, count_answer=3), Verdict.CONTRADICTED, Reason.OTHER_NUMBER),
    ],
)
def test_evidence_is_weighed(
    phrase: Phrase, evidence: Evidence, verdict: Verdict, why: Reason
) -> None:
    assert judge(phrase, evidence) == (verdict, why)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Backend]:
    backend = Backend(default_menu(), device="cpu")
    yield backend
    backend.close()


def found(checked: AnswerCheck) -> dict[str, tuple[Verdict | None, int]]:
    return {f.phrase.text: (f.verdict, len(f.evidence.regions)) for f in checked.findings}


@pytest.mark.parametrize("model", ["embedded-llava15", "embedded-kosmos2"])
def test_mistakes_of_an_answer_are_found_by_a_real_model(embedded: Backend, model: str) -> None:
    picture = open_image(ANIMALS, max_bytes=1 << 24, max_pixels=1 << 24)
    text = "A lion stands beside two elephants and a pizza. There is no car and no bee. A lion!"
    first, *_, last = check_against_image(embedded, model, picture, text)
    assert [f.verdict for f in first.findings] == [None] * 6
    assert last.is_done
    assert found(last) == {
        "lion": (Verdict.SUPPORTED, 1),
        "elephants": (Verdict.CONTRADICTED, 1),
        "pizza": (Verdict.CONTRADICTED, 0),
        "car": (Verdict.SUPPORTED, 0),
        "bee": (Verdict.CONTRADICTED, 1),
    }
    (box,) = last.mentions[1].regions
    assert isinstance(box, Box)
    assert box.iou(Box(0.56, 0.20, 0.96, 0.62)) > 0.5
    assert last.findings[1].explanation == "The answer says 2; found: 1."
    assert last.findings[0].thing == last.findings[5].thing
    assert len(last.mentions) == 5


def test_verdicts_on_unseen_scenes_are_mostly_right(embedded: Backend) -> None:
    supported = flagged = true = false = 0
    for seed, _ in zip(scene_seeds("test", 3), range(6), strict=False):
        scene = draw_scene(seed)
        caption = "".join(map(str, ENGLISH.caption(scene.objects, grounded=False)))
        present = {thing.kind.name for thing in scene.objects}
        absent = random.Random(seed).choice([name for name in KINDS if name not in present])
        *_, last = check_against_image(
            embedded,
            "embedded-llava15",
            scene.image,
            f"{caption} Here is {article(absent)} {absent}.",
        )
        *good, bad = last.findings
        assert bad.phrase.text == absent
        true, false = true + len(good), false + 1
        supported += sum(finding.verdict is Verdict.SUPPORTED for finding in good)
        flagged += bad.verdict is not Verdict.SUPPORTED
    assert true > 10
    assert supported / true > 0.9
    assert flagged / false > 0.8


def test_a_thing_is_asked_for_once_and_only_so_many(
    backend: Backend, engine: ScriptedEngine, picture: Image
) -> None:
    engine.prompts.clear()
    *_, last = check_against_image(backend, "scripted", picture, "A zebra, the zebra and a Zebra.")
    searches = [p for p in engine.prompts if "coordinate of the region" in p.messages[-1].text]
    assert len(searches) == 1
    assert [f.thing for f in last.findings] == [0, 0, 0]
    many = ". ".join(f"a wug{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(MAX_THINGS + 5))
    *_, last = check_against_image(backend, "scripted", picture, many)
    assert last.is_done
    assert last.count(None) == 5
    assert last.findings[-1].reason is Reason.NOT_CHECKED


def test_a_model_that_always_draws_is_overruled_by_its_own_no(
    backend: Backend, engine: ScriptedEngine, picture: Image
) -> None:
    engine.likely = lambda prompt, choice: 0.95 if choice == "no" else 0.05
    try:
        *_, last = check_against_image(backend, "scripted", picture, "A unicorn.")
    finally:
        engine.likely = None
    (finding,) = last.findings
    assert finding.verdict is Verdict.CONTRADICTED
    assert finding.evidence.regions
    assert finding.explanation == (
        "A box was returned, but asked whether there is one, the model says no (95\u00a0%)."
    )


def test_a_check_ends_when_nobody_reads_on(
    backend: Backend, engine: ScriptedEngine, picture: Image
) -> None:
    before = active_count()
    slow = ScriptedEngine({"coordinate of the region": f"{'word ' * 5000}{CIRCLE}"}, pause_s=0.01)
    engine.answers, kept = slow.answers, engine.answers
    engine.pause_s, pause = 0.01, engine.pause_s
    try:
        checks = check_against_image(
            backend, "scripted", picture, "A dog, a cat, a cow, a pig and a bee."
        )
        next(checks)
        checks.close()
    finally:
        engine.answers, engine.pause_s = kept, pause
    while engine.running or active_count() > before:  # the test's own time limit ends it
        time.sleep(0.01)
    assert not engine.running


@pytest.mark.parametrize(
    ("model", "text", "error"),
    [
        ("scripted", " \n", MissingTextError),
        ("scripted", "dog " * 2001, TooLongError),
        ("chat-only", "A dog.", UnsupportedTaskError),
        ("far-away", "A dog.", EngineError),
        ("scripted", "a dog \ud800", VlmDemoError),
    ],
)
def test_what_cannot_be_checked_is_refused(
    backend: Backend, picture: Image, model: str, text: str, error: type[VlmDemoError]
) -> None:
    with pytest.raises(error):
        list(check_against_image(backend, model, picture, text))


def test_a_text_without_things_is_done_at_once(backend: Backend, picture: Image) -> None:
    (only,) = check_against_image(backend, "scripted", picture, "Yes, it is red.")
    assert only.findings == ()
    assert only.is_done


def test_another_model_that_knows_the_language_is_preferred(embedded: Backend) -> None:
    scene = open_image(ANIMALS)
    first = grounding_models(embedded, image=scene)[0]
    other = grounding_models(embedded, other_than=first, image=scene)[0]
    assert other != first
    assert embedded.spec(first).is_here
    assert embedded.spec(other).is_here
    japanese = grounding_models(embedded, "犬がいます。", "embedded-kosmos2", scene)[0]
    assert japanese == "embedded-llava15"  # the others know only English, or only photographs


def test_the_kind_of_the_picture_decides_who_checks(embedded: Backend) -> None:
    photo = effect_noise((80, 60), 90).convert("RGB").resize((640, 480), Resampling.BICUBIC)

    assert grounding_models(embedded)[0] == "automatic"  # it sends either to its own model
    assert grounding_models(embedded, image=photo)[0] == "embedded-photos"
    drawn = grounding_models(embedded, "A dog.", image=open_image(ANIMALS))
    assert drawn.index("embedded-llava15") < drawn.index("embedded-photos")


@pytest.mark.models
def test_the_command_line_checks_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    from vlm_demo.cli import run as command

    text = "A lion and a pizza."
    assert command(["check", str(ANIMALS), text, "--model", "embedded-llava15", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [(f["phrase"], f["verdict"]) for f in data["findings"]] == [
        ("lion", "supported"),
        ("pizza", "contradicted"),
    ]
    ((x1, y1, x2, y2),) = data["findings"][0]["boxes_xyxy_px"]
    assert (x1 + x2) / 2 == pytest.approx(222, abs=25)
    assert (y1 + y2) / 2 == pytest.approx(110, abs=25)
    assert command(["check", str(ANIMALS), "  ", "--model", "embedded-llava15"]) == 2
