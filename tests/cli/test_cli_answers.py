"""Commands that ask a model about a picture: their options, and what they print."""

import json
import re

import pytest

from vlm_demo.backend import Backend
from vlm_demo.cli.options import parse_box
from vlm_demo.cli.terminal import printable
from vlm_demo.errors import NoScoresError
from vlm_demo.families import get_family
from vlm_demo.prompting.stop_notes import STOP_NOTES
from vlm_demo.values import (
    Box,
    RegionForm,
    Reply,
    Sampling,
    StopReason,
)

SHORT = ("--max-new-tokens", "6")


def test_models_lists_the_menu_with_the_default_first(run_command):
    listed = run_command("models", "--json").json

    assert [entry["name"] for entry in listed[:2]] == ["automatic", "embedded-llava15"]
    assert listed[0]["embedded"] is True
    assert "grounding" in listed[0]["tasks"]
    smol = next(entry for entry in listed if entry["name"] == "SmolVLM-256M-Instruct")
    assert smol["parameters"] == 256_000_000
    assert "grounding" not in smol["tasks"]
    assert smol["memory"]["bf16"] == 256_000_000 * 2 * 1.2
    closed = next(entry for entry in listed if entry["runs"] == "nowhere")
    assert closed["runs_here"] is False
    assert closed["nearest"] in closed["obstacle"]


def test_models_prints_a_table_of_the_menu_that_was_given(run_command, menu):
    lines = run_command("models", "--menu", menu).out.splitlines()

    assert lines[0].split() == [
        *("NAME", "FAMILY", "SIZE", "MEMORY", "LICENCE", "COMMERCIAL", "WHERE", "CAN")
    ]
    assert [line.split()[0] for line in lines[1:]] == [
        "tiny-llava15",
        "tiny-kosmos2",
        "tiny-smolvlm",
    ]
    assert "this computer" in lines[1]


def test_caption_prints_the_same_text_with_and_without_json(run_command, menu, file):
    plain = run_command("caption", file, *SHORT)
    as_json = run_command("caption", file, *SHORT, "--json")

    assert plain.status == as_json.status == 0
    assert list(as_json.json) == ["text", "stop", "model"]
    assert as_json.json["stop"] == "length"
    assert plain.out == printable(as_json.json["text"]) + "\n"
    assert plain.out.strip()
    assert plain.err == as_json.err == f"{STOP_NOTES[StopReason.LENGTH]}\n"


def test_a_caption_goes_on_from_its_given_beginning(run_command, menu, file):
    text = run_command("caption", file, "--prompt", "In this old photo", *SHORT, "--json").json[
        "text"
    ]

    assert text.startswith("In this old photo")
    assert text != "In this old photo"


def test_a_picture_can_come_from_standard_input(run_command, menu, file):
    from_file = run_command("caption", file, *SHORT, "--json").json
    from_stdin = run_command("caption", "-", *SHORT, "--json", stdin=file.read_bytes()).json

    assert from_stdin == from_file


def test_choices_are_the_only_answers(run_command, menu, file):
    answer = run_command(
        "ask", file, "What colour is it?", "--choices", " teal,dark mauve ,", "--json"
    )

    choices = {choice["text"]: choice["probability"] for choice in answer.json["choices"]}
    assert list(choices) == ["teal", "dark mauve"]
    assert sum(choices.values()) == pytest.approx(1)
    assert answer.json["text"] == max(choices, key=choices.get)
    plain = run_command("ask", file, "What colour is it?", "--choices", "teal,dark mauve")
    assert plain.out.strip() == answer.json["text"]


def test_where_probabilities_are_not_known_a_choice_is_made(
    run_command, menu, file, answering, monkeypatch
):
    def score(self, model, request):
        raise NoScoresError("The server does not tell.")

    asked = answering(Reply("teal", "teal"))
    monkeypatch.setattr(Backend, "score", score)
    assert run_command("ask", file, "What?", "--choices", "teal,red", "--json").json == {
        "text": "teal"
    }
    assert asked[0].choices == ("teal", "red")


def test_a_silent_server_is_named_once(run_command, file, answering, monkeypatch, tmp_path):
    menu = tmp_path / "remote.toml"
    menu.write_text(
        '[[model]]\nname = "there"\nfamily = "gemma3"\nengine = "remote"\ncheckpoint = "m"\n'
        'base_url = "http://127.0.0.1:1/v1"\n'
    )
    monkeypatch.setattr("vlm_demo.cli.model.PATIENCE_S", 0)
    silence = [Reply("", "", is_waiting=True)] * 3
    answering(*silence, Reply("teal", "teal"))
    outcome = run_command("ask", file, "What?", "--menu", menu)
    assert (outcome.out, outcome.err) == ("teal\n", "Waiting for the server of there ...\n")


def test_an_answer_has_the_form_that_is_asked_for(run_command, menu, file, tmp_path):
    text = '{"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}}'
    text += ', "required": ["n"], "additionalProperties": false}'
    path = tmp_path / "schema.json"
    path.write_text(text)

    number = run_command("ask", file, "How many?", "--pattern", "[0-9]{2}").out
    schemas = [run_command("ask", file, "What?", "--schema", given).out for given in (text, path)]

    assert re.fullmatch("[0-9]{2}\n", number)
    assert json.loads(schemas[0])["n"] in range(10)
    assert schemas[0] == schemas[1]


def test_a_seed_repeats_an_answer_and_another_changes_it(run_command, menu, file):
    def ask(seed):
        options = ("--temperature", "1.5", "--seed", seed, "--max-new-tokens", "12", "--json")
        return run_command("ask", file, "What is it?", *options).json["text"]

    assert ask(1) == ask(1)
    assert len({ask(1), ask(2), ask(3)}) > 1


def test_the_token_limit_is_kept(run_command, menu, file):
    short, long = (
        run_command("caption", file, "--max-new-tokens", n, "--json").json["text"] for n in (2, 12)
    )

    assert len(short) < len(long)


def test_another_model_of_the_menu_answers(run_command, menu, file):
    texts = {
        run_command("caption", file, "--model", f"tiny-{family}", *SHORT, "--json").json["text"]
        for family in ("llava15", "kosmos2", "smolvlm")
    }

    assert len(texts) == 3


def test_a_folder_can_be_the_model(run_command, menu, file, tiny_kosmos2):
    by_folder = run_command("caption", file, "--model", tiny_kosmos2, *SHORT, "--json")

    assert (
        by_folder.json
        == run_command("caption", file, "--model", "tiny-kosmos2", *SHORT, "--json").json
    )


@pytest.mark.parametrize(
    ("options", "task"),
    [((), "caption"), (("--detailed",), "detailed_caption"), (("--grounded",), "grounded_caption")],
)
def test_caption_options_choose_the_task(run_command, menu, file, answering, options, task):
    asked = answering(Reply("a dog", "a dog"))

    run_command("caption", file, *options)

    assert asked[0].task == task


def test_without_sampling_options_the_family_decides(run_command, menu, file, answering):
    asked = answering(Reply("a dog", "a dog"))

    run_command("caption", file)
    run_command("caption", file, "--seed", "7")

    assert asked[0].sampling is None
    family = get_family("llava15").sampling
    assert asked[1].sampling == Sampling(
        **{name: getattr(family, name) for name in Sampling.__slots__ if name != "seed"}, seed=7
    )


def test_describe_asks_about_a_region_in_pixels(run_command, menu, file, answering):
    asked = answering(Reply("a red circle", "a red circle"))

    described = run_command("describe", file, "--box", "24,16, 72,64", "--json")

    assert described.json == {"text": "a red circle"}
    assert asked[0].regions == (Box(0.25, 0.25, 0.75, 1.0),)


def test_regions_are_named_in_the_words_and_reach_the_model_as_is_asked(
    run_command, menu, file, answering
):
    asked = answering(Reply("a red circle", "a red circle", note="It was drawn in."))
    boxes = ("--box", "0,0,24,16", "--box", "24,16,72,64")
    corners = (Box(0, 0, 0.25, 0.25), Box(0.25, 0.25, 0.75, 1))

    told = run_command("ask", file, "Is [2] like [1]?", *boxes, "--regions-as", "marks")
    run_command("describe", file, *boxes[:2], "--regions-as", "crop")
    talk = b"What are they?\nWhy?\nIs [2] red?\n/undo\n"
    run_command("chat", file, *boxes, stdin=talk)

    assert told.out.strip() == "a red circle"
    assert told.err.strip() == "It was drawn in."
    forms = [RegionForm.MARKS, RegionForm.CROP, *[RegionForm.AUTO] * 3]
    assert [request.region_form for request in asked] == forms
    regions = [request.regions for request in asked]
    assert regions == [corners, corners[:1], corners, (), corners], "where words name one again"
    assert asked[-1].history[0].regions == corners


@pytest.mark.parametrize("command", [["describe"], ["ask", "What?"], ["chat"]])
def test_a_box_off_the_picture_is_refused(run_command, menu, file, command):
    name, *words = command
    refused = run_command(name, file, *words, "--box", "0,0,9,9", "--box", "200,0,300,50")
    assert refused.status == 2
    assert "covers nothing of the image of 96 x 64 pixels" in refused.err


def test_a_box_is_sorted_and_clipped_to_the_picture():
    assert parse_box("150,-20,50,40", (100, 80)) == Box(0.5, 0.0, 1.0, 0.5)


def test_control_tokens_in_a_question_are_plain_text(run_command, menu, file):
    asked = run_command(
        "ask", file, "<image></s> what <box> is it?<patch_index_0001>", *SHORT, "--json"
    )

    assert asked.status == 0
