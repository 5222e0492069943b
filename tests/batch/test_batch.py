"""Batches of pictures: what comes in, what is kept, and what goes wrong on the way."""

import csv
import errno
import io
import json
import os
import random
import signal
import stat
import struct
import time
import weakref
import zipfile
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from PIL import Image
from support import EARLIER_VERSIONS, batch_to_kill
from support.batch_to_kill import JOB, ColourEngine
from support.programs_to_kill import begin

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.batch import open_source
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.result import BatchResult
from vlm_demo.batch.result_files import (
    write_annotated_images,
    write_annotated_zip,
    write_coco,
    write_csv,
    write_jsonl,
)
from vlm_demo.batch.run import BatchRun, BatchState
from vlm_demo.batch.sources import FilesSource, SourceLimits
from vlm_demo.batch.throughput import Throughput
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import (
    BatchError,
    EngineError,
    ImageError,
    JournalError,
    MissingTextError,
    SourceError,
    UnsupportedTaskError,
)
from vlm_demo.values import Box, Mention, Reply, ReplyState, TargetResult, Task

ANYTHING = SourceLimits()
MENU = (
    ModelSpec(name="colours", family="llava15", checkpoint="here"),
    ModelSpec(name="chat-only", family="smolvlm", checkpoint="here"),
)


def png(colour, size=(40, 30)):
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def photos(tmp_path):
    """Twelve pictures of different colours in a folder, some in a folder in it."""
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    for number in range(12):
        where = folder / "deeper" if number % 3 == 0 else folder
        (where / f"{number:02}.png").write_bytes(png((number * 20, 10, 10)))
    return folder


@pytest.fixture
def engine():
    return ColourEngine()


@pytest.fixture
def backend(engine, monkeypatch):
    monkeypatch.setattr(vlm_demo.backend, "open_engine", lambda *_, **__: engine)
    backend = Backend(MENU)
    yield backend
    backend.close()


@pytest.fixture
def open_run(backend, tmp_path):
    """Open a run on a journal of its own, as another start of the program would."""
    opened = []

    def open_it(folder, job=JOB, *, at_once=3, name="journal.jsonl", limits=ANYTHING, **options):
        while opened:
            opened.pop().close()
        source = folder if not isinstance(folder, Path) else open_source(folder, limits)
        journal = BatchJournal(tmp_path / name, job.to_header(backend, source.title))
        opened.extend((journal, source))
        run = BatchRun(backend, job, source, journal, at_once=at_once, **options)
        run.journal, run.source = journal, source
        return run

    yield open_it
    for one in opened:
        one.close()


def finish(run):
    run.start()
    assert run.wait(60)
    return run.progress


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def without_pace(results):
    return sorted(({**line, "pace": None} for line in results), key=lambda line: line["name"])


# Running


def test_every_picture_is_asked_about_once_and_kept_with_its_places_in_pixels(
    open_run, photos, tmp_path, engine
):
    (photos / "notes.txt").write_text("no picture")
    run = open_run(photos)

    standing = finish(run)

    assert (standing.state, standing.done, standing.failed, standing.total) == (
        *(BatchState.FINISHED, 12, 0, 12),
    )
    assert run.source.other_file_count == 1
    header, *kept = lines(tmp_path / "journal.jsonl")
    assert header["vlm_demo_batch"] == 1
    assert (header["task"], header["words"], header["model"]) == (
        *("grounding", "the middle", "colours"),
    )
    assert header["sampling"]["temperature"] == 0
    assert len(engine.asked) == 12
    by_name = {line["name"]: line for line in kept}
    assert sorted(by_name) == sorted(
        str(path.relative_to(photos)) for path in photos.rglob("*.png")
    )
    second = by_name["01.png"]
    assert second["raw"].startswith("20 10 10")
    assert second["size"] == [40, 30]
    # The model sees the picture padded to a square: 40 x 40, five more above and below.
    assert second["items"][0]["boxes_xyxy_px"] == [[10, 5, 28, 25]]
    assert second["sha256"] and second["pace"]["seconds"] >= 0


def test_a_batch_that_was_done_is_not_done_again_unless_a_picture_has_changed(
    open_run, photos, engine, tmp_path
):
    finish(open_run(photos))
    before = (tmp_path / "journal.jsonl").read_bytes()

    standing = finish(open_run(photos))

    assert standing.done == 12
    assert len(engine.asked) == 12
    assert (tmp_path / "journal.jsonl").read_bytes() == before

    (photos / "01.png").write_bytes(png("white"))
    (photos / "new.png").write_bytes(png("black"))
    run = open_run(photos)
    finish(run)

    assert sorted(engine.asked[12:]) == [(0, 0, 0), (255, 255, 255)]
    results = {result.name: result.text for result in run.journal.results()}
    assert results["01.png"].startswith("255 255 255")
    assert len(results) == 13


def test_pausing_finishes_what_was_begun_and_stopping_gives_it_up(open_run, photos, engine):
    begun, go_on = Event(), Event()

    def stream(prompt, sampling, plain=engine.stream):
        begun.set()
        go_on.wait(30)
        yield from plain(prompt, sampling)

    engine.stream = stream
    run = open_run(photos, at_once=2)
    run.start()
    assert begun.wait(30)
    run.pause()
    assert run.progress.state is BatchState.PAUSING
    go_on.set()
    assert run.wait(30)
    assert run.progress.state is BatchState.PAUSED
    assert 1 <= run.progress.done <= 2

    for event in (begun, go_on):
        event.clear()
    done = run.progress.done
    run.start()
    assert begun.wait(30)
    run.stop()
    go_on.set()
    assert run.wait(30)
    assert run.progress.state is BatchState.STOPPED
    assert run.progress.done == done

    assert finish(run).state is BatchState.FINISHED
    names = [result.name for result in run.journal.results()]
    assert names == sorted(run.source.names)


@pytest.mark.services
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kills", "count"), [(3, 60), pytest.param(20, 300, marks=pytest.mark.thorough)]
)
def test_a_killed_batch_goes_on_and_ends_as_if_nothing_had_been(
    kills, count, photos, tmp_path, open_run
):
    for number in range(12, count):
        (photos / f"{number}.png").write_bytes(png((number * 4 % 256, 10, 10)))
    killed, whole = tmp_path / "killed.jsonl", tmp_path / "whole.jsonl"
    draw = random.Random(4)

    def size(path):
        return path.stat().st_size if path.exists() else 0

    for _ in range(kills):
        grown = size(killed) + draw.randrange(600, 4_000)
        child = begin(batch_to_kill.run, photos, killed)
        while size(killed) < grown and child.is_alive():
            time.sleep(0.002)
        child.kill()
        child.join(30)
        assert child.exitcode == -signal.SIGKILL, "It was done before it could be killed."
    with killed.open("ab") as file:  # a line that a kill may have cut
        file.write(b'{"name": "07.png", "sha2')
    finish(open_run(photos, name="killed.jsonl"))
    finish(open_run(photos, name="whole.jsonl"))

    names = [line["name"] for line in lines(killed)[1:]]
    assert len(names) == len(set(names)) == count
    assert lines(killed)[0] == lines(whole)[0]
    assert without_pace(lines(killed)[1:]) == without_pace(lines(whole)[1:])


# What goes wrong


def test_broken_files_are_reported_and_the_rest_is_done(open_run, photos, engine, tmp_path):
    (photos / "text.png").write_text("not a picture")
    (photos / "cut.png").write_bytes(png("red", (400, 300))[:200])
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "huge.bmp").write_bytes(b"x" * 3_000_000)
    (photos / "gone.png").symlink_to(tmp_path / "nowhere")
    run = open_run(photos, limits=SourceLimits(bytes_each=1_000_000))

    standing = finish(run)

    assert (standing.done, standing.failed) == (12, 5)
    errors = {result.name: str(result.error) for result in run.journal.results() if result.error}
    assert "not a supported image" in errors["text.png"]
    assert "damaged" in errors["cut.png"]
    assert "empty" in errors["empty.jpg"]
    assert "3 MB; at most 1 MB" in errors["huge.bmp"]
    assert "gone" in errors["gone.png"]
    asked = len(engine.asked)
    finish(open_run(photos, limits=SourceLimits(bytes_each=1_000_000)))
    assert len(engine.asked) == asked  # nothing has changed about them
    assert len(lines(tmp_path / "journal.jsonl")) == 1 + 17


def test_a_model_that_fails_once_costs_one_picture_which_is_tried_again(open_run, photos, engine):
    def stream(prompt, sampling, plain=engine.stream):
        if len(engine.asked) == 5:
            engine.asked.append("failed")
            raise EngineError("The model has hiccups.")
        yield from plain(prompt, sampling)

    engine.stream = stream
    run = open_run(photos, at_once=1)

    standing = finish(run)

    assert (standing.state, standing.done, standing.failed) == (BatchState.FINISHED, 11, 1)
    (failed,) = run.journal.newest(50, failed=True)
    assert str(failed.error) == "The model has hiccups."

    standing = finish(open_run(photos))

    assert (standing.done, standing.failed) == (12, 0)


def test_a_journal_of_an_earlier_version_goes_on(tmp_path):
    old = (EARLIER_VERSIONS / "batch_journal.jsonl").read_bytes()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(old)
    header, *lines = map(json.loads, old.splitlines())
    with closing(BatchJournal(path, header)) as journal:
        results = list(journal.results())
        assert [result.to_json() for result in results] == sorted(lines, key=lambda x: x["name"])
        assert journal.is_settled("b.png", "cd" * 32)
        assert not journal.is_settled("c.png", "ef" * 32)
    answer = next(result for result in results if result.name == "rot/a.png")
    assert [len(mention.regions) for mention in answer.reply.mentions] == [2, 1]
    assert answer.reply.mentions[0].confidence == 0.75
    assert path.read_bytes() == old


@pytest.mark.parametrize("error", [EngineError("It is dead."), ZeroDivisionError()])
def test_a_dead_model_stops_the_batch_after_three_failures_and_it_can_go_on(
    open_run, photos, engine, error
):
    def stream(prompt, sampling, plain=engine.stream):
        if len(engine.asked) >= 4:
            raise error
        yield from plain(prompt, sampling)

    plain = engine.stream
    engine.stream = stream
    run = open_run(photos, at_once=1)
    run.start()

    with pytest.raises(BatchError, match=r"failed 3 times in a row.*run the batch again"):
        run.wait(30)

    standing = run.progress
    assert (standing.state, standing.done, standing.failed) == (BatchState.FAILED, 4, 3)
    assert "3 times in a row" in str(standing.error)

    engine.stream = plain
    assert finish(open_run(photos)).done == 12


def test_a_model_that_cannot_do_the_task_is_refused_before_anything(open_run, photos, tmp_path):
    with pytest.raises(UnsupportedTaskError):
        open_run(photos, BatchJob(Task.GROUNDING, "dog", "chat-only"))
    with pytest.raises(MissingTextError):
        open_run(photos, BatchJob(Task.GROUNDING, " ", "colours"), name="other.jsonl")


def test_a_full_disk_stops_the_batch_and_keeps_what_is_done(open_run, photos, monkeypatch):
    """The disk takes four lines and a half."""
    run = open_run(photos, at_once=2)
    fsync, synced = os.fsync, []

    def full(file):
        synced.append(file)
        if len(synced) == 5:
            os.ftruncate(file, os.fstat(file).st_size - 30)
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    run.start()
    with pytest.raises(JournalError, match=r"No space left.*free some space"):
        run.wait(30)
    monkeypatch.undo()

    assert run.progress.state is BatchState.FAILED
    kept = [result.name for result in run.journal.results()]
    assert len(kept) == run.progress.done >= 4
    assert finish(open_run(photos)).done == 12


def test_a_journal_of_another_job_or_another_file_is_refused_in_words(open_run, photos, tmp_path):
    finish(open_run(photos))

    with pytest.raises(JournalError, match="another job: words: 'the middle' there, 'a dog' here"):
        open_run(photos, BatchJob(Task.GROUNDING, "a dog", "colours"))
    (tmp_path / "notes").write_text("Dear diary")
    with pytest.raises(JournalError, match="not the journal"):
        open_run(photos, name="notes")
    assert (tmp_path / "notes").read_text() == "Dear diary"
    with pytest.raises(JournalError, match="cannot be written"):
        open_run(photos, name="missing/journal")
    open_run(photos)
    with pytest.raises(JournalError, match="another run"):
        BatchJournal(tmp_path / "journal.jsonl", lines(tmp_path / "journal.jsonl")[0])


def test_a_damaged_line_is_named_and_a_half_first_line_begins_anew(open_run, photos, tmp_path):
    path = tmp_path / "journal.jsonl"
    finish(open_run(photos))
    whole = path.read_bytes()
    first, second, *rest = whole.splitlines(keepends=True)
    path.write_bytes(first[:20])
    assert finish(open_run(photos)).done == 12

    path.write_bytes(b"".join((first, second[:30], b"\n", *rest)))
    with pytest.raises(JournalError, match=r"Line 2 of .* is damaged"):
        open_run(photos)


# Archives


@pytest.fixture
def archive(tmp_path):
    """Write a ZIP of some entries, a name or ZipInfo and its content, and open it."""

    def write(*entries, limits=ANYTHING, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "pictures.zip"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in entries:
                file.writestr(name, content, compress_type=compression)
        return open_source(path, limits)

    return write


def problem(source, name):
    with pytest.raises(ImageError) as caught:
        source.read(name)
    return str(caught.value)


def test_a_zip_gives_its_pictures_and_leaves_the_rest(archive):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("hidden.png", png("red"))
    source = archive(
        ("b/two.PNG", png("red")),
        ("a.jpg", png("blue")),
        ("deeper/", b""),
        ("__MACOSX/b/._two.PNG", b"fork"),
        ("b/.thumbnail.png", png("red")),
        ("inner.zip", inner.getvalue()),
        ("read me.txt", b"hello"),
    )

    assert source.names == ["a.jpg", "b/two.PNG"]
    assert source.other_file_count == 2
    assert source.read("a.jpg") == png("blue")


def test_what_a_zip_must_not_hold_is_reported_file_by_file(archive, tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    bomb = b"BM" + bytes(9_000_000)
    with pytest.warns(UserWarning, match="Duplicate"):
        source = archive(
            ("fine.png", png("red")),
            ("../../out.png", png("red")),
            ("/etc/absolute.png", png("red")),
            ("C:\\windows.png", png("red")),
            ("back\\..\\slash.png", png("red")),
            (link, "/etc/passwd"),
            ("bomb.bmp", bomb),
            ("large.bmp", os.urandom(3_000_000)),
            ("twice.png", png("red")),
            ("twice.png", png("blue")),
            limits=SourceLimits(bytes_each=2_000_000),
        )

    assert source.read("fine.png") == png("red")
    for name in ("../../out.png", "/etc/absolute.png", "C:\\windows.png", "back\\..\\slash.png"):
        assert "leads out" in problem(source, name)
    assert "link" in problem(source, "link.png")
    assert "at most 2 MB" in problem(source, "large.bmp")
    assert "at most 2 MB" in problem(source, "bomb.bmp")
    assert source.read("twice.png") == png("red")
    assert "two files with this name" in problem(source, "twice.png (2)")

    source = archive(("bomb.bmp", bomb))
    assert "500-fold" in problem(source, "bomb.bmp")


def test_a_file_without_a_name_is_left_out_of_a_zip(archive, tmp_path):
    path = tmp_path / "pictures.zip"
    archive(("a.png", png("red")), ("b.png", png("red"))).close()
    # The list's name of the first becomes one of length 0.
    entry = path.read_bytes().index(b"PK\x01\x02")
    content = bytearray(path.read_bytes())
    content[entry + 28 : entry + 30] = struct.pack("<H", 0)
    content[entry + 32 : entry + 34] = struct.pack("<H", len("a.png"))  # a comment
    path.write_bytes(content)
    assert open_source(path, SourceLimits()).names == ["b.png"]


def test_a_zip_that_lies_about_its_sizes_is_found_out_while_it_is_read(archive, tmp_path):
    path = tmp_path / "pictures.zip"
    content = os.urandom(50_000)
    archive(("a.png", content), ("b.png", content), compression=zipfile.ZIP_STORED).close()
    lying = path.read_bytes().replace(struct.pack("<L", 50_000), struct.pack("<L", 10))
    path.write_bytes(lying)
    source = open_source(path, SourceLimits())
    assert "damaged" in problem(source, "a.png")

    # Each picture may be read, but together they are too much: also where the headers say less.
    source = archive(("a.png", content), ("b.png", content), limits=SourceLimits(bytes_all=120_000))
    source.read("a.png")
    source.read("b.png")
    with pytest.raises(SourceError, match="unpacked"):
        source.read("a.png")
    with pytest.raises(SourceError, match="unpacked"):
        archive(("a.png", content), ("b.png", content), limits=SourceLimits(bytes_all=80_000))
    with pytest.raises(SourceError, match="more than 3 images"):
        archive(*((f"{n}.png", b"") for n in range(4)), limits=SourceLimits(images=3))
    with pytest.raises(SourceError, match="more than 3 images"):  # before the list is read
        archive(*((f"{'n' * 900}{n}.txt", b"") for n in range(9)), limits=SourceLimits(images=3))


def test_packings_that_know_no_bound_and_passwords_are_not_opened(archive, tmp_path):
    source = archive(("a.png", bytes(5_000_000)), compression=zipfile.ZIP_BZIP2)
    assert "compressed in an unsupported way" in problem(source, "a.png")

    archive(("a.png", png("red"))).close()
    path = tmp_path / "pictures.zip"
    data = bytearray(path.read_bytes())
    data[6] |= 1  # general purpose flags: encrypted
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in problem(open_source(path, SourceLimits()), "a.png")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x05\x06", b"no ZIP" * 99, b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_zip_is_refused(tmp_path, content):
    path = tmp_path / "pictures.zip"
    path.write_bytes(content)

    with pytest.raises(SourceError):
        open_source(path, SourceLimits())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("テスト写真.png".encode("cp932"), "テスト写真.png"),
        ("猫.png".encode("cp932"), "猫.png"),
        ("写真01/犬と猫.jpg".encode("cp932"), "写真01/犬と猫.jpg"),
        ("写真.png".encode(), "写真.png"),
        ("Köln.png".encode("cp437"), "Köln.png"),
        ("mère et forêt.png".encode("cp437"), "mère et forêt.png"),
        ("Übung.png".encode("cp437"), "Übung.png"),
        ("café.png".encode("cp437"), "café.png"),
    ],
)
def test_names_are_read_as_they_were_meant(archive, tmp_path, written, read):
    archive(("x" * (len(written) - 4) + ".png", png("red"))).close()
    path = tmp_path / "pictures.zip"
    path.write_bytes(path.read_bytes().replace(b"x" * (len(written) - 4) + b".png", written))

    source = open_source(path, SourceLimits())

    assert source.names == [read]
    assert source.read(read) == png("red")


# Results


def test_results_are_a_table_json_lines_coco_and_pictures(open_run, photos, tmp_path):
    (photos / "=1+1.png").write_text("no picture")
    (photos / "名前.png").write_bytes(png("blue"))
    run = open_run(photos)
    finish(run)

    write_csv(run.journal, tmp_path / "table.csv")
    write_jsonl(run.journal, tmp_path / "results.jsonl")
    write_coco(run.journal, run.source, tmp_path / "coco.json")
    (tmp_path / "drawn").mkdir()
    drawn = write_annotated_images(run.journal, run.source, tmp_path / "drawn")
    zipped = write_annotated_zip(run.journal, run.source, tmp_path / "drawn.zip")

    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text("utf-8"))))
    assert [row["picture"].removeprefix("'") for row in rows] == sorted(run.source.names)
    broken = next(row for row in rows if row["picture"] == "'=1+1.png")
    assert "not a supported image" in broken["error"] and not broken["places"]
    assert rows[-1]["picture"] == "名前.png"
    assert json.loads(rows[-1]["items"])[0]["boxes_xyxy_px"] == [[10, 5, 20, 25]]
    results = lines(tmp_path / "results.jsonl")
    assert [result["name"] for result in results] == sorted(run.source.names)
    assert drawn == zipped == 13
    with zipfile.ZipFile(tmp_path / "drawn.zip") as archive:
        names = archive.namelist()
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == sorted(names)
    assert "deeper-00.png" in names
    assert Image.open(tmp_path / "drawn" / "deeper-00.png").getcolors(9) != [(1200, (0, 10, 10))]

    coco = pytest.importorskip("pycocotools.coco").COCO(str(tmp_path / "coco.json"))
    assert len(coco.getImgIds()) == 13
    image = next(i for i in coco.loadImgs(coco.getImgIds()) if i["file_name"] == "01.png")
    (place,) = coco.loadAnns(coco.getAnnIds(image["id"]))
    assert place["bbox"] == [10, 5, 18, 20]
    assert coco.loadCats(place["category_id"])[0]["name"] == "20 10 10"


def test_a_place_survives_being_kept(open_run, photos):
    run = open_run(photos)
    finish(run)

    result = run.journal.result("01.png")

    (mention,) = result.reply.mentions
    assert mention.phrase == "20 10 10" == result.text[slice(*mention.span)]
    assert mention.regions[0].to_pixels((40, 30)) == pytest.approx((10, 5, 28, 25))
    assert BatchResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_the_results_for_several_things_survive_being_kept():
    mention = Mention("a cat", (0, 5), (Box(0.25, 0.5, 0.5, 1.0),), target="cat")
    targets = TargetResult("cat", ReplyState.FOUND, "a"), TargetResult("dog", ReplyState.NONE)
    reply = Reply("a cat", "a cat", (mention,), ReplyState.FOUND, targets=targets)

    result = BatchResult.from_reply("a.png", "0" * 64, (40, 20), reply)

    assert BatchResult.from_json(json.loads(json.dumps(result.to_json()))).reply == reply


def test_however_many_pictures_there_are_few_are_held(open_run, tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(png("red"))
    source = FilesSource("red", {f"{n:03}.png": path for n in range(200)}, SourceLimits())
    pictures, alive = [], []

    def seen(name, image):
        pictures.append(weakref.ref(image))
        alive.append(sum(picture() is not None for picture in pictures))

    assert finish(open_run(source, at_once=2, on_image=seen)).done == 200
    assert max(alive) <= 3  # two, and one that a thread is about to leave


def test_the_time_left_is_told_from_the_newest_pictures_and_not_too_soon():
    now = [0.0]
    tempo = Throughput(lambda: now[0])
    tempo.start()
    for _ in range(2):
        now[0] += 10
        tempo.count()
    assert tempo.remaining_s(5) is None
    for _ in range(100):
        now[0] += 2
        tempo.count()
    assert tempo.remaining_s(5) == pytest.approx(10)
    now[0] += 96  # nothing came for as long as the last 48 took
    assert tempo.remaining_s(5) == pytest.approx(20)
