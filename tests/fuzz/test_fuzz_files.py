"""Damaged files of other kinds, links and streams: each ends in one of our errors, in time."""

from __future__ import annotations

import base64
import io
import json
import shutil
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT
from support.mutants import MUTANTS, mutants, try_all

from vlm_demo.analysis.ground_truth import LabelledQuestion, read_archive, write_archive
from vlm_demo.arena.interchange.vote_import import VoteReader
from vlm_demo.batch.sources import SourceLimits
from vlm_demo.batch.zip_source import ZipSource
from vlm_demo.catalog.menu import load_menu
from vlm_demo.conversations.json_format import from_json
from vlm_demo.conversations.permalink import decode_link, encode_link, link_request
from vlm_demo.engines.local.checkpoints.describing import describe_checkpoint
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.engines.remote.event_stream import DONE, MessageReader, UnreadableMessageError
from vlm_demo.engines.remote.stream_deltas import read_delta
from vlm_demo.errors import ImageError
from vlm_demo.values import Box, Request, Task

pytestmark = pytest.mark.timeout(0)

EARLIER = ROOT / "tests" / "data" / "earlier_versions"
FEW = MUTANTS // 4 + 1


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_damaged_zips_of_a_batch(tmp_path: Path) -> None:
    good, file = io.BytesIO(), tmp_path / "batch.zip"
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"folder/{number}.png", png())

    def read(content: bytes) -> None:
        file.write_bytes(content)
        with closing(ZipSource(file, SourceLimits(images=100, bytes_all=10_000_000))) as source:
            for name in source.names:
                try:
                    source.read(name)
                except ImageError:
                    continue

    assert try_all(read, mutants([good.getvalue()], FEW)) > 0


def test_damaged_zips_of_a_benchmark(tmp_path: Path) -> None:
    picture, file, folder = tmp_path / "a.png", tmp_path / "own.zip", tmp_path / "pictures"
    picture.write_bytes(png())
    truth = (Box(0.1, 0.1, 0.5, 0.5),)
    question = LabelledQuestion(picture, (24, 16), "a", Task.GROUNDING, "x", truth, {"m": truth})
    write_archive([question], file)

    def read(content: bytes) -> None:
        file.write_bytes(content)
        folder.mkdir()
        try:
            read_archive(file, folder)
        finally:
            shutil.rmtree(folder)

    originals = [file.read_bytes(), (EARLIER / "benchmark.zip").read_bytes()]
    assert try_all(read, mutants(originals, FEW)) > 0


def test_damaged_conversations() -> None:
    originals = [path.read_bytes() for path in EARLIER.glob("*conversation*.json")]
    assert originals
    assert try_all(from_json, mutants(originals, FEW)) > 0


def test_damaged_menus(tmp_path: Path) -> None:
    file = tmp_path / "menu.toml"
    originals = [path.read_bytes() for path in (ROOT / "examples").glob("*.toml")]
    originals.append(b'[[model]]\nname = "a"\nfamily = "llava15"\ncheckpoint = "b/c"\n')

    def read(content: bytes) -> None:
        file.write_bytes(content)
        load_menu(file)

    assert try_all(read, mutants(originals, FEW // 4 + 1)) > 0


def test_damaged_links() -> None:
    request = Request(Task.GROUNDING, "the red circle", regions=(Box(0.1, 0.2, 0.5, 0.6),))
    link = link_request("locate", "embedded-llava15", "", request, None)
    code = encode_link(link)

    def read(content: bytes) -> None:
        decode_link(content.decode("latin-1"))

    assert try_all(read, mutants([code.encode()], FEW)) > 0
    inside = json.dumps({"v": 1, "task": "chat", "text": "a" * 50}).encode()

    def read_packed(content: bytes) -> None:
        decode_link(base64.urlsafe_b64encode(content).decode())

    assert try_all(read_packed, mutants([inside], FEW)) > 0


def test_damaged_lines_of_votes() -> None:
    lines = (EARLIER / "arena_votes.jsonl").read_bytes().splitlines()
    plain = json.dumps({"model_a": "a", "model_b": "b", "winner": "model_a", "tstamp": 1.7e9})

    def read(content: bytes) -> None:
        reader = VoteReader(now=datetime.now(UTC))
        list(reader.read(content.split(b"\n")))

    try_all(read, mutants([*lines, plain.encode()], FEW))


def test_damaged_streams_of_a_server() -> None:
    delta = {"choices": [{"delta": {"content": "word "}, "finish_reason": None}]}
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (delta, delta, end))

    def read(content: bytes) -> None:
        reader = MessageReader("text/event-stream")
        for at in range(0, len(content), 7):
            for message in reader.feed(content[at : at + 7]):
                if message is not DONE:
                    read_delta(message)
        for message in reader.end():
            if message is not DONE:
                read_delta(message)

    refused = try_all(read, mutants([events + b"data: [DONE]\n\n"], FEW), UnreadableMessageError)
    assert refused > 0


def model_folder(place: Path) -> Path:
    """Copy the small files of an embedded model, and give it a tiny weight file."""
    whole = next(path for path in (ROOT / "assets" / "models").iterdir() if path.is_dir())
    folder = place / "model"
    folder.mkdir()
    for path in whole.iterdir():
        if path.suffix in (".json", ".txt", ".jinja", ".md") and path.stat().st_size < 200_000:
            shutil.copyfile(path, folder / path.name)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(8)
    (folder / "model.safetensors").write_bytes(content)
    return folder


def test_damaged_model_folders(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    for path in sorted(folder.glob("*.json")):
        good = path.read_bytes()

        def read(content: bytes, path: Path = path) -> None:
            path.write_bytes(content)
            describe_checkpoint(str(folder))

        try_all(read, mutants([good], FEW // 20 + 1))
        path.write_bytes(good)


def test_damaged_headers_of_weights(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    file = folder / "model.safetensors"

    def read(content: bytes) -> None:
        file.write_bytes(content)
        read_weights(folder)

    try_all(read, mutants([file.read_bytes()], FEW))


@pytest.mark.parametrize(
    "config",
    [
        b"[" * 1_000_000,
        b'{"a": ' * 100_000,
        json.dumps({"model_type": "x" * 5_000_000}).encode(),
        json.dumps({"text_config": {"text_config": {"num_hidden_layers": 10**30}}}).encode(),
        b"\x80\x04cposix\nsystem\n(Vtrue\ntR.",  # a pickle
        b"",
    ],
)
def test_hostile_configs(config: bytes, tmp_path: Path) -> None:
    folder = model_folder(tmp_path)

    def read(content: bytes) -> None:
        (folder / "config.json").write_bytes(content)
        describe_checkpoint(str(folder))

    try_all(read, iter([config]))


def test_links_that_lead_nowhere_or_round_in_circles(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    for target in ("config.json", "nowhere", "/dev/zero", str(folder)):
        file = folder / "config.json"
        file.unlink(missing_ok=True)
        file.symlink_to(target)
        try_all(lambda _: describe_checkpoint(str(folder)), iter([b""]))
