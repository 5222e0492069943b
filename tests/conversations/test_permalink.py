"""Links that ask again, and links that somebody has tampered with."""

import base64
import json
import zlib

import pytest
from support import EARLIER_VERSIONS as DATA

from vlm_demo.conversations.permalink import (
    MAX_CHARACTERS,
    Permalink,
    decode_link,
    encode_link,
    link_request,
    sha256_of,
)
from vlm_demo.errors import InputError
from vlm_demo.values import Box, Message, Point, Polygon, RegionForm, Request, Sampling, Task

REQUEST = Request(
    Task.VQA,
    "Welche Farbe hat [1]? 何色 🔴\nzweite Zeile",
    regions=(
        Box(0.1, 0.2, 0.5, 0.75),
        Point(0.25, 0.5),
        Polygon((Point(0, 0), Point(1, 0), Point(0, 1))),
    ),
    region_form=RegionForm.MARKS,
    choices=("red", "dark, blue"),
    sampling=Sampling(64, 0.7, 0.9, 5, 1.1, seed=42),
)
LINK = Permalink("Ask", "some model", "abc123", REQUEST, "0f" * 32, (800, 600), 2)


def test_a_link_brings_back_everything_but_the_picture():
    code = encode_link(LINK)

    assert decode_link(code) == LINK
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in code)
    assert len(code) < 500


def test_a_plain_request_makes_a_short_link():
    link = Permalink(
        "Locate", "m", "", Request(Task.GROUNDING, "red circle"), "0f" * 32, (800, 600)
    )
    assert decode_link(encode_link(link)) == link
    assert len(encode_link(link)) < 220


def test_the_link_of_a_request_names_its_picture_by_the_files_own_hash(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"abc")
    history = (Message("user", "secret question"), Message("assistant", "secret answer"))

    link = link_request(
        "Chat", "m", "", Request(Task.CHAT, "And now?", history=history), path, (3, 1)
    )

    assert link.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == link.sha256
    back = decode_link(encode_link(link))
    assert back.earlier_turns == 1
    assert back.request.history == ()
    assert "secret" not in repr(back)


def test_a_request_that_is_too_long_for_a_link_is_refused():
    noise = "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(4000))
    with pytest.raises(InputError, match="too long"):
        encode_link(Permalink("Chat", "m", "", Request(Task.CHAT, noise)))


def test_links_of_earlier_versions_are_read():
    code = (DATA / "link.txt").read_text().strip()
    link = decode_link(code)

    assert link == Permalink(
        "Ask",
        "some model",
        "abc123",
        Request(
            Task.VQA,
            REQUEST.text,
            regions=(Box(0.125, 0.125, 0.5, 0.625), *REQUEST.regions[1:]),
            region_form=RegionForm.MARKS,
            choices=("red", "dark, blue"),
            pattern="r.d",
            schema='{"type": "string"}',
            sampling=REQUEST.sampling,
        ),
        "0f" * 32,
        (800, 600),
        2,
    )


def packed(content):
    return (
        base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")
    )


GOOD = {"v": 1, "tab": "Locate", "model": "m", "task": "grounding", "text": "x"}


def test_the_smallest_good_link_is_read():
    assert decode_link(packed(GOOD)).request == Request(Task.GROUNDING, "x")


@pytest.mark.parametrize(
    "code",
    [
        "x",
        "%%%",
        "é" * 20,
        "A" * (MAX_CHARACTERS + 1),
        encode_link(LINK)[:-20],
        packed([1, 2]),
        packed("x" * 60_000),
        base64.urlsafe_b64encode(zlib.compress(bytes(100_000_000), 9)[:4000]).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 49_000)).decode(),
        packed(GOOD | {"v": 2}),
        packed({"v": 1}),
        *(
            packed(GOOD | {name: value})
            for name, value in [
                ("tab", 3),
                ("model", None),
                ("model", "a\x00b"),
                ("text", "\x1b[2J"),
                ("text", ["x"]),
                ("task", "fly"),
                ("form", "sideways"),
                ("choices", "red"),
                ("choices", ["red"] * 101),
                ("regions", [[0.1, 0.2, 0.3]]),
                ("regions", [[0.1, 0.2, 0.3, 2]]),
                ("regions", [[0, 0, 0.5, float("nan")]]),
                ("regions", [[0, 0, True, 1]]),
                ("regions", [[0, 0, 1, 1]] * 51),
                ("regions", [[1, 0, 0, 1]]),
                ("sampling", {"temperature": 1}),
                ("sampling", [1]),
                ("sampling", dict.fromkeys(Sampling.__slots__, 10**30)),
                ("sha256", "../../etc/passwd"),
                ("size", [1]),
                ("size", [-1, 2]),
                ("earlier", -1),
            ]
        ),
    ],
)
def test_hostile_links_are_refused_in_words(code):
    with pytest.raises(InputError, match="link"):
        decode_link(code)
