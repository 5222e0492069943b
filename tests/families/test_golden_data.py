"""Wording, whole prompts and markup of every family, against tests/data/families/<family>.jsonl."""

from typing import Any

import pytest
from PIL import Image
from support.families import FAMILIES, asked_prompt, check_each, each, golden_cases

from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Message, ReplyState, Request, Task


@each(FAMILIES)
def test_wording_is_the_golden_one(family: Family) -> None:
    def check(case: Any) -> None:
        data = case.data
        region = Box(*data["region"]) if "region" in data else None
        image = Image.new("RGB", tuple(data.get("image_size", (640, 480))))
        request = Request(
            Task(data["task"]), data["text"], (image,), regions=(region,) if region else ()
        )
        prompt = family.prompt(request)
        assert prompt.messages[-1].text == data["message"]
        assert prompt.answer_prefix == data["answer_prefix"]
        assert prompt.frame is not None
        assert prompt.frame.original == image.size

    check_each(golden_cases(family, "prompt"), check)


@each(FAMILIES)
def test_the_whole_prompt_is_the_documented_one(family: Family) -> None:
    def check(case: Any) -> None:
        data = case.data
        size = tuple(data.get("image_size", (640, 480)))
        images = tuple(Image.new("RGB", size) for _ in range(data.get("images", 1)))
        history: list[Message] = []
        for question, answer in data.get("history", []):
            history.append(Message("user", question, () if history else images))
            history.append(Message("assistant", answer))
        region = Box(*data["region"]) if "region" in data else None
        request = Request(
            Task(data["task"]),
            data.get("text", ""),
            () if history else images,
            regions=(region,) if region else (),
            history=tuple(history),
        )
        assert family.render(family.prompt(request)) == data["prompt"]

    check_each(golden_cases(family, "written"), check)


@each(FAMILIES)
def test_output_is_read_as_the_golden_one(family: Family) -> None:
    def check(case: Any) -> None:
        data = case.data
        reply = family.reply(data["raw"], asked_prompt(data))
        assert reply.text == data["text"]
        assert reply.raw == data["raw"]
        assert reply.state == ReplyState(data["state"])
        size = tuple(data["image_size"])
        got = [(m.phrase, [flatten(r.to_pixels(size)) for r in m.regions]) for m in reply.mentions]
        assert got == [
            (phrase, [pytest.approx(flatten(place), abs=0.51) for place in places])
            for phrase, places in data["mentions"]
        ]
        assert reply.reasoning == data.get("thought", "")
        if "images" in data:
            assert [mention.image_index for mention in reply.mentions] == data["images"]
        for place in reply.parsed_places:
            assert reply.raw[slice(*place.span)].strip()
            assert any(place.region in mention.regions for mention in reply.mentions)

    check_each(golden_cases(family, "output"), check)


@pytest.mark.thorough
@each(FAMILIES)
def test_growing_output_never_shows_markup_or_loses_regions(family: Family) -> None:
    def check(case: Any) -> None:
        data, most = case.data, 0
        prompt = asked_prompt(data)
        final = len(family.reply(data["raw"], prompt).mentions)
        for end in range(min(len(data["raw"]), 300)):
            reply = family.reply(data["raw"][:end], prompt)
            most = max(most, len(reply.mentions))
            if family.markup and data["state"] == "found":
                assert "[0" not in reply.text
                assert "<patch" not in reply.text
                assert "<object" not in reply.text
            for markup in data.get("never_shown", []):
                assert markup not in reply.text
        assert most <= max(final, 1)

    check_each(golden_cases(family, "output"), check)


def flatten(place: Any) -> list[float]:
    """The numbers of a box, a point, or a polygon's corners."""
    return [v for item in place for v in (item if isinstance(item, list | tuple) else [item])]
