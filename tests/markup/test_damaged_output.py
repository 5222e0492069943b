"""100,000 damaged outputs over all readers: nothing raised, no region outside the image.

Real outputs (the shared vectors and the golden data) are cut, repeated, shuffled and mixed with
each other and with junk, from fixed seeds.
"""

import math
import random

from support.families import READERS, each
from support.outputs import recorded_outputs

from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Frame, Message, Point, Polygon, Prompt, Region, Reply, ReplyState

DAMAGED = 100_000 // len(READERS) + 1  # outputs for each family


FOUND = (ReplyState.FOUND, ReplyState.PARTLY_UNREADABLE)
"""The states of answers with regions."""

RECORDED = recorded_outputs()
EVERYTHING = [raw for cases in RECORDED.values() for raw, _ in cases]
JUNK = [
    *("", " ", "\n", "\x00", "\ufffd", "\u202e", "\U0001f600", "赤い丸", "猫", "'", '"', "\\", "`"),
    *("[", "]", "[[", "]]", "{", "}", "(", ")", "<", ">", "</", "/>", "<|", "|>", "```", "```json"),
    *("nan", "NaN", "Infinity", "-inf", "null", "true", "1e999", "-0", "0x1f", "١٢٣", "½"),
    *("9" * 400, "0." + "3" * 400, "-99999", "1001", "0.5", ".5", "5.", "1,", ";", "::"),
    *("<think>", "</think>", "</s>", "<unk>", "<0x00>", "<0x01>", "<loc_1>", "<bin_7>", "<seg005>"),
]


def damage(rng: random.Random, own: list[tuple[str, str]]) -> tuple[str, str]:
    raw, task = rng.choice(own) if own else ("", "")
    if rng.random() < 0.2:
        raw = rng.choice(EVERYTHING)
    pieces = list(raw)
    for _ in range(rng.randint(1, 5)):
        at, length = rng.randint(0, len(pieces)), rng.choice((1, 1, 2, 5, 20))
        match rng.randrange(7):
            case 0:
                del pieces[at : at + length]
            case 1:
                del pieces[at:]
            case 2:
                pieces[at:at] = pieces[at : at + length] * rng.randint(1, 3)
            case 3:
                pieces[at : at + length] = pieces[at : at + length][::-1]
            case 4:
                pieces[at:at] = rng.choice(EVERYTHING)
            case _:
                pieces[at : at + rng.randint(0, 1)] = rng.choice(JUNK)
    return "".join(pieces)[:3000], task


def read(family: Family, raw: str, task: str, frame: Frame) -> Reply:
    prompt = Prompt((Message("user", task),), frame=frame, default_phrase="it")
    return family.reply(raw, prompt)


def coordinates(region: Region) -> list[float]:
    match region:
        case Box(x1, y1, x2, y2):
            assert x1 <= x2
            assert y1 <= y2
            return [x1, y1, x2, y2]
        case Point(x, y):
            return [x, y]
        case Polygon(points):
            return [value for point in points for value in (point.x, point.y)]


@each(READERS)
def test_damaged_output_is_read_without_harm(family: Family) -> None:
    rng = random.Random(family.name)
    spaces = ["", "", *SPACES]
    for _ in range(DAMAGED):
        raw, task = damage(rng, RECORDED.get(family.name, []))
        size = rng.choice(((640, 480), (1, 1), (10_000, 50), (333, 1000)))
        frame = Frame(size, rng.choice((size, (448, 448))), rng.choice(spaces))
        reply = read(family, raw, task, frame)
        assert reply.raw == raw
        assert (reply.state in FOUND) == bool(reply.mentions)
        for mention in reply.mentions:
            start, end = mention.span
            assert mention.span == (0, 0) or reply.text[start:end] == mention.phrase, raw
            assert mention.regions, raw
            for region in mention.regions:
                values = coordinates(region)
                assert all(math.isfinite(v) and 0 <= v <= 1 for v in values), raw
        for place in reply.parsed_places:
            start, end = place.span
            assert 0 <= start < end <= len(raw), raw
            assert any(char.isdigit() for char in raw[start:end]), raw
