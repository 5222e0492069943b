"""What the guide to a new family says is true: its code is the repository's, and works."""

import re
from typing import Any

import pytest
from support import ROOT

from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Frame, Prompt, ReplyState, Request, Task

GUIDE = (ROOT / "docs" / "adding-a-family.md").read_text("utf-8")


def block(name: str) -> str:
    """The code between the comments of this name."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", GUIDE, re.DOTALL)
    assert found
    return found[1]


def added(path: str) -> str:
    """The lines that the quoted diff adds to a file."""
    _, part = block("pink").split(f"+++ b/{path}\n")
    lines = part.split("--- ")[0].splitlines()
    return "".join(f"{line[1:]}\n" for line in lines if line.startswith("+"))


def test_the_quoted_family_is_the_whole_file() -> None:
    path = "vlm_demo/families/research/pink.py"
    assert added(path) == (ROOT / path).read_text("utf-8")


def test_the_quoted_golden_data_is_in_the_file() -> None:
    path = "tests/data/families/pink.jsonl"
    lines = added(path).splitlines()
    assert len(lines) == 3
    assert {'"prompt"', '"written"', '"output"'} == {
        line.split('"kind": ')[1].split(",")[0] for line in lines
    }
    assert set(lines) <= set((ROOT / path).read_text("utf-8").splitlines())


def test_the_quoted_menu_entry_is_in_the_catalogue() -> None:
    path = "vlm_demo/catalog/catalog.toml"
    entry = added(path)
    assert entry.startswith("[[model]]\n")
    assert f"{entry}\n" in (ROOT / path).read_text("utf-8")


@pytest.fixture
def marks() -> Family:
    """The family of the example."""
    names: dict[str, Any] = {}
    exec(compile(block("reader"), "adding-a-family.md", "exec"), names)
    family = names["FAMILY"]
    assert isinstance(family, Family)
    return family


FRAME = Frame((640, 480), (640, 480))


@pytest.mark.parametrize(
    ("raw", "text", "state", "mentions"),
    [
        ("A dog @(100,200,300,400).", "A dog.", "found", [("A dog", (64, 96, 192, 192))]),
        ("A dog @(300,400,100,200", "A dog", "none", []),
        ("A dog @(1,2,3) and a cat.", "A dog and a cat.", "unreadable", []),
        (
            "A dog @(1,2,3) and a cat @(100,200,300,400).",
            "A dog and a cat.",
            "partly unreadable",
            [("and a cat", (64, 96, 192, 192))],
        ),
        ("@(0,0,1000,2000)", "", "found", [("", (0, 0, 640, 480))]),
        ("me@example.org", "me@example.org", "none", []),
    ],
)
def test_the_reader_of_the_example_reads(
    marks: Family, raw: str, text: str, state: str, mentions: list[Any]
) -> None:
    reply = marks.reply(raw, Prompt((), frame=FRAME))
    assert (reply.text, reply.state) == (text, ReplyState(state))
    assert [(m.phrase, m.regions[0].to_pixels((640, 480))) for m in reply.mentions] == [
        (phrase, pytest.approx(box)) for phrase, box in mentions
    ]


def test_the_reader_of_the_example_is_linear_and_undoes_its_writer(marks: Family) -> None:
    assert marks.markup
    box = Box(0.1, 0.2, 0.3, 0.4)
    assert marks.markup.write_regions([box], FRAME) == "@(100,200,300,400)"
    for part in ("@(1,", "@(", "@", "9", "@(1,2,3,4)"):
        marks.reply(part * 20_000, Prompt((), frame=FRAME))


def test_the_example_is_asked_as_it_says(marks: Family, picture: Any) -> None:
    prompt = marks.prompt(Request(Task.DESCRIBE_REGION, "", (picture,), regions=(Box(0, 0, 1, 1),)))
    assert prompt.messages[-1].text == "What is @(0,0,1000,1000)?"
