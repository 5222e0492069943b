"""The calls behind the actions of an answer, as methods: no page is served."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pillow_heif
import pytest
from PIL import Image
from support import ROOT
from support.scripted import ScriptedEngine
from typer.testing import CliRunner

from vlm_demo.arena import open_feedback
from vlm_demo.backend import Backend
from vlm_demo.cli.main import app
from vlm_demo.conversations.permalink import encode_link, link_request
from vlm_demo.errors import ImageError
from vlm_demo.settings import Settings
from vlm_demo.ui.components import fetching
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.ui.components.fetching import is_public, resolve_public
from vlm_demo.ui.studio.answering.answers import StudioAnswers
from vlm_demo.ui.studio.answering.running import RunningTurns
from vlm_demo.ui.studio.calls.answer_calls import AnswerCalls
from vlm_demo.ui.studio.calls.conversation_calls import ConversationCalls
from vlm_demo.ui.studio.calls.inspection_calls import InspectionCalls
from vlm_demo.ui.studio.calls.link_calls import LinkCalls
from vlm_demo.ui.studio.calls.record_calls import RecordCalls
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.values import Box, Request, Task

pytestmark = pytest.mark.services

PICTURE = ROOT / "assets" / "examples" / "shapes.png"
BOX = {"box": [0.1, 0.2, 0.4, 0.6], "confidence": 0.5}
MENTION = {"phrase": "circle", "target": "", "image": 0, "colour": "#f00", "regions": [BOX]}


def visitor(name: str = "alice") -> Any:
    state = SimpleNamespace(
        visitor=name,
        voter=lambda identity: f"hash of {identity}",
        owner=f"hash of owner {name}",
    )
    return SimpleNamespace(username=None, state=state, session_hash="s")


OWNER = "hash of owner alice"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    (tmp_path / "gradio").mkdir()
    return Settings(votes=str(tmp_path / "votes.db"))


@pytest.fixture
def images(settings: Settings) -> ImageStore:
    return ImageStore(settings)


@pytest.fixture
def image(images: ImageStore) -> str:
    return images.add_file(PICTURE, "shapes", OWNER)["id"]


def answer(image: str, **more: Any) -> dict[str, Any]:
    content = {"model": "one", "task": "grounding", "text": "A circle.", "images": [image]}
    return content | {"raw": "raw", "mentions": [MENTION], "targets": ["circle"]} | more


def file_of(result: dict[str, Any]) -> Path:
    return Path(unquote(result["url"].removeprefix("gradio_api/file=")))


@pytest.mark.parametrize("form", ["png", "svg", "json", "coco", "yolo", "voc", "csv", "numbered"])
def test_an_answer_becomes_a_file_of_any_format(
    form: str, backend: Backend, images: ImageStore, image: str
) -> None:
    result = AnswerCalls(backend, images).studio_export(form, [answer(image)], visitor())
    content = file_of(result).read_bytes()
    assert result["name"].startswith("shapes-") and content
    if form in ("json", "coco", "csv", "voc", "svg"):
        assert b"circle" in content


def test_crops_are_cut_from_the_picture(backend: Backend, images: ImageStore, image: str) -> None:
    result = AnswerCalls(backend, images).studio_export("crops", [answer(image)], visitor())
    with zipfile.ZipFile(file_of(result)) as archive:
        crop = Image.open(io.BytesIO(archive.read(archive.namelist()[0])))
    width, height = Image.open(PICTURE).size
    assert abs(crop.width - 0.3 * width) <= 1 and abs(crop.height - 0.4 * height) <= 1


def test_export_refuses_what_it_cannot_use(
    backend: Backend, images: ImageStore, image: str
) -> None:
    calls = AnswerCalls(backend, images)
    assert calls.studio_export("exe", [answer(image)], visitor())["error"]
    assert calls.studio_export("png", [answer(image)], visitor("eve"))["image_gone"] == image
    assert calls.studio_export("png", [answer(image, images=[])], visitor())["error"]
    for sent in ([], [{"mentions": 3}], "x", [answer(image)] * 201, [{"task": "fly"}], None):
        assert "cannot be used" in calls.studio_export("png", sent, visitor())["error"]["words"]
    outside = {**MENTION, "regions": [{"box": [0, 0, 5, 5]}]}
    assert calls.studio_export("png", [answer(image, mentions=[outside])], visitor())["error"]


def test_answers_are_compared_by_their_boxes(
    backend: Backend, images: ImageStore, image: str
) -> None:
    calls = AnswerCalls(backend, images)
    other = {**MENTION, "regions": [{"box": [0.1, 0.2, 0.4, 0.4]}]}
    result = calls.studio_consensus([answer(image), answer(image, mentions=[other])])
    assert result["pairs"] == [{"one": 0, "other": 1, "iou": pytest.approx(0.5)}]
    assert result["groups"][0]["seen_by"] == [0, 1]
    assert result["groups"][0]["box"] == pytest.approx([0.1, 0.2, 0.4, 0.5])
    assert calls.studio_consensus([answer(image)])["error"]


def test_an_answer_is_scored_by_what_a_person_drew(
    backend: Backend, images: ImageStore, image: str
) -> None:
    truth = [{"box": [0.1, 0.2, 0.4, 0.6]}, {"box": [0.8, 0.8, 0.9, 0.9]}]
    result = AnswerCalls(backend, images).studio_score(truth, answer(image))
    assert (result["precision"], result["recall"], result["mean_iou"]) == (1, 0.5, 0.5)
    assert [one["hit"] for one in result["regions"]] == [True, False]
    assert AnswerCalls(backend, images).studio_score([], answer(image))["error"]


def test_a_check_finds_what_an_answer_names(
    backend: Backend, images: ImageStore, image: str
) -> None:
    sent = answer(image, text="A red circle and a zebra.")
    *_, last = AnswerCalls(backend, images).studio_check(sent, "scripted", visitor())
    verdicts = {one["phrase"]: one["verdict"] for one in last["findings"]}
    assert last["done"] and verdicts["red circle"] == "supported"
    assert verdicts["zebra"] in ("contradicted", "uncertain")
    assert last["checker"] == "scripted"
    struck = [(one["text"], one["struck"]) for one in last["corrected"]]
    assert struck == [("A red circle and ", False), ("a zebra", True), (".", False)]
    assert last["rewritten"] == "A red circle."
    *_, failed = AnswerCalls(backend, images).studio_check(sent, "scripted", visitor("eve"))
    assert failed["image_gone"] == image


def test_a_corrected_answer_is_shown_as_answers_are(
    backend: Backend, images: ImageStore, image: str
) -> None:
    boxes = [{"box": [0.1, 0.2, 0.4, 0.6]}]
    kept = [{"phrase": name, "regions": boxes} for name in ("circle", "zebra", "red")]
    sent = answer(image, text="A **red** circle & <b>.", mentions=kept)
    mentions, text = AnswerCalls(backend, images).studio_correct(sent)["events"]
    assert [one["phrase"] for one in mentions["items"]] == ["red", "circle"]
    assert mentions["items"][0]["regions"][0]["box"] == boxes[0]["box"]
    (block,) = text["blocks"]
    assert "<strong>" in block and "&amp; &lt;b&gt;." in block
    assert block.index('data-mention="0"') < block.index('data-mention="1"')


def test_an_output_is_read_step_by_step(
    backend: Backend, settings: Settings, images: ImageStore
) -> None:
    calls = InspectionCalls(backend, settings, images)
    read = calls.studio_parse("A cat [0.1, 0.2, 0.4, 0.6].", "llava15", [100, 100])
    assert read["items"][0]["written"] == "0.1, 0.2, 0.4, 0.6"
    assert read["items"][0]["read"] == "10, 20, 40, 60"
    assert read["spans"] == [[7, 25]]
    assert calls.studio_parse("x", "no family", None)["error"]
    assert calls.studio_parse("x", "llava15", [0, 1])["error"]


def test_an_earlier_answer_is_read_in_another_space(
    backend: Backend, settings: Settings, images: ImageStore, image: str, engine: ScriptedEngine
) -> None:
    asked = len(engine.prompts)
    answers = StudioAnswers(backend, settings, images, RunningTurns())
    request = {"turn": "t", "model": "scripted", "task": "grounding", "text": "cat"}
    request |= {"images": [image], "earlier": {"raw": "[0.10, 0.20, 0.40, 0.60]"}}
    *_, events = answers.answer(request, OWNER)
    assert [event["type"] for event in events][-1] == "done"
    assert next(event for event in events if event["type"] == "mentions")["items"][0]["regions"]
    assert len(engine.prompts) == asked


def test_links_are_written_and_read(backend: Backend, images: ImageStore, image: str) -> None:
    calls = LinkCalls(backend, load_examples(), images)
    request = {"turn": "t", "model": "scripted", "task": "grounding", "targets": ["cat", "a, b"]}
    request |= {"images": [image], "sampling": {"seed": 3}, "regions": []}
    code = calls.studio_permalink("encode", request, visitor())["code"]
    read = calls.studio_permalink("decode", code, visitor())
    assert read["targets"] == ["cat", "a, b"] and read["sampling"]["seed"] == 3
    assert read["example"] == "shapes" and read["runs_here"]
    for broken in (code[:-5], "", "%00", None, "A" * 7000):
        assert calls.studio_permalink("decode", broken, visitor())["error"]
    assert calls.studio_permalink("fly", code, visitor())["error"]


def test_a_link_of_the_earlier_page_still_opens(backend: Backend, images: ImageStore) -> None:
    asked = Request(Task.VQA, "What is [1]?", regions=(Box(0, 0, 0.5, 0.5),), choices=("a", "b"))
    code = encode_link(link_request("Ask", "gone-model", "", asked, PICTURE, (10, 10)))
    read = LinkCalls(backend, load_examples(), images).studio_permalink("decode", code, visitor())
    assert (read["task"], read["text"], read["choices"]) == ("vqa", "What is [1]?", ["a", "b"])
    assert read["regions"] == [{"box": [0, 0, 0.5, 0.5]}]
    assert not read["runs_here"] and "gone-model" in str(read["notes"])


@pytest.fixture
def records(backend: Backend, settings: Settings, images: ImageStore) -> Iterator[RecordCalls]:
    with closing(open_feedback(settings)) as feedback:
        yield RecordCalls(backend, settings, images, feedback)


def test_feedback_is_kept_with_the_votes_for_the_operator(
    records: RecordCalls, settings: Settings
) -> None:
    given = {"turn": "answer-1", "model": "one", "task": "chat", "verdict": "up"}
    assert records.studio_feedback(given, visitor())["kept"]
    flag = given | {"verdict": "flag", "reason": "wrong \0 box"}
    assert records.studio_feedback(flag, visitor())["kept"]
    (kept,) = records.feedback.read()
    assert (kept.verdict, kept.model) == ("flag", "one") and "box" in kept.reason
    for broken in ({}, given | {"verdict": "shrug"}, given | {"reason": "x" * 2001}, None):
        assert records.studio_feedback(broken, visitor())["error"]
    records.feedback.close()
    listed = CliRunner().invoke(app, ["votes", "feedback", "--votes", settings.votes, "--json"])
    assert json.loads(listed.stdout)[0]["verdict"] == "flag"


def test_a_benchmark_grows_and_is_saved(records: RecordCalls, image: str) -> None:
    content = {"truth": [{"box": [0.1, 0.2, 0.4, 0.6]}], "answer": answer(image)}
    added = records.studio_benchmark("add", content, visitor())
    assert added["questions"] == 1 and added["standings"][0]["mean_iou"] == 1
    again = answer(image, model="two", mentions=[])
    added = records.studio_benchmark("add", content | {"answer": again}, visitor())
    assert (added["questions"], len(added["standings"])) == (1, 2)
    saved = records.studio_benchmark("download", None, visitor())
    assert records.studio_benchmark("show", None, visitor("eve"))["questions"] == 0
    assert records.studio_benchmark("clear", None, visitor())["questions"] == 0
    assert records.studio_benchmark("upload", str(file_of(saved)), visitor())["questions"] == 1
    assert records.studio_benchmark("upload", "/etc/passwd", visitor())["error"]


def test_a_benchmark_is_run_by_a_model_and_goes_on_where_it_stopped(
    records: RecordCalls, image: str
) -> None:
    assert next(records.studio_benchmark_run("scripted", visitor()))["error"]
    truth = {"truth": [{"box": [0.1, 0.2, 0.4, 0.6]}]}
    for words in ("circle", "square"):
        asked = answer(image, targets=[words], text=words)
        records.studio_benchmark("add", truth | {"answer": asked}, visitor())
    first = records.studio_benchmark_run("scripted", visitor())
    assert any(event["done"] == 1 for event in first)
    first.close()
    *_, last = records.studio_benchmark_run("scripted", visitor())
    assert (last["done"], last["total"]) == (2, 2)
    assert {"scripted", "one"} == {row["model"] for row in last["standings"]}
    assert next(iter(records.studio_benchmark_run("nobody", visitor())))["done"] == 0
    *_, failed = records.studio_benchmark_run("nobody", visitor())
    assert "nobody" in str(failed["error"])


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "IMG_1", "photo.JPG"])
def test_what_is_in_a_file_counts_not_its_name(
    name: str, images: ImageStore, tmp_path: Path
) -> None:
    pillow_heif.from_pillow(Image.new("RGB", (32, 24), "red")).save(tmp_path / "a.heic")
    file = (tmp_path / "a.heic").rename(tmp_path / name)
    assert images.add_file(file, name, OWNER)["width"] == 32


@pytest.mark.parametrize("ending", ["tiff", "gif", "webp"])
def test_frames_and_pages_become_pictures(ending: str, images: ImageStore, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:], duration=50)
    first = images.add_file(tmp_path / f"a.{ending}", "a", OWNER)
    assert first["frames"] == 3
    third = images.add_frame(first["id"], 2, OWNER)
    red, green, blue = images.find(third["id"], OWNER).open().getpixel((8, 8))
    assert blue > 200 and red < 50 and green < 50
    for frame in (-1, 3):
        with pytest.raises(ImageError, match="3 pages"):
            images.add_frame(first["id"], frame, OWNER)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1"),
        *("224.0.0.1", "255.255.255.255", "::", "fe80::1%eth0", "nonsense", ""),
    ],
)
def test_addresses_of_this_network_are_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(ImageError, match="public internet"):
        resolve_public("e.invalid", 80, lambda *_: ["93.184.216.34", address])


def test_pictures_come_only_from_the_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["127.0.0.1"])
    for address in (
        *("file:///etc/passwd", "ftp://e.invalid/a", "gopher://e.invalid/", "http://", "a b"),
        *("http://u:p@e.invalid/a.png", "http://e.invalid:22/a.png", "http://e.invalid/\r\nX: y"),
        *("http://localhost/a.png", "https://0x7f.1/", "http://[::1]/", f"http://a/{'x' * 3000}"),
        *("http://e.invalid:99999/", "http://[/", "javascript:alert(1)"),
    ):
        with pytest.raises(ImageError):
            fetching.fetch_picture(address, tmp_path / "a", max_bytes=1000)
    assert not (tmp_path / "a").exists()


class Answer(io.BytesIO):
    """A response of a web server."""

    def __init__(self, status: int, content: bytes = b"", location: str = "") -> None:
        super().__init__(content)
        self.status, self.headers = status, {"location": location}


def test_redirects_are_checked_and_size_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "/hop": Answer(302, location="http://inside.invalid/x"),
        "/big": Answer(200, b"x" * 2000),
        "/fine": Answer(200, PICTURE.read_bytes()),
        "/loop": Answer(302, location="/loop"),
        "/gone": Answer(404),
    }
    asked: list[str] = []

    class Connection:
        def __init__(self, host: str, port: int, checked: str, *, is_secure: bool) -> None:
            assert checked == "93.184.216.34"  # that was resolved and checked, not the name

        def request(self, method: str, path: str, headers: dict[str, str]) -> None:
            self.path = path
            asked.append(path)

        def getresponse(self) -> Answer:
            return answers[self.path]

        def close(self) -> None:
            pass

    inside = {"inside.invalid": ["10.0.0.1"]}
    monkeypatch.setattr(fetching, "_resolve", lambda host, _: inside.get(host, ["93.184.216.34"]))
    monkeypatch.setattr(fetching, "_Connection", Connection)
    target = tmp_path / "a"
    fetching.fetch_picture("https://e.invalid/fine", target, max_bytes=10**7)
    assert target.read_bytes() == PICTURE.read_bytes()
    for path, words in (("hop", "public"), ("big", "too large"), ("loop", "too often")):
        with pytest.raises(ImageError, match=words):
            fetching.fetch_picture(f"https://e.invalid/{path}", target, max_bytes=1000)
    assert asked.count("/loop") == fetching.MAX_REDIRECTS + 1
    with pytest.raises(ImageError, match="404"):
        fetching.fetch_picture("https://e.invalid/gone", target, max_bytes=1000)


def test_a_public_page_fetches_nothing_unless_allowed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = ImageStore(Settings(host="0.0.0.0"))
    with pytest.raises(ImageError, match="does not download"):
        public.add_address("https://e.invalid/a.png", OWNER)
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["127.0.0.1"])
    allowed = ImageStore(Settings(host="0.0.0.0", allow_addresses=True))
    with pytest.raises(ImageError, match="public internet"):
        allowed.add_address("https://e.invalid/a.png", OWNER)


def test_a_conversation_of_the_earlier_page_opens_with_its_pictures_and_boxes() -> None:
    text = (ROOT / "tests/data/earlier_versions/conversation.json").read_text("utf-8")
    opened = ConversationCalls().studio_conversation("open", text)["conversation"]
    turn, *_ = opened["turns"]
    (answer,) = turn["answers"]
    assert turn["text"].startswith("What is [1]?")
    assert turn["regions"][0] == {"box": [0.125, 0.125, 0.5, 0.625]}
    assert answer["plain"] == "A dog 犬"
    assert answer["raw"].startswith("<think>one</think>")
    assert answer["mentions"][0]["phrase"] == "A dog"
    assert answer["mentions"][0]["regions"][0]["box"] == [0.125, 0.125, 0.5, 0.625]
    assert 'data-mention="0"' in "".join(answer["blocks"])
    assert answer["notes"] == ["a note", "a note"]
    picture = next(one for one in opened["pictures"] if one["key"] == turn["pictures"][0])
    content = base64.b64decode(picture["data"].removeprefix("data:;base64,"))
    assert Image.open(io.BytesIO(content)).size[0] > 0
    assert opened["shown"] == turn["pictures"][-1]
    assert len(opened["shots"]) == 1


def test_a_conversation_becomes_markdown() -> None:
    turn = {
        "task": "grounding",
        "targets": ["circle", "star"],
        "pictures": ["shapes.png"],
        "answers": [{"model": "m", "plain": "A circle.", "mentions": [MENTION]}],
    }
    markdown = ConversationCalls().studio_conversation("markdown", {"turns": [turn]})["markdown"]
    assert "**Question**\n\ncircle, star" in markdown
    assert "A circle." in markdown
    assert "- circle: box 10.0% 20.0% to 40.0% 60.0%" in markdown


@pytest.mark.parametrize("text", ["", "{}", '{"format": "vlm-demo conversation", "version": 9}'])
def test_what_is_no_conversation_is_refused_in_words(text: str) -> None:
    assert ConversationCalls().studio_conversation("open", text)["error"]["words"]
