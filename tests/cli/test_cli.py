"""The command line in this process, as subprocesses, and in a terminal."""

import csv
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT
from support.drawings import drawing

from vlm_demo.backend import Backend
from vlm_demo.cli import lazy as edges
from vlm_demo.cli import run
from vlm_demo.cli.options import parse_box
from vlm_demo.cli.terminal import GrowingText, printable, show_progress
from vlm_demo.engines import Progress
from vlm_demo.errors import NoScoresError
from vlm_demo.families import get_family
from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Point,
    RegionForm,
    Reply,
    ReplyState,
    Sampling,
)

SHORT = ("--max-new-tokens", "6")
BROKEN = "\ufffd"  # a random model's bytes need not be text


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def vlm_demo(capfd, monkeypatch):
    """Run the command line in this process."""

    def run_it(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capfd.readouterr())

    return run_it


@pytest.fixture
def menu(tmp_path, monkeypatch, tiny_llava15, tiny_kosmos2, tiny_smolvlm):
    """The tiny models as the menu; the LLaVA is the default."""
    path = tmp_path / "menu.toml"
    folders = {"llava15": tiny_llava15, "kosmos2": tiny_kosmos2, "smolvlm": tiny_smolvlm}
    path.write_text(
        "".join(
            f'[[model]]\nname = "tiny-{family}"\nfamily = "{family}"\n'
            f"checkpoint = {json.dumps(str(folder))}\n"
            for family, folder in folders.items()
        )
    )
    monkeypatch.setenv("VLM_DEMO_MENU", str(path))
    return path


@pytest.fixture
def file(tmp_path, picture):
    path = tmp_path / "picture.png"
    picture.save(path)
    return path


@pytest.fixture
def answering(monkeypatch):
    """Let the model give certain replies; the list that is returned holds what it was asked."""

    def script(*replies):
        asked = []

        def answer(self, model, request):
            asked.append(request)
            yield from replies

        monkeypatch.setattr(Backend, "answer", answer)
        monkeypatch.setattr(Backend, "load", lambda self, model: iter(()))
        return asked

    return script


# What is right


def test_models_lists_the_menu_with_the_default_first(vlm_demo):
    listed = vlm_demo("models", "--json").json

    assert [entry["name"] for entry in listed[:2]] == ["embedded-llava15", "embedded-kosmos2"]
    assert listed[0]["embedded"] is True
    assert "grounding" in listed[0]["tasks"]
    smol = next(entry for entry in listed if entry["name"] == "SmolVLM-256M-Instruct")
    assert smol["parameters"] == 256_000_000
    assert "grounding" not in smol["tasks"]
    assert smol["memory"]["bf16"] == 256_000_000 * 2 * 1.2
    closed = next(entry for entry in listed if entry["runs"] == "nowhere")
    assert closed["runs_here"] is False
    assert closed["nearest"] in closed["obstacle"]


def test_models_prints_a_table_of_the_menu_that_was_given(vlm_demo, menu):
    lines = vlm_demo("models", "--menu", menu).out.splitlines()

    assert lines[0].split() == [
        *("NAME", "FAMILY", "SIZE", "MEMORY", "LICENCE", "COMMERCIAL", "WHERE", "CAN")
    ]
    assert [line.split()[0] for line in lines[1:]] == [
        "tiny-llava15",
        "tiny-kosmos2",
        "tiny-smolvlm",
    ]
    assert "this machine" in lines[1]


def test_caption_prints_the_same_text_with_and_without_json(vlm_demo, menu, file):
    plain = vlm_demo("caption", file, *SHORT)
    as_json = vlm_demo("caption", file, *SHORT, "--json")

    assert plain.status == as_json.status == 0
    assert list(as_json.json) == ["text"]
    assert plain.out == printable(as_json.json["text"]) + "\n"
    assert plain.out.strip()
    assert plain.err == as_json.err == ""


def test_a_caption_goes_on_from_its_given_beginning(vlm_demo, menu, file):
    text = vlm_demo("caption", file, "--prompt", "In this old photo", *SHORT, "--json").json["text"]

    assert text.startswith("In this old photo")
    assert text != "In this old photo"


def test_a_picture_can_come_from_standard_input(vlm_demo, menu, file):
    from_file = vlm_demo("caption", file, *SHORT, "--json").json
    from_stdin = vlm_demo("caption", "-", *SHORT, "--json", stdin=file.read_bytes()).json

    assert from_stdin == from_file


def test_choices_are_the_only_answers(vlm_demo, menu, file):
    answer = vlm_demo(
        "ask", file, "What colour is it?", "--choices", " teal,dark mauve ,", "--json"
    )

    choices = {choice["text"]: choice["probability"] for choice in answer.json["choices"]}
    assert list(choices) == ["teal", "dark mauve"]
    assert sum(choices.values()) == pytest.approx(1)
    assert answer.json["text"] == max(choices, key=choices.get)
    plain = vlm_demo("ask", file, "What colour is it?", "--choices", "teal,dark mauve")
    assert plain.out.strip() == answer.json["text"]


def test_where_probabilities_are_not_known_a_choice_is_made(
    vlm_demo, menu, file, answering, monkeypatch
):
    def score(self, model, request):
        raise NoScoresError("The server does not tell.")

    asked = answering(Reply("teal", "teal"))
    monkeypatch.setattr(Backend, "score", score)
    assert vlm_demo("ask", file, "What?", "--choices", "teal,red", "--json").json == {
        "text": "teal"
    }
    assert asked[0].choices == ("teal", "red")


def test_an_answer_has_the_form_that_is_asked_for(vlm_demo, menu, file, tmp_path):
    text = '{"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}}'
    text += ', "required": ["n"], "additionalProperties": false}'
    path = tmp_path / "schema.json"
    path.write_text(text)

    number = vlm_demo("ask", file, "How many?", "--pattern", "[0-9]{2}").out
    schemas = [vlm_demo("ask", file, "What?", "--schema", given).out for given in (text, path)]

    assert re.fullmatch("[0-9]{2}\n", number)
    assert json.loads(schemas[0])["n"] in range(10)
    assert schemas[0] == schemas[1]


def test_unsure_places_can_be_left_out(vlm_demo, menu, file, answering):
    box, other = Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1)
    marks = (ParsedPlace((0, 1), (), box, 0.9), ParsedPlace((1, 2), (), other, 0.3))
    mentions = (Mention("a", (0, 0), (box,)), Mention("b", (0, 0), (other,)))
    answering(Reply("xy", "", mentions, ReplyState.FOUND, parsed_places=marks))

    def found(*options):
        items = vlm_demo("locate", file, "a", "--json", *options).json["items"]
        return [item["phrase"] for item in items]

    assert found() == ["a", "b"]
    assert found("--least-confidence", "0.5") == ["a"]
    assert found("--least-confidence", "0.95") == []


def test_a_seed_repeats_an_answer_and_another_changes_it(vlm_demo, menu, file):
    def ask(seed):
        options = ("--temperature", "1.5", "--seed", seed, "--max-new-tokens", "12", "--json")
        return vlm_demo("ask", file, "What is it?", *options).json["text"]

    assert ask(1) == ask(1)
    assert len({ask(1), ask(2), ask(3)}) > 1


def test_the_token_limit_is_kept(vlm_demo, menu, file):
    short, long = (
        vlm_demo("caption", file, "--max-new-tokens", n, "--json").json["text"] for n in (2, 12)
    )

    assert len(short) < len(long)


def test_another_model_of_the_menu_answers(vlm_demo, menu, file):
    texts = {
        vlm_demo("caption", file, "--model", f"tiny-{family}", *SHORT, "--json").json["text"]
        for family in ("llava15", "kosmos2", "smolvlm")
    }

    assert len(texts) == 3


def test_a_folder_can_be_the_model(vlm_demo, menu, file, tiny_kosmos2):
    by_folder = vlm_demo("caption", file, "--model", tiny_kosmos2, *SHORT, "--json")

    assert (
        by_folder.json
        == vlm_demo("caption", file, "--model", "tiny-kosmos2", *SHORT, "--json").json
    )


PLACES = Reply(
    "A dog [0.50, 0.25, 1.00, 0.75]",
    "A dog",
    (Mention("A dog", (0, 5), (Box(0.5, 0.25, 1.0, 0.75),)),),
    ReplyState.FOUND,
)
BOX_PX = [48.0, 16.0, 96.0, 48.0]


def test_locate_prints_pixels_of_the_file(vlm_demo, menu, file, answering):
    asked = answering(PLACES)

    found = vlm_demo("locate", file, "a dog", "--format", "json")

    assert found.json == {
        "text": "A dog",
        "items": [
            {"phrase": "A dog", "boxes_xyxy_px": [BOX_PX], "points_px": [], "polygons_px": []}
        ],
    }
    assert found.out == vlm_demo("locate", file, "a dog", "--json").out
    assert asked[0].text == "a dog"


def test_locate_counts_pixels_in_the_picture_as_it_is_seen_upright(
    vlm_demo, menu, tmp_path, answering
):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be seen upright, turn it by 90 degrees
    Image.new("RGB", (200, 100), "white").save(tmp_path / "turned.jpg", exif=exif)
    answering(PLACES)

    (item,) = vlm_demo("locate", tmp_path / "turned.jpg", "a dog", "--json").json["items"]

    assert item["boxes_xyxy_px"] == [[50.0, 50.0, 100.0, 150.0]]


def test_locate_prints_text_and_places_for_people(vlm_demo, menu, file, answering):
    answering(PLACES)

    assert vlm_demo("locate", file, "a dog").out == "A dog\nA dog: 48, 16, 96, 48\n"


def test_an_answer_of_places_alone_has_no_empty_line(vlm_demo, menu, file, answering):
    answering(Reply("[0.50, 0.25, 1.00, 0.75]", "", PLACES.mentions, ReplyState.FOUND))

    assert vlm_demo("locate", file, "a dog").out == "A dog: 48, 16, 96, 48\n"


def test_locate_says_when_there_is_no_place(vlm_demo, menu, file, answering):
    answering(Reply("There is no zebra.", "There is no zebra."))

    nothing = vlm_demo("locate", file, "zebra")

    assert nothing.out == "There is no zebra.\n"
    assert nothing.err == "No place was found.\n"


def test_locate_tells_unreadable_places_from_none(vlm_demo, menu, file, answering):
    answering(Reply("[0.1, 0.2,", "", state=ReplyState.UNREADABLE))

    unreadable = vlm_demo("locate", file, "zebra", "--json")

    assert unreadable.json == {"text": "", "items": []}
    assert "[0.1, 0.2," in unreadable.err


@pytest.mark.parametrize(
    ("form", "sign"), [("coco", '"bbox": [48.0, 16.0, 48.0, 32.0]'), ("voc", "<xmin>49</xmin>")]
)
def test_locate_writes_the_form_that_is_asked_for(vlm_demo, menu, file, answering, form, sign):
    answering(PLACES)

    found = vlm_demo("locate", file, "a dog", "--format", form)

    assert sign in found.out
    assert "picture.png" in found.out


def test_locate_says_what_yolo_cannot_hold(vlm_demo, menu, file, answering):
    answering(Reply("", "", (*PLACES.mentions, Mention("eye", (0, 0), (Point(0.5, 0.5),)))))

    found = vlm_demo("locate", file, "a dog", "--format", "yolo")

    assert found.out == "0 0.750000 0.500000 0.500000 0.500000\n"
    assert found.err.splitlines() == [
        "class 0: A dog",
        "class 1: eye",
        "yolo holds no points; left out: 1.",
    ]


def test_locate_writes_csv(vlm_demo, menu, file, answering):
    answering(PLACES)

    (row,) = csv.DictReader(io.StringIO(vlm_demo("locate", file, "a dog", "--format", "csv").out))

    assert [float(row[key]) for key in ("x1_px", "y1_px", "x2_px", "y2_px")] == BOX_PX


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_locate_saves_the_picture_with_the_places_drawn(
    vlm_demo, menu, file, answering, tmp_path, suffix
):
    answering(PLACES)

    saved = vlm_demo("locate", file, "a dog", "--json", "--out", tmp_path / f"out.{suffix}")

    assert saved.status == 0
    with Image.open(tmp_path / f"out.{suffix}") as drawn, Image.open(file) as original:
        assert drawn.size == original.size
        assert drawn.convert("RGB").tobytes() != original.tobytes()


def test_a_grounded_caption_has_places(vlm_demo, menu, file, answering):
    answering(PLACES)

    assert vlm_demo("caption", file, "--grounded", "--json").json["items"][0]["phrase"] == "A dog"
    assert vlm_demo("caption", file, "--grounded").out.endswith("A dog: 48, 16, 96, 48\n")


@pytest.mark.parametrize(
    ("options", "task"),
    [((), "caption"), (("--detailed",), "detailed_caption"), (("--grounded",), "grounded_caption")],
)
def test_caption_options_choose_the_task(vlm_demo, menu, file, answering, options, task):
    asked = answering(PLACES)

    vlm_demo("caption", file, *options)

    assert asked[0].task == task


def test_without_sampling_options_the_family_decides(vlm_demo, menu, file, answering):
    asked = answering(PLACES)

    vlm_demo("caption", file)
    vlm_demo("caption", file, "--seed", "7")

    assert asked[0].sampling is None
    family = get_family("llava15").sampling
    assert asked[1].sampling == Sampling(
        **{name: getattr(family, name) for name in Sampling.__slots__ if name != "seed"}, seed=7
    )


def test_describe_asks_about_a_region_in_pixels(vlm_demo, menu, file, answering):
    asked = answering(Reply("a red circle", "a red circle"))

    described = vlm_demo("describe", file, "--box", "24,16, 72,64", "--json")

    assert described.json == {"text": "a red circle"}
    assert asked[0].regions == (Box(0.25, 0.25, 0.75, 1.0),)


def test_regions_are_named_in_the_words_and_reach_the_model_as_is_asked(
    vlm_demo, menu, file, answering
):
    asked = answering(Reply("a red circle", "a red circle", note="It was drawn in."))
    boxes = ("--box", "0,0,24,16", "--box", "24,16,72,64")
    corners = (Box(0, 0, 0.25, 0.25), Box(0.25, 0.25, 0.75, 1))

    told = vlm_demo("ask", file, "Is [2] like [1]?", *boxes, "--regions-as", "marks")
    vlm_demo("describe", file, *boxes[:2], "--regions-as", "crop")
    talk = b"What are they?\nWhy?\nIs [2] red?\n/undo\n"
    vlm_demo("chat", file, *boxes, stdin=talk)

    assert told.out.strip() == "a red circle"
    assert told.err.strip() == "It was drawn in."
    forms = [RegionForm.MARKS, RegionForm.CROP, *[RegionForm.AUTO] * 3]
    assert [request.region_form for request in asked] == forms
    regions = [request.regions for request in asked]
    assert regions == [corners, corners[:1], corners, (), corners], "where words name one again"
    assert asked[-1].history[0].regions == corners


@pytest.mark.parametrize("command", [["describe"], ["ask", "What?"], ["chat"]])
def test_a_box_off_the_picture_is_refused(vlm_demo, menu, file, command):
    name, *words = command
    refused = vlm_demo(name, file, *words, "--box", "0,0,9,9", "--box", "200,0,300,50")
    assert refused.status == 2
    assert "covers nothing of the picture of 96 x 64 pixels" in refused.err


def test_a_box_is_sorted_and_clipped_to_the_picture():
    assert parse_box("150,-20,50,40", (100, 80)) == Box(0.5, 0.0, 1.0, 0.5)


def test_a_conversation_goes_on_through_a_pipe(vlm_demo, menu, file):
    talk = vlm_demo("chat", file, *SHORT, stdin=b"What is it?\nAnd now?\n\n/quit\nnot asked\n")

    assert talk.status == 0
    assert talk.err == ""
    assert len(talk.out.replace(BROKEN, "?").splitlines()) >= 2


def test_a_conversation_keeps_its_history(vlm_demo, menu, file, answering):
    asked = answering(Reply("raw [0.1]", "clean"))

    vlm_demo("chat", file, stdin="何ですか\nsecond\n".encode())

    first, second = asked
    assert (first.text, len(first.images), first.history) == ("何ですか", 1, ())
    assert (second.text, second.images) == ("second", ())
    assert [(turn.role, turn.text) for turn in second.history] == [
        ("user", "何ですか"),
        ("assistant", "raw [0.1]"),
    ]
    assert len(second.history[0].images) == 1


def test_retry_and_undo_take_the_last_turn_back(vlm_demo, menu, file, answering):
    asked = answering(Reply("yes", "yes"))

    vlm_demo("chat", file, stdin=b"one\ntwo\n/retry\n/undo\n/undo\nthree\n")

    assert [request.text for request in asked] == ["one", "two", "two", "three"]
    assert [len(request.history) for request in asked] == [0, 2, 2, 0]
    assert len(asked[3].images) == 1  # the picture is asked about anew


def test_a_conversation_can_go_on_with_another_picture(vlm_demo, menu, file, answering, tmp_path):
    other = tmp_path / "other picture.png"
    Image.new("RGB", (10, 30), "blue").save(other)
    asked = answering(Reply("yes", "yes"))

    vlm_demo("chat", file, stdin=f"one\n/picture {other}\ntwo\n".encode())

    assert [request.images[0].size for request in asked] == [(96, 64), (10, 30)]


def test_a_conversation_goes_on_after_an_error(vlm_demo, menu, file, answering, tmp_path):
    asked = answering(Reply("yes", "yes"))
    lines = f"/retry\n/nonsense\n/picture {tmp_path}/none.png\nhello\n"

    talk = vlm_demo("chat", file, stdin=lines.encode())

    assert talk.status == 0
    assert talk.out == "yes\n"
    assert [line.split(":")[0] for line in talk.err.splitlines()] == ["Error"] * 3
    assert len(asked) == 1
    assert len(asked[0].images) == 1  # the picture is still there after the failures


def test_a_question_that_cannot_be_asked_leaves_the_conversation_as_it_was(vlm_demo, menu, file):
    lines = f"{'x' * 9000}\nWhat is it?\n"

    talk = vlm_demo("chat", file, *SHORT, stdin=lines.encode())

    assert talk.status == 0
    assert talk.err == (
        "Error: This text has 9,000 characters, 1,000 too many: at most 8,000 are taken. "
        "Please shorten it.\n"
    )
    assert talk.out == vlm_demo("chat", file, *SHORT, stdin=b"What is it?\n").out


def test_evaluate_prints_scores_as_json_and_as_a_table(vlm_demo, menu, monkeypatch):
    asked = []

    def evaluate(benchmark, backend, model, *, seed, count, data):
        asked.append((benchmark, model, seed, count))
        return {"caption_f1": 0.98765, "japanese_em": None, "n": 1200}

    monkeypatch.setattr(edges, "evaluate", evaluate)
    options = ("--model", "tiny-kosmos2", "--seed", "5", "--n", "1200")

    assert vlm_demo("evaluate", *options, "--json").out == (
        '{"caption_f1": 0.98765, "japanese_em": null, "n": 1200}\n'
    )
    assert vlm_demo("evaluate").out.split() == [
        *("SCORE", "tiny-llava15"),
        *("caption_f1", "0.988"),
        *("japanese_em", "not", "measured"),
        *("n", "1200"),
    ]
    assert asked == [("scenes", "tiny-kosmos2", 5, 1200), ("scenes", "tiny-llava15", 0, None)]


def test_train_prints_the_folder_of_the_finished_model(vlm_demo, monkeypatch, tmp_path):
    asked = []

    def train(recipe, out, *, fresh):
        asked.append((recipe, out, fresh))
        return out or Path("runs/there")

    monkeypatch.setattr(edges, "train", train)

    assert vlm_demo("train", "--recipe", "a", "--out", tmp_path, "--fresh").out == f"{tmp_path}\n"
    assert vlm_demo("train", "--recipe", "a", "--resume").out == "runs/there\n"
    assert asked == [("a", tmp_path, True), ("a", None, False)]


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("captoin", "x.png"), "No such command 'captoin'"),
        (("caption",), "Missing argument 'PICTURE'"),
        (("caption", "none.png"), "none.png cannot be read: No such file or directory"),
        (("caption", "."), "cannot be read: Is a directory"),
        (("caption", "-"), "empty"),
        (("caption", "{text}"), "not a picture"),
        (("caption", "{cut}"), "damaged"),
        (("caption", "{file}", "--nonsense"), "No such option: --nonsense"),
        (("caption", "{file}", "--detailed", "--grounded"), "choose one of the two"),
        (("caption", "{file}", "--model", "quen"), "On the menu: tiny-llava15, tiny-kosmos2"),
        (("caption", "{file}", "--model", "nobody/nothing"), "nobody/nothing"),
        (("caption", "{file}", "--menu", "none.toml"), "none.toml cannot be read"),
        (("caption", "{file}", "--temperature", "hot"), "--temperature"),
        (("caption", "{file}", "--temperature", "nan"), "--temperature"),
        (("caption", "{file}", "--temperature", "-1"), "--temperature"),
        (("caption", "{file}", "--max-new-tokens", "0"), "--max-new-tokens"),
        (("caption", "{file}", "--seed", "-1"), "--seed"),
        (("ask", "{file}", ""), "no words"),
        (("ask", "{file}", " \n "), "no words"),
        (("ask", "{file}", "x" * 10_000), "10,000 characters, 2,000 too many: at most 8,000"),
        (("ask", "{file}", "what?", "--choices", " , "), "give words with commas between"),
        (("locate", "{file}", ""), "no words"),
        (("locate", "{file}", "dog", "--format", "xml"), "'xml' is not one of 'json', 'coco'"),
        (("locate", "{file}", "dog", "--json", "--format", "csv"), "it is JSON already"),
        (("locate", "{file}", "dog", "--model", "tiny-smolvlm"), "SmolVLM models cannot do this"),
        (("locate", "{file}", "dog", "--out", "{file}.gif"), "must end in one of .png"),
        (("locate", "{file}", "dog", "--out", "/no/where.png"), "there is no folder /no"),
        (("describe", "{file}"), "Missing option '--box'"),
        (("describe", "{file}", "--box", "1,2,3"), "give four numbers"),
        (("describe", "{file}", "--box", "1,2,3,x"), "give four numbers"),
        (("describe", "{file}", "--box", "0,0,nan,9"), "give four finite numbers"),
        (("describe", "{file}", "--box", "200,0,300,9"), "nothing of the picture of 96 x 64"),
        (("describe", "{file}", "--box", "5,5,5,9"), "nothing of the picture"),
        (("chat", "-"), "the picture must be a file"),
        (("prompt",), "Missing option '--model'"),
        (("prompt", "--model", "quen"), "no model or family called 'quen'. Known: tiny-llava15"),
        (("prompt", "--model", "llava15"), "no words"),
        (("prompt", "--model", "llava15", "--task", "sing"), "'sing' is not one of 'chat'"),
        (("prompt", "--model", "smolvlm", "--task", "detect", "--text", "a"), "cannot do this"),
        (("prompt", "--model", "llava15", "--text", "a", "--history", "x"), "'--history'"),
        (("prompt", "--model", "llava15", "--text", "a", "--picture", "none.png"), "cannot be"),
        (("ask", "{file}", "what?", "--pattern", "a("), "This pattern cannot be used: unclosed"),
        (("ask", "{file}", "what?", "--schema", "{"), "This schema cannot be used"),
        (("ask", "{file}", "what?", "--schema", "none.json"), "neither JSON nor a file"),
        (("ask", "{file}", "what?", "--choices", "a", "--pattern", "b"), "one of them"),
        (("locate", "{file}", "x", "--least-confidence", "2"), "'--least-confidence'"),
        (("train", "--recipe", "none"), "There is no recipe 'none'. Known: embedded-llava15"),
        (("evaluate", "--benchmark", "none"), "There is no benchmark 'none'. Known: own, scenes"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(
    vlm_demo, menu, file, tmp_path, monkeypatch, arguments, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture\n" * 100)
    (tmp_path / "cut.png").write_bytes(file.read_bytes()[:60])
    names = {"{file}": str(file), "{text}": "text.png", "{cut}": "cut.png"}
    for name, path in names.items():
        arguments = [argument.replace(name, path) for argument in arguments]

    outcome = vlm_demo(*arguments)

    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1
    assert reason in outcome.err


def test_control_tokens_in_a_question_are_plain_text(vlm_demo, menu, file):
    asked = vlm_demo(
        "ask", file, "<image></s> what <box> is it?<patch_index_0001>", *SHORT, "--json"
    )

    assert asked.status == 0


def test_an_unreadable_setting_is_one_clear_line(vlm_demo, file, monkeypatch):
    monkeypatch.setenv("VLM_DEMO_MAX_PIXELS", "many")

    outcome = vlm_demo("caption", file)

    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "VLM_DEMO_MAX_PIXELS" in outcome.err


# In a terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_text_grows_in_a_terminal():
    seen = []
    with redirect_stdout(Terminal()) as terminal:
        growing = GrowingText()
        for text in ("A ", "A red", "A red cir"):
            growing.grow(text)
            seen.append(terminal.getvalue())
        growing.end("A red circle.")

    assert seen == ["A", "A red", "A red cir"]
    assert terminal.getvalue() == "A red circle.\n"


def test_text_that_changed_behind_the_cursor_is_shown_again():
    with redirect_stdout(Terminal()) as terminal:
        growing = GrowingText()
        growing.grow("A red [0.1")
        growing.grow("A red circle")
        growing.end("A red circle.")

    assert terminal.getvalue() == "A red [0.1\nA red circle.\n"


def test_text_does_not_grow_in_a_pipe():
    with redirect_stdout(io.StringIO()) as pipe:
        growing = GrowingText()
        growing.grow("A red [0.1")
        growing.end("A red circle.")

    assert pipe.getvalue() == "A red circle.\n"


def test_a_model_cannot_steer_the_terminal():
    with redirect_stdout(Terminal()) as terminal:
        GrowingText().end("\x1b]0;title\x07\x1b[2Jred\x9b")

    assert terminal.getvalue() == "]0;title[2Jred\n"


def test_progress_is_shown_in_a_terminal_only(monkeypatch, capsys):
    steps = [
        Progress("fetching", 0, 2_000_000, "bytes"),
        Progress("fetching", 2_000_000, 2_000_000, "bytes"),
        Progress("loading", 1, None, "steps"),
    ]
    show_progress(steps, "a model")
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    show_progress(steps, "a model")
    shown = capsys.readouterr().err
    assert "Fetching a model" in shown
    assert "Loading a model" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal")
def test_ctrl_c_stops_the_answer_and_not_the_conversation(menu, file):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", "chat", str(file), "--max-new-tokens", "3000"],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        # Where the tests run in the background, the signal is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    try:
        read_until(ours, b"> ")
        os.write(ours, b"What is it?\n")
        assert b"> " not in read_until(ours, b"What is it?")
        os.read(ours, 4096)
        process.send_signal(signal.SIGINT)  # in the midst of the answer
        _, after = read_until(ours, b"(stopped)").split(b"(stopped)")
        if b"> " not in after:
            read_until(ours, b"> ")
        os.write(ours, b"\x04")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal, wanted, seconds=60):
    seen, end = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096)
    assert wanted in seen
    return seen


# As another process


def vlm_demo_process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "vlm_demo", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )


def test_help_names_every_command():
    shown = vlm_demo_process("--help")

    assert shown.returncode == 0
    for command in b"models caption ask locate describe chat parse prompt train evaluate".split():
        assert command in shown.stdout


def test_without_arguments_the_help_is_shown():
    assert vlm_demo_process().stdout == vlm_demo_process("--help").stdout


def test_an_error_in_another_process_is_one_line_and_status_2():
    failed = vlm_demo_process("caption", "none.png", "--model", "quen")

    assert failed.returncode == 2
    assert failed.stdout == b""
    assert failed.stderr.startswith(b"Error: There is no model called 'quen'.")
    assert failed.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["caption", "--help"],
        ["models"],
        ["parse"],
        ["prompt", "--model", "llava15", "--text", "What is it?"],
        ["caption", "none.png"],
        ["caption", "x", "-y"],
    ],
)
def test_what_needs_no_model_loads_no_heavy_library(arguments):
    script = (
        "import sys\nfrom vlm_demo.cli import run\nrun(sys.argv[1:])\n"
        "print([m for m in ('torch', 'transformers', 'gradio', 'supervision') if m in sys.modules])"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert outcome.stdout.splitlines()[-1] == "[]"


def test_json_alone_is_on_standard_output_and_is_utf_8(menu, file):
    answered = vlm_demo_process(
        *("locate", file, "猫", "--model", "tiny-kosmos2", "--json", *SHORT),
        env=os.environ | {"PYTHONWARNINGS": "default", "PYTHONIOENCODING": "ascii"},
    )

    assert answered.returncode == 0
    assert json.loads(answered.stdout)["text"].startswith("猫")


def test_bytes_that_are_not_text_stop_no_conversation(menu, file):
    talk = vlm_demo_process("chat", file, *SHORT, input=b"caf\xe9\nWhat is it?\n")

    assert (talk.returncode, talk.stderr) == (0, b"")
    assert len(talk.stdout.splitlines()) >= 2


def test_a_closed_pipe_is_no_traceback(menu):
    process = subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", "models", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    with process.stderr:
        assert b"Traceback" not in process.stderr.read()
    process.wait(timeout=60)


# With the embedded models, on drawings that are not from scenes/

EMBEDDED = ("embedded-llava15", "embedded-kosmos2")
DRAWINGS = [
    ("red", "circle", (300, 200), (60, 40, 180, 160)),
    ("blue", "square", (800, 800), (420, 380, 700, 660)),
    ("green", "triangle", (200, 500), (30, 260, 170, 400)),
    ("yellow", "star", (1600, 900), (900, 200, 1400, 700)),
]


def drawn(path, *things, size):
    """Save a drawing of (colour, shape, x1 y1 x2 y2 in pixels)."""
    drawing(size, *things).save(path)
    return path


@pytest.mark.parametrize("model", EMBEDDED)
@pytest.mark.parametrize(("colour", "shape", "size", "place"), DRAWINGS)
def test_an_embedded_model_captions_and_locates_a_drawing(
    vlm_demo, tmp_path, model, colour, shape, size, place
):
    path = drawn(tmp_path / "drawing.png", (colour, shape, place), size=size)

    caption = vlm_demo("caption", path, "--model", model, "--json").json["text"]
    found = vlm_demo("locate", path, f"{colour} {shape}", "--model", model, "--format", "json").json
    colour_said = vlm_demo("ask", path, f"What colour is the {shape}?", "--model", model, "--json")

    assert f"{colour} {shape}" in caption
    ((box,),) = [item["boxes_xyxy_px"] for item in found["items"]]
    assert Box.normalize(*box, by=size).iou(Box.normalize(*place, by=size)) >= 0.5
    assert colour_said.json["text"].strip(".") == colour


@pytest.mark.parametrize("model", EMBEDDED)
def test_an_embedded_model_names_counts_and_finds_several_things(vlm_demo, tmp_path, model):
    size, dot, box = (640, 480), (60, 60, 200, 200), (360, 240, 540, 420)
    path = drawn(tmp_path / "two.png", ("red", "circle", dot), ("blue", "square", box), size=size)

    grounded = vlm_demo("caption", path, "--grounded", "--model", model, "--json").json
    described = vlm_demo(
        "describe", path, "--box", ",".join(map(str, box)), "--model", model, "--json"
    ).json["text"]
    count = vlm_demo("ask", path, "How many objects are there?", "--model", model, "--json").json

    places = {item["phrase"]: item["boxes_xyxy_px"] for item in grounded["items"]}
    for words, truth in (("red circle", dot), ("blue square", box)):
        ((found,),) = [boxes for phrase, boxes in places.items() if words in phrase]
        assert Box.normalize(*found, by=size).iou(Box.normalize(*truth, by=size)) >= 0.5
    assert "blue square" in described
    assert count["text"].strip(".").lower() in ("2", "two")


def test_the_default_model_says_that_a_thing_is_absent(vlm_demo, tmp_path):
    path = drawn(tmp_path / "one.png", ("red", "circle", (60, 60, 200, 200)), size=(300, 300))

    found = vlm_demo("locate", path, "zebra", "--json").json

    assert found["items"] == []
    assert "no zebra" in found["text"]


def test_the_default_model_follows_a_conversation(vlm_demo, tmp_path):
    path = drawn(tmp_path / "one.png", ("green", "triangle", (60, 60, 200, 200)), size=(300, 300))

    talk = vlm_demo("chat", path, stdin=b"What is in the picture?\nWhat colour is it?\n").out

    first, second = talk.splitlines()
    assert "triangle" in first
    assert "green" in second.lower()
