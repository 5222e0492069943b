"""Labelled data of every form is read back as it was written, and what is wrong is counted."""

import base64
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from vlm_demo.analysis.ground_truth import LabelledQuestion, write_archive
from vlm_demo.errors import InputError
from vlm_demo.evaluation import json_files
from vlm_demo.training.data import (
    AnswerPhrase,
    RefusalReason,
    TrainingData,
    TrainingExample,
    add_negatives,
    count_balance,
    data_forms,
    describe_refusals,
    read_training_data,
)
from vlm_demo.values import Box, Task

SIZE = (200, 100)
CAT = Box(0.1, 0.2, 0.4, 0.8)
IN_PIXELS = (20, 20, 80, 80)
TURNED = 6
"""The EXIF orientation of a picture that was taken upright with a camera held sideways."""


def save(path: Path, size: tuple[int, int] = SIZE, orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, "white")
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def coco(folder: Path, *boxes: tuple[Any, ...], size: tuple[int, int] = SIZE) -> Path:
    """Write one picture's boxes: (name, x, y, width, height) in pixels."""
    names = sorted({name for name, *_ in boxes} | {"cat", "dog"})
    annotations = [
        {"image_id": 1, "category_id": names.index(name), "bbox": box} for name, *box in boxes
    ]
    image = {"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    path = folder / "labels.json"
    content = {"images": [image], "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content))
    return path


def lines(path: Path, *records: object) -> Path:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in records]
    path.write_text("\n".join(texts) + "\n")
    return path


def talk(*messages: tuple[str, object], images: object = ("a.jpg",)) -> dict[str, object]:
    return {
        "messages": [{"role": role, "content": content} for role, content in messages],
        "images": images,
    }


def reasons(data: TrainingData) -> dict[RefusalReason, int]:
    return {refusal.reason: refusal.count for refusal in data.refused}


def found(data: TrainingData, name: str = "cat") -> list[Box]:
    """Where a search finds something."""
    (turn,) = (
        turn
        for example in data.examples
        for turn in example.turns
        if turn.task is Task.GROUNDING and turn.text == name
    )
    return [box for phrase in turn.phrases for box in phrase.boxes]


def near(box: Box, expected: Box) -> bool:
    return box.iou(expected) > 0.99


# What each form gives


def test_a_detection_set_asks_where_what_and_whether(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    path = coco(tmp_path, ("cat", 20, 20, 60, 60), ("owl", 100, 10, 50, 50))
    data = read_training_data(path)
    assert data.form == "coco"
    assert near(found(data)[0], CAT)
    by_task = {example.turns[0].task: example.turns[0] for example in data.examples}
    described = [one.turns[0] for one in data.examples if one.turns[0].regions]
    assert by_task[Task.CAPTION].answer_text == "A cat and an owl."
    assert by_task[Task.VQA].text == "Is there an owl?"
    assert by_task[Task.VQA].answer_text == "yes"
    assert [turn.answer_text for turn in described] == ["A cat.", "An owl."]
    assert read_training_data(tmp_path) == data  # the folder as well


def test_crowds_are_no_single_thing_and_a_picture_without_boxes_shows_none(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    path = coco(tmp_path, ("cat", 20, 20, 60, 60))
    content = json.loads(path.read_text())
    content["annotations"][0]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    (example,) = read_training_data(path).examples
    assert example.turns[0].phrases == (AnswerPhrase("cat", ()),)


@pytest.mark.parametrize(
    "names", ["names: [dog, 'cat']", "names:\n  0: dog\n  1: cat\nnc: 2", "names:\n- dog\n- cat"]
)
def test_yolo_folders_name_their_classes_in_any_way(tmp_path: Path, names: str) -> None:
    (tmp_path / "data.yaml").write_text(f"path: .\ntrain: images/train\n{names}\n")
    save(tmp_path / "images" / "train" / "a.jpg")
    labels = tmp_path / "labels" / "train" / "a.txt"
    labels.parent.mkdir(parents=True)
    labels.write_text("1 0.25 0.5 0.3 0.6\n1 0.5 0.5 0.5 0.9 0.9 0.9 0.9 0.5\n")
    data = read_training_data(tmp_path)
    assert (data.form, len(found(data))) == ("yolo", 2)
    assert near(found(data)[0], CAT)
    assert near(found(data)[1], Box(0.5, 0.5, 0.9, 0.9))


def test_conversations_keep_their_turns_and_pictures(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / name)
    image = {"type": "image", "index": 0, "text": None}
    first = ("user", [{"type": "text", "text": "What?\n"}, image])
    rows = [
        talk(first, ("assistant", "A cat.\n"), ("user", "Sure?"), ("assistant", "Yes.")),
        talk(("user", "<image>\nAnd <image>?"), ("assistant", "Two."), images=["a.jpg", "b.jpg"]),
        {
            "image": "a.jpg",
            "conversations": [
                {"from": "human", "value": "<image>\nWhat?"},
                {"from": "gpt", "value": "A cat."},
            ],
        },
    ]
    data = read_training_data(lines(tmp_path / "talks.jsonl", *rows))
    assert data.form == "messages"
    one, two, old = data.examples
    assert [(turn.text, turn.answer_text, len(turn.images)) for turn in one.turns] == [
        ("What?", "A cat.", 1),
        ("Sure?", "Yes.", 0),
    ]
    assert (two.turns[0].text, len(two.turns[0].images)) == ("And ?", 2)
    assert (old.turns[0].text, len(old.turns[0].images)) == ("What?", 1)
    assert one.turns[0].images[0].open().size == SIZE


def test_pictures_stay_in_a_parquet_file_until_they_are_needed(tmp_path: Path) -> None:
    content = save(tmp_path / "a.png").read_bytes()
    row = talk(("user", "What?"), ("assistant", "A cat."))
    images = [{"bytes": content, "path": None}]
    table = pa.Table.from_pylist([{**row, "images": images}, {**row, "images": []}])
    parquet.write_table(table, tmp_path / "train.parquet")
    data = read_training_data(tmp_path / "train.parquet")
    with_picture, without = (example.turns[0] for example in data.examples)
    assert not isinstance(with_picture.images[0].source, bytes)
    assert with_picture.images[0].open().size == SIZE
    assert without.images == ()


def test_lines_with_boxes_are_read_as_the_program_exports_them(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    item = {"phrase": "cat", "boxes_xyxy_px": [IN_PIXELS]}
    path = lines(
        tmp_path / "results.jsonl",
        {"name": "a.jpg", "size": SIZE, "text": "", "items": [item]},
        {"picture": "a.jpg", "question": "Where?", "text": "Here: cat.", "items": [item]},
        {"picture": "a.jpg", "items": [{"label": "dog", "boxes": [[0.1, 0.2, 0.4, 0.8]]}]},
        {"name": "b.jpg", "error": "It is damaged."},
    )
    data = read_training_data(path)
    assert data.form == "boxes"
    assert near(found(data)[0], CAT)
    assert near(found(data, "dog")[0], CAT)
    (asked,) = (turn for one in data.examples for turn in one.turns if turn.text == "Where?")
    assert asked.answer[0] == "Here: "
    assert asked.answer[2] == "."


def test_own_benchmarks_are_searches_with_drawn_boxes(tmp_path: Path) -> None:
    image = save(tmp_path / "a.jpg")
    question = LabelledQuestion(image, SIZE, "a.jpg", Task.GROUNDING, "cat", (CAT,))
    write_archive([question], tmp_path / "own.zip")
    data = read_training_data(tmp_path / "own.zip")
    assert (data.form, len(data.examples)) == ("own", 1)
    assert near(found(data)[0], CAT)
    assert data.examples[0].turns[0].images[0].open().size == SIZE


def test_of_studio_what_a_person_has_corrected_or_called_good_is_learned(tmp_path: Path) -> None:
    content = base64.b64encode(save(tmp_path / "a.png").read_bytes()).decode()
    box = {"box": [CAT.x1, CAT.y1, CAT.x2, CAT.y2]}
    mention = {"phrase": "a cat", "regions": [box], "span": None, "image": 0}
    wrong = {"plain": "a dog", "status": "done", "mentions": []}
    right = {"plain": "It is a cat.", "status": "done", "corrected": True, "mentions": [mention]}
    good = {"plain": "Two cats.", "status": "done", "rating": {"verdict": "up", "reason": ""}}
    bad = {"plain": "A cow.", "status": "done", "rating": {"verdict": "down", "reason": ""}}
    turns = [
        {"id": "1", "task": "chat", "text": "What?", "pictures": ["k"], "answers": [wrong, right]},
        {"id": "2", "task": "chat", "text": "Sure?", "pictures": ["k"], "answers": [wrong]},
        {"id": "4", "task": "chat", "text": "How many?", "pictures": ["k"], "answers": [bad, good]},
        {"id": "5", "task": "chat", "text": "Black?", "pictures": ["k"], "answers": [wrong]},
        {
            "id": "3",
            "task": "grounding",
            "text": "",
            "targets": ["owl"],
            "pictures": ["k"],
            "answers": [{"plain": "", "status": "done", "mentions": []}],
        },
    ]
    picture = {"key": "k", "name": "a.png", "data": f"data:image/png;base64,{content}"}
    saved = {"format": "vlm-demo conversation", "version": 2, "turns": turns}
    path = lines(tmp_path / "talk.json", {**saved, "pictures": [picture]})
    data = read_training_data(path)
    assert data.form == "conversation"
    (chat,) = data.examples
    assert chat.turns[0].answer == ("It is ", AnswerPhrase("a cat", (CAT,)), ".")
    assert [len(turn.images) for turn in chat.turns] == [1, 0, 0]
    assert [turn.is_learned for turn in chat.turns] == [True, False, True]
    assert chat.turns[2].answer_text == "Two cats."
    assert reasons(data) == {RefusalReason.NOT_APPROVED: 1}
    search, whole = read_training_data(path, form="all-answers").examples
    assert search.turns[0].phrases == (AnswerPhrase("owl", ()),)
    assert [turn.is_learned for turn in whole.turns] == [True] * 4


def test_votes_teach_the_answer_that_was_preferred(tmp_path: Path) -> None:
    content = base64.b64encode(save(tmp_path / "a.png").read_bytes()).decode()
    question = [
        {"type": "image", "image": content, "mimeType": "image/png"},
        {"type": "text", "text": "Where is the cat?"},
    ]

    def side(answer: str) -> list[dict[str, object]]:
        words = [{"type": "text", "text": answer}]
        return [
            {"role": "user", "content": question},
            {"role": "assistant", "content": words},
        ]

    vote = {
        "model_a": "embedded-kosmos2",
        "model_b": "embedded-llava15",
        "winner": "model_b",
        "task": "chat",
        "outputs_a": ["nowhere"],
        "outputs_b": ["A cat [0.10, 0.35, 0.40, 0.65]."],
        "conversation_a": side("nowhere"),
        "conversation_b": side("A cat [0.10, 0.35, 0.40, 0.65]."),
    }
    data = read_training_data(lines(tmp_path / "votes.jsonl", vote, {**vote, "winner": "tie"}))
    assert (data.form, reasons(data)) == ("votes", {RefusalReason.NO_ANSWER: 1})
    phrase, rest = data.examples[0].turns[0].answer
    assert isinstance(phrase, AnswerPhrase)
    assert (phrase.phrase, rest) == ("A cat", ".")
    assert near(phrase.boxes[0], CAT)  # its fractions were of a square around the picture


# What is wrong with a row


def test_boxes_of_a_picture_that_exif_turns_are_turned_with_it(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", orientation=TURNED)  # upright it is 100 x 200
    path = coco(tmp_path, ("cat", 20, 20, 60, 60))
    assert near(found(read_training_data(path))[0], Box(0.2, 0.1, 0.8, 0.4))
    path = coco(tmp_path, ("cat", 20, 20, 60, 60), size=(100, 200))
    assert near(found(read_training_data(path))[0], Box(0.2, 0.1, 0.8, 0.4))


@pytest.mark.parametrize(
    ("boxes", "size", "orientation", "reason"),
    [
        ([("cat", 20, 20, 0, 60)], SIZE, 1, RefusalReason.EMPTY_BOX),
        ([("cat", 20, 20, 600, 60)], SIZE, 1, RefusalReason.BOX_OUTSIDE),
        ([("cat", 20, 20, 60, 60)], (300, 100), 1, RefusalReason.TURNED_IMAGE),
        ([("cat", 20, 20, 60, 60)], SIZE, 3, RefusalReason.TURNED_IMAGE),  # nobody can tell
    ],
)
def test_boxes_that_cannot_be_right_are_refused(
    tmp_path: Path, boxes: Any, size: Any, orientation: int, reason: RefusalReason
) -> None:
    save(tmp_path / "a.jpg", orientation=orientation)
    with pytest.raises(InputError, match=str(reason.value)):
        read_training_data(coco(tmp_path, *boxes, size=size))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (talk(("user", "What?"), ("user", "What?")), RefusalReason.WRONG_ROLES),
        (talk(("assistant", "A cat.")), RefusalReason.WRONG_ROLES),
        (
            talk(("user", "What?"), ("assistant", "A cat."), ("user", "?")),
            RefusalReason.WRONG_ROLES,
        ),
        (talk(("user", "What?"), ("assistant", " ")), RefusalReason.NO_ANSWER),
        (talk(("user", "?"), ("assistant", "!"), images=["b.jpg"]), RefusalReason.MISSING_IMAGE),
        (talk(("user", "?"), ("assistant", "!"), images=["/etc/a"]), RefusalReason.MISSING_IMAGE),
        (talk(("user", "?"), ("assistant", "!"), images=["a.html"]), RefusalReason.DAMAGED_IMAGE),
        (
            talk(("user", "<image>?"), ("assistant", "!"), images=["a.jpg", "a.jpg"]),
            RefusalReason.LEFTOVER_IMAGES,
        ),
        ({"messages": "What?"}, RefusalReason.UNREADABLE_ROW),
        ('{"messages": [', RefusalReason.UNREADABLE_ROW),
    ],
)
def test_rows_that_teach_nothing_are_counted_by_reason(
    tmp_path: Path, row: object, reason: RefusalReason
) -> None:
    save(tmp_path / "a.jpg")
    (tmp_path / "a.html").write_text("<html>Please log in</html>")
    good = talk(("user", "What?"), ("assistant", "A cat."))
    data = read_training_data(lines(tmp_path / "talks.jsonl", good, row))
    assert (len(data.examples), reasons(data)) == (1, {reason: 1})
    assert "line 2" in describe_refusals(data.refused)


@pytest.mark.parametrize("content", ["", "<html>Please log in</html>", "{}", "a,b\n1,2\n"])
def test_a_file_of_no_form_is_refused_with_the_forms(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        read_training_data(path)
    assert "is empty" in str(refused.value) or all(
        name in str(refused.value) for name in data_forms()
    )


def test_a_web_page_in_place_of_the_data_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("<!DOCTYPE html><html>Please log in</html>")
    with pytest.raises(InputError, match="web page"):
        read_training_data(path, form="messages")


def test_a_file_that_no_memory_holds_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coco(tmp_path, ("cat", 20, 20, 60, 60))
    for path in (tmp_path / "labels.json", lines(tmp_path / "rows.json", "[{")):
        with path.open("r+b") as file:
            file.truncate(11_000_000_000)  # a hole, which takes no room on the disk
    with pytest.raises(InputError, match=r"labels\.json has 11 GB; the limit .* 2 GB"):
        read_training_data(tmp_path / "labels.json", form="coco")
    with pytest.raises(InputError, match=r"rows\.json has 11 GB"):
        read_training_data(tmp_path / "rows.json", form="messages")
    monkeypatch.setattr(json_files, "MAX_LINE_CHARACTERS", 1_000)
    endless = lines(tmp_path / "endless.jsonl", {"messages": "x" * 2_000})
    with pytest.raises(InputError, match=r"Line 1 .* has more than 1,000 characters"):
        read_training_data(endless, form="messages")


def test_a_folder_of_two_forms_must_be_told_which(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    coco(tmp_path, ("cat", 20, 20, 60, 60))
    (tmp_path / "labels").mkdir()
    with pytest.raises(InputError, match="coco and yolo"):
        read_training_data(tmp_path)
    assert read_training_data(tmp_path, form="coco").examples


def test_data_of_the_hub_is_refused_while_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="cannot be downloaded"):
        read_training_data("nobody/nothing")


def test_only_as_many_rows_are_read_as_are_wanted(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    rows = [talk(("user", f"{number}?"), ("assistant", "Yes.")) for number in range(5)]
    data = read_training_data(lines(tmp_path / "talks.jsonl", *rows), limit=2)
    assert len(data.examples) == 2
    assert "first 2" in data.notes[0]


def test_things_in_several_colours_are_also_asked_for_without(tmp_path: Path) -> None:
    rows = []
    for number in range(12):
        save(tmp_path / f"{number}.jpg")
        items = [
            {"phrase": phrase, "boxes": [box]}
            for phrase, box in (
                (("red kite", "blue kite")[number % 2], [0.1, 0.1, 0.3, 0.3]),
                ("green kite", [0.6, 0.6, 0.9, 0.9]),
                ("red panda", [0.1, 0.6, 0.3, 0.9]),
            )
        ]
        rows.append({"picture": f"{number}.jpg", "items": items})
    turns = [
        example.turns[0]
        for example in read_training_data(lines(tmp_path / "boxes.jsonl", *rows)).examples
    ]
    asked = {turn.text for turn in turns if turn.task is Task.VQA}
    assert {"Is there a kite?", "Is there a red panda?"} <= asked
    assert "Is there a red kite?" not in asked
    assert "Is there a panda?" not in asked
    searched = [turn.phrases[0] for turn in turns if turn.task is Task.GROUNDING]
    assert {len(one.boxes) for one in searched if one.phrase == "kite"} == {2}
    assert {len(one.boxes) for one in searched if one.phrase == "red kite"} == {1}
    assert "A red kite, a red panda and a green kite." in {turn.answer_text for turn in turns}


# Balance


@pytest.fixture
def unbalanced(tmp_path: Path) -> tuple[TrainingExample, ...]:
    """Ten pictures, each with a cat or a dog."""
    rows = []
    for number in range(10):
        save(tmp_path / f"{number}.jpg")
        item = {"phrase": ("cat", "dog")[number % 2], "boxes_xyxy_px": [IN_PIXELS]}
        rows.append({"picture": f"{number}.jpg", "items": [item]})
    return read_training_data(lines(tmp_path / "boxes.jsonl", *rows)).examples


def test_one_sided_answers_are_warned_about(unbalanced: tuple[TrainingExample, ...]) -> None:
    balance = count_balance(unbalanced)
    assert (balance.yes, balance.no) == (10, 0)
    assert (balance.names["cat"].found, balance.names["cat"].absent) == (5, 0)
    words = " ".join(balance.warnings)
    assert '10 of 10 questions are answered "yes"' in words
    assert "(cat, dog)" in words


def test_negatives_balance_each_name_with_pictures_that_lack_it(
    unbalanced: tuple[TrainingExample, ...],
) -> None:
    examples = add_negatives(unbalanced, seed=3)
    balance = count_balance(examples)
    assert (balance.yes, balance.no) == (10, 10)
    assert {(one.yes, one.no, one.found, one.absent) for one in balance.names.values()} == {
        (5, 5, 5, 3)
    }
    assert balance.warnings == ()
    shown = {
        turn.images[0]: phrase.phrase
        for example in unbalanced
        for turn in example.turns
        for phrase in turn.phrases
        if turn.task is Task.GROUNDING
    }
    for example in examples[len(unbalanced) :]:
        (turn,) = example.turns
        assert shown[turn.images[0]] not in turn.text
    assert examples == add_negatives(unbalanced, seed=3)
    assert add_negatives(examples, seed=3) == examples  # nothing is missing any more


def test_a_set_of_one_class_gets_no_negatives_but_a_warning(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    data = read_training_data(coco(tmp_path, ("cat", 20, 20, 60, 60)))
    assert add_negatives(data.examples, seed=1) == data.examples
    assert "cat is the only thing" in " ".join(count_balance(data.examples).warnings)
