"""Films and documents where a command takes a picture: each frame and page is asked about."""

import json
import zipfile

import pytest
from PIL import Image
from support.pdf_files import write_pdf

from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.values import Box, Mention, Reply, ReplyState

CAT = Reply(
    "cat", "cat", (Mention("cat", (0, 3), (Box(0, 0, 0.5, 0.5),)),), ReplyState.FOUND, model="m"
)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "grey.avi"
    greys = [Image.new("RGB", (64, 48), (10 * number,) * 3) for number in range(20)]
    write_film(path, greys, 10, codec=FilmCodec("MJPG", "avi"))
    return path


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(write_pdf(12))
    return path


def test_each_frame_of_a_film_is_captioned_behind_its_time(run_command, film, answering):
    asked = answering(Reply("grey", "grey"))
    done = run_command("caption", film, "--frames", 4)
    assert done.out == "0:00.2  grey\n0:00.7  grey\n0:01.2  grey\n0:01.7  grey\n"
    shades = [request.images[0].getpixel((5, 5))[0] for request in asked]
    assert shades == pytest.approx([20, 70, 120, 170], abs=15)
    lines = run_command("caption", film, "--rate", 1, "--json").out.splitlines()
    assert [json.loads(line)["seconds"] for line in lines] == [0, 1]


def test_pages_that_are_chosen_are_asked_about_with_their_numbers(run_command, report, answering):
    asked = answering(Reply("yes", "yes"))
    done = run_command("ask", report, "Is there a bar?", "--pages", "2, 11-12")
    assert done.out == "Page 2  yes\nPage 11  yes\nPage 12  yes\n"
    assert len({request.images[0].tobytes() for request in asked}) == 3
    assert "has 12" in run_command("ask", report, "?", "--pages", "13").err


def test_what_is_found_in_a_film_is_exported_by_frame(run_command, film, answering, tmp_path):
    answering(CAT)
    command = ("locate", film, "cat", "--frames", 2, "--to", tmp_path, "--export", "coco")
    done = run_command(*command, "--out", tmp_path / "found.png")
    assert done.out == "0:00.5:\ncat: 0, 0, 32, 24\n0:01.5:\ncat: 0, 0, 32, 24\n"
    coco = json.loads((tmp_path / "grey-coco.json").read_text())
    names = [image["file_name"] for image in coco["images"]]
    assert names == ["grey.avi 00-00-00.500.png", "grey.avi 00-00-01.500.png"]
    assert len(coco["annotations"]) == 2
    assert (tmp_path / "found 00-00-01.500.png").is_file()
    assert "--export voc" in run_command(*command, "--format", "voc").err


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"only text", "not a supported video"), (write_pdf(2, is_encrypted=True), "encrypted")],
)
def test_what_is_no_film_or_document_is_refused(run_command, tmp_path, answering, content, problem):
    path = tmp_path / "fake.mp4" if problem == "not a supported video" else tmp_path / "secret.pdf"
    path.write_bytes(content)
    asked = answering(CAT)
    done = run_command("caption", path)
    assert done.status != 0
    assert problem in done.err
    assert not asked


def test_a_batch_takes_films_and_documents_among_pictures(
    run_command, film, report, answering, tmp_path
):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.new("RGB", (20, 10)).save(folder / "one.png")
    (folder / "fake.mp4").write_bytes(b"only text")
    film.rename(folder / "film.avi")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(report, "report.pdf")
        archive.write(folder / "film.avi", "film.avi")
    asked = answering(CAT)
    options = ("--task", "locate", "--words", "cat", "--frames", 2, "--pages", "1, 3")
    command = ("batch", folder, "--out", out, *options, "--coco", tmp_path / "coco.json")
    done = run_command(*command)
    assert done.status == 1  # one of the files is text
    assert len(asked) == 3
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [(line["name"], line.get("seconds")) for line in lines] == [
        ("fake.mp4", None),
        ("film.avi 00-00-00.500.png", 0.5),
        ("film.avi 00-00-01.500.png", 1.5),
        ("one.png", None),
    ]
    assert "not a supported video" in lines[0]["error"]
    assert len(json.loads((tmp_path / "coco.json").read_text())["images"]) == 3
    run_command(*command)
    assert len(asked) == 3  # nothing is asked again
    archived = run_command("batch", tmp_path / "in.zip", "--out", tmp_path / "zipped", *options)
    assert archived.status == 0
    lines = (tmp_path / "zipped" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line).get("page") for line in lines] == [None, None, 1, 3]
