"""The page over HTTP, as scripts and browsers talk to it, and its parts in this process."""

from __future__ import annotations

import gc
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw
from support import scripted
from support.scripted import CIRCLE, ScriptedEngine

from vlm_demo.analysis.diagnosis import diagnose, find_alternative_readings
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import ImageError, InputError, SettingsError
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.ui.batch import form as batch_form
from vlm_demo.ui.components.answer.view import answer_value, describe_outcome
from vlm_demo.ui.components.canvas.canvas_values import (
    canvas_value,
    read_regions,
    reply_canvas_value,
)
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.ui.components.model_notice import notice_text
from vlm_demo.ui.components.uploaded_images import (
    accept_image,
    accept_upload,
    full_resolution_url,
)
from vlm_demo.ui.models.parsing.diagnosis_html import diagnosis_html
from vlm_demo.ui.models.parsing.output import InspectedOutput, KnownPrompt
from vlm_demo.ui.streaming import stream_replies
from vlm_demo.values import (
    Box,
    Frame,
    Mention,
    ParsedPlace,
    Point,
    Polygon,
    RegionForm,
    Reply,
    ReplyState,
    Request,
    Task,
    TextChunk,
)

pytestmark = pytest.mark.usefixtures("collect_garbage")


@pytest.fixture
def circle(tmp_path: Path) -> Path:
    """A red circle on white, 400 x 200."""
    image = Image.new("RGB", (400, 200), "white")
    ImageDraw.Draw(image).ellipse((40, 0, 160, 120), fill="red")
    path = tmp_path / "circle.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Client]:
    client = Client(address, verbose=False)
    yield client
    client.close()


# Over HTTP


def test_locate_gives_boxes_in_pixels_of_the_file(client: Client, circle: Path) -> None:
    found = client.predict(handle_file(circle), "red circle", api_name="/locate")
    # Fractions of the picture padded to 400 x 400: 100 pixels above and below.
    assert found["items"][0]["phrase"] == "red circle"
    assert found["items"][0]["boxes_xyxy_px"] == [[40, 0, 160, 140]]


def test_caption_speaks_and_names_its_styles(client: Client, circle: Path) -> None:
    assert client.predict(handle_file(circle), api_name="/caption")["text"] == "A red circle."
    grounded = client.predict(handle_file(circle), "With places", api_name="/caption")
    assert grounded["text"] == "A red circle and a star."
    with pytest.raises(AppError, match="There is no style"):
        client.predict(handle_file(circle), "In verse", api_name="/caption")


def test_ask_answers(client: Client, circle: Path) -> None:
    answer = client.predict(handle_file(circle), "What colour is it?", api_name="/ask")
    assert answer == {"text": "Red", "items": [], "model": "scripted"}


def test_describe_takes_pixels(client: Client, circle: Path, engine: ScriptedEngine) -> None:
    told = client.predict(handle_file(circle), [0, 0, 200, 200], api_name="/describe")
    assert told["text"] == "A blue square."
    assert "[0.00, 0.25, 0.50, 0.75]" in engine.prompts[-1].messages[-1].text
    with pytest.raises(AppError, match="Give a box"):
        client.predict(handle_file(circle), [5, 5, 5, 5], api_name="/describe")


def test_chat_takes_its_own_raw_answers_back(
    client: Client,
    circle: Path,
    engine: ScriptedEngine,
) -> None:
    first = client.predict("Where is it?", handle_file(circle), api_name="/chat")
    assert CIRCLE in first["raw"]
    assert CIRCLE not in first["text"]
    history = [["Where is it?", first["raw"]]]
    client.predict("one-sentence", handle_file(circle), history, api_name="/chat")
    earlier = engine.prompts[-1].messages
    assert [message.role for message in earlier] == ["user", "assistant", "user"]
    assert CIRCLE in earlier[1].text
    assert len(earlier[0].images) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [("", "this task needs text"), ("x" * 10_000, "10,000 characters")],
)
def test_bad_words_get_one_clear_message(
    client: Client, circle: Path, words: str, message: str
) -> None:
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(circle), words, api_name="/ask")


def test_a_file_that_is_no_picture_gets_one_clear_message(client: Client, tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_text("not a picture")
    with pytest.raises(AppError, match="not a supported image"):
        client.predict(handle_file(fake), "dog", api_name="/locate")


def test_files_that_were_not_uploaded_are_not_opened(client: Client, circle: Path) -> None:
    forged = {"path": str(circle), "meta": {"_type": "gradio.FileData"}, "orig_name": "x"}
    with pytest.raises((AppError, ValueError, ImageError)) as failure:
        client.predict(json.loads(json.dumps(forged)) | {"meta": {}}, "dog", api_name="/locate")
    assert "did not arrive" in str(failure.value)


def test_models_lists_the_menu(client: Client) -> None:
    models = client.predict(api_name="/models")
    assert [model["name"] for model in models] == ["scripted", "chat-only", "far-away"]
    assert "grounding" in models[0]["tasks"] and "grounding" not in models[1]["tasks"]


def test_compare_asks_several_and_one_that_fails_stops_nobody(client: Client, circle: Path) -> None:
    told = client.predict(
        handle_file(circle), "vqa", "What colour?", ["scripted", "far-away"], api_name="/compare"
    )
    assert [(answer["model"], answer["text"]) for answer in told] == [
        ("scripted", "Red"),
        ("far-away", ""),
    ]
    assert told[0]["error"] == "" and "Please connect" in told[1]["error"]
    with pytest.raises(AppError, match="There is no task"):
        client.predict(handle_file(circle), "sing", api_name="/compare")


def test_an_answer_is_checked(client: Client, circle: Path) -> None:
    told = client.predict(
        handle_file(circle), "A red circle beside a zebra.", "scripted", api_name="/check"
    )
    found, missing = told["findings"]
    assert (found["phrase"], found["verdict"]) == ("red circle", "supported")
    assert found["boxes_xyxy_px"] == [[40, 0, 160, 140]]
    assert (missing["phrase"], missing["verdict"]) == ("zebra", "contradicted")


def test_several_models_are_asked_for_a_consensus(client: Client, circle: Path) -> None:
    told = client.predict(
        handle_file(circle), "red circle", ["scripted", "far-away"], api_name="/consensus"
    )
    assert [thing["models"] for thing in told["things"]] == [1]
    assert [model["error"] is None for model in told["models"]] == [True, False]
    with pytest.raises(AppError, match="2 to 6"):
        client.predict(handle_file(circle), "red circle", ["scripted"], api_name="/consensus")


def test_a_zip_of_pictures_goes_through_a_task(
    client: Client, circle: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(circle, "a.png")
        file.writestr("b.png", b"no picture")
    lines = client.predict(handle_file(archive), "grounding", "red circle", api_name="/batch")
    assert [line["name"] for line in lines] == ["a.png", "b.png"]
    assert lines[0]["items"][0]["boxes_xyxy_px"] == [[40, 0, 160, 140]]
    assert "not a supported image" in lines[1]["error"]
    with pytest.raises(AppError, match="ZIP"):
        client.predict(handle_file(circle), "grounding", "red circle", api_name="/batch")


def test_the_output_of_a_model_elsewhere_is_read(client: Client, circle: Path) -> None:
    raw = "<ref>a cat</ref><box>[[0, 500, 500, 1000]]</box>"
    read = client.predict(raw, "internvl", handle_file(circle), api_name="/read_output")
    assert read["text"] == "a cat"
    assert read["items"][0]["boxes_xyxy_px"] == [[0, 100, 200, 200]]


def test_nobody_has_voted_yet(client: Client) -> None:
    assert client.predict(api_name="/leaderboard") == []


def test_programs_set_how_tokens_are_drawn(
    client: Client, circle: Path, engine: ScriptedEngine
) -> None:
    client.predict(
        handle_file(circle), "dog", max_new_tokens=7, temperature=0.5, seed=3, api_name="/locate"
    )
    drawn = engine.samplings[-1]
    assert (drawn.max_new_tokens, drawn.temperature, drawn.seed) == (7, 0.5, 3)
    with pytest.raises(AppError, match="temperature must be"):
        client.predict(handle_file(circle), "dog", temperature=-1, api_name="/locate")


def test_only_the_tasks_are_public(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {f"/{name}" for name in scripted.ENDPOINTS}


def test_control_tokens_typed_by_a_person_are_defused(
    client: Client,
    circle: Path,
    engine: ScriptedEngine,
) -> None:
    client.predict(handle_file(circle), "<image> what? </s>", api_name="/ask")
    asked = engine.prompts[-1].messages[-1].text
    assert "<image>" not in asked
    assert "</s>" not in asked
    assert "what?" in asked


def test_a_model_that_cannot_is_refused(client: Client, circle: Path) -> None:
    with pytest.raises(AppError, match="Choose another model"):
        client.predict(handle_file(circle), "dog", "chat-only", api_name="/locate")
    with pytest.raises(AppError, match="no model called"):
        client.predict(handle_file(circle), "dog", "nonsense", api_name="/locate")
    for arguments, call in ((("cat, dog",), "/detect"), ((), "/read")):
        with pytest.raises(AppError, match="LLaVA"):
            client.predict(handle_file(circle), *arguments, api_name=call)


# In this process


def test_an_answer_that_takes_time_begins_with_a_sign_of_life_and_ends_whole(
    backend: Backend, engine: ScriptedEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Event()

    def late(*_: object) -> Iterator[TextChunk]:
        begin.wait()
        yield TextChunk("A red circle.")

    monkeypatch.setattr(engine, "stream", late)
    replies = stream_replies(backend, "scripted", Request(Task.CAPTION, images=(picture,)))
    assert next(replies) is None
    begin.set()
    *_, last = replies
    assert last is not None
    assert last.text == "A red circle."


def test_closing_the_answers_stops_the_model(
    backend: Backend,
    engine: ScriptedEngine,
    picture: Image.Image,
) -> None:
    running = stream_replies(backend, "scripted", Request(Task.CHAT, "go on for ever", (picture,)))
    while next(running) is None:
        pass
    assert engine.running == 1
    running.close()
    for _ in range(200):
        if not engine.running:
            break
        import time

        time.sleep(0.01)
    assert engine.running == 0


def test_a_failure_in_the_model_reaches_the_reader(
    backend: Backend,
    engine: ScriptedEngine,
    picture: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> Iterator[TextChunk]:
        yield TextChunk("A")
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "stream", broken)
    with pytest.raises(ZeroDivisionError):
        list(stream_replies(backend, "scripted", Request(Task.CAPTION, images=(picture,))))


def test_every_model_says_of_every_task_that_it_cannot_do() -> None:
    menu = default_menu()
    backend = Backend(menu)
    for spec in menu:
        for task in (
            *batch_form.TASKS.values(),
            Task.CHAT,
            Task.VQA,
        ):
            if not spec.supports(task):
                assert f"{spec.name} does not support " in str(
                    notice_text(backend, spec.name, [task])
                )


def test_the_three_outcomes_of_places_differ() -> None:
    box = Mention("x", (0, 0), (Box(0, 0, 1, 1), Box(0, 0, 0.5, 0.5)))
    outcomes = [
        describe_outcome(Reply("", "", (box,), ReplyState.FOUND)),
        describe_outcome(Reply("", "", (), ReplyState.NONE)),
        describe_outcome(Reply("", "", (), ReplyState.UNREADABLE)),
    ]
    assert (str(outcomes[0][0]), outcomes[0][1]) == ("2 objects found", "found")
    assert len({words for words, _ in outcomes}) == len({tone for _, tone in outcomes}) == 3


def test_phrases_of_an_answer_carry_the_colour_of_their_places() -> None:
    text = "A cat and a dog."
    whole = (Box(0, 0, 1, 1),)
    mentions = (Mention("a dog", (10, 15), whole), Mention("A cat", (0, 5), whole))
    parts = json.loads(answer_value(Reply(text, text, mentions), busy=False))["parts"]
    assert "".join(part["text"] for part in parts) == text
    assert [(part["text"], part.get("mention")) for part in parts] == [
        ("A cat", 1),
        (" and ", None),
        ("a dog", 0),
        (".", None),
    ]
    assert parts[0]["colour"] != parts[2]["colour"]


BOX, OUTLINE = {"box": [0.1, 0.2, 0.5, 0.9]}, {"polygon": [[0, 0], [1, 0], [0.5, 1]]}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "x",
        {},
        {"box": [0, 0, 1]},
        {"box": [0, 0, 1, "1"]},
        {"box": [0, 0, 1e9, 1]},
        {"box": [0, 0, float("nan"), 1]},
        {"box": [0.1] * 4},  # of no area
        {"box": [1.2, 0, 1.5, 1]},  # outside
        {"box": [0.5, 0.9, 0.1, 0.1]},  # the wrong way round
        {"point": [0.5, 1.5]},
        {"polygon": [[0, 0], [1, 1]]},
        {"polygon": [[0, 0]] * 5},
        {"polygon": [[0, 0], [1, 1], "x"]},
        {"polygon": [[0, 0], [1, 1], [0, 1]] * 1_000},
    ],
)
def test_regions_of_which_one_is_none_are_refused(circle: Path, wrong: object) -> None:
    picture = accept_image(circle, Settings())
    sent = {"picture": picture.fingerprint, "regions": [BOX, wrong]}
    assert read_regions(sent, picture) == ()


def test_regions_are_read_in_their_order_and_of_their_picture_only(
    circle: Path, tmp_path: Path
) -> None:
    picture = accept_image(circle, Settings())
    edge, point = {"box": [0, 0.1, 0.5, 1 + 1e-9]}, {"point": [0.25, 1]}
    sent = {"picture": picture.fingerprint, "regions": [edge, BOX, point, OUTLINE]}
    assert read_regions(sent, picture) == (
        Box(0, 0.1, 0.5, 1),  # without the noise of arithmetic
        Box(0.1, 0.2, 0.5, 0.9),
        Point(0.25, 1),
        Polygon((Point(0, 0), Point(1, 0), Point(0.5, 1))),
    )
    Image.new("RGB", (400, 200), "blue").save(tmp_path / "other.png")
    other = accept_image(tmp_path / "other.png", Settings())
    assert read_regions(sent, other) == ()
    assert read_regions(sent, None) == ()
    assert read_regions(sent | {"regions": [BOX] * 51}, picture) == ()
    assert read_regions([sent], picture) == ()


def test_all_pixels_of_a_picture_are_given_to_those_who_have_seen_it(tmp_path: Path) -> None:
    large = Image.new("RGB", (2400, 1200), "teal")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where I live"
    large.save(tmp_path / "large.jpg", exif=exif)
    picture = accept_image(tmp_path / "large.jpg", Settings())
    address = full_resolution_url(picture.fingerprint)
    assert address is not None
    with Image.open(address.removeprefix("gradio_api/file=")) as copy:
        assert copy.size == (1200, 2400)
        assert not copy.getexif()
    assert full_resolution_url("0" * 64) is None
    fingerprint = picture.fingerprint
    del picture
    gc.collect()
    assert full_resolution_url(fingerprint) is None


def test_regions_below_the_threshold_are_not_shown(circle: Path) -> None:
    sure, unsure, nowhere = (
        Mention(name, (0, 0), regions, confidence=confidence)
        for name, regions, confidence in (
            ("sure", (Box(0, 0, 1, 1),), 0.9),
            ("unsure", (Box(0, 0, 0.5, 1),), 0.2),
            ("nowhere", (), None),
        )
    )
    marks = tuple(
        ParsedPlace((0, 0), (), mention.regions[0], mention.confidence)
        for mention in (sure, unsure)
    )
    reply = Reply("", "", (sure, unsure, nowhere), parsed_places=marks)
    value = json.loads(reply_canvas_value(accept_image(circle, Settings()), reply, 0.5))
    assert [(m["phrase"], len(m["regions"])) for m in value["mentions"]] == [
        ("sure", 1),
        ("unsure", 0),
        ("nowhere", 0),
    ]


def test_a_reply_says_that_the_region_was_drawn_into_the_picture(
    backend: Backend, picture: Image.Image
) -> None:
    region = Box(0.1, 0.1, 0.5, 0.5)
    request = Request(Task.DESCRIBE_REGION, images=(picture,), regions=(region,))
    notes = [str(reply.note) for reply in stream_replies(backend, "chat-only", request) if reply]
    assert "drawn onto" in notes[-1]
    notes = [str(reply.note) for reply in stream_replies(backend, "scripted", request) if reply]
    assert notes[-1] == ""


def test_what_the_reader_of_output_says_cannot_become_html() -> None:
    raw = "<b>A dog</b> <i>[0.10, 0.20, 0.40, 0.60]</i>"
    asked = (raw, get_family("llava15"), Frame((800, 600), (800, 600)))
    told = diagnosis_html(diagnose(*asked), find_alternative_readings(*asked))
    assert "80, 60, 320, 380" in told
    assert "<i>[" not in told
    assert "<b>A dog" not in told


@pytest.mark.parametrize(
    "values",
    [
        {"width": None},
        {"width": -5},
        {"height": 10**9},
        {"model_width": 0, "model_height": 5},
        {"raw": "x" * 100_000},
    ],
)
def test_sizes_and_outputs_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    fine = {
        **{"image": None, "raw": "", "family": "llava15", "space": "", "token": None},
        **{"width": 640, "height": 480, "model_width": None, "model_height": None, "known": None},
    }
    assert InspectedOutput.read(**fine).frame == Frame((640, 480), (640, 480))
    with pytest.raises(InputError):
        InspectedOutput.read(**fine | values)


def test_an_answer_about_a_cut_out_is_read_by_the_size_of_the_cut_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    Image.new("RGB", (800, 600), "blue").save(tmp_path / "wide.png")
    wide = accept_image(tmp_path / "wide.png", Settings())
    request = Request(
        Task.DESCRIBE_REGION,
        images=(wide.open(),),
        regions=(Box(0.5, 0, 1, 1),),
        region_form=RegionForm.CROP,
    )
    prompt = get_family("llava15").prompt(request)
    assert prompt.frame is not None
    raw = "A dog [0.10, 0.20, 0.40, 0.60] runs."
    output = InspectedOutput.read(
        *(wide, raw, "llava15", "", None, None, None, *prompt.frame.seen),
        KnownPrompt.of(raw, "llava15", prompt),
    )
    reply = diagnose(output.raw, output.family, output.frame, output.prompt).reply
    assert reply.mentions == get_family("llava15").reply(raw, prompt).mentions


def test_a_picture_is_shown_small_and_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    large = tmp_path / "large.jpg"
    Image.new("RGB", (3000, 1000), "blue").save(large)
    picture = accept_image(large, Settings())
    with Image.open(picture.display_copy) as copy:
        assert copy.size == (2048, 683)
    assert picture.open().size == picture.size == (3000, 1000)
    assert json.loads(canvas_value(picture))["picture"]["url"].startswith("gradio_api/file=/")
    large.unlink()
    with pytest.raises(ImageError, match="Add it again"):
        picture.open()


def test_paths_outside_the_upload_folder_are_refused(
    circle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    for path in (str(circle), "/etc/hostname", str(tmp_path / "cache" / ".." / "circle.png")):
        with pytest.raises(ImageError, match="did not arrive"):
            accept_upload(path, Settings(), "me")


def test_settings_limit_the_pictures(circle: Path) -> None:
    with pytest.raises(ImageError, match="too large"):
        accept_image(circle, Settings(max_pixels=1000))


def test_the_examples_are_all_there_and_serve_every_tab() -> None:
    examples = load_examples()
    tasks = {example.task for example in examples}
    assert {Task.CHAT, Task.CAPTION, Task.GROUNDED_CAPTION, Task.VQA, Task.GROUNDING} <= tasks
    for example in examples:
        assert example.source
        assert example.licence
        with Image.open(example.image) as image:
            image.verify()


def test_a_damaged_list_of_examples_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "examples.toml"
    listing.write_text('[[example]]\npicture = "x.png"\n')
    with pytest.raises(SettingsError, match="cannot be used"):
        load_examples(listing)
