"""How sure a model was of its places: from the tokens of each place alone, and in linear time."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm_demo.families import get_family
from vlm_demo.prompting.confidence import (
    TokenProbabilities,
    apply_confidence_threshold,
    region_confidences,
)
from vlm_demo.rendering.export import export_text
from vlm_demo.values import (
    Box,
    Frame,
    Mention,
    Message,
    ParsedPlace,
    Prompt,
    Reply,
    ReplyState,
    TextChunk,
)

log = math.log


def followed(*pieces: tuple[str, Sequence[float]] | str, prefix: str = "") -> TokenProbabilities:
    """Follow pieces, given with the probabilities of their tokens."""
    tokens = TokenProbabilities(prefix)
    for piece in pieces:
        text, chances = (piece, None) if isinstance(piece, str) else piece
        tokens.add(TextChunk(text, logprobs=tuple(map(log, chances or ()))))
    return tokens


def test_the_tokens_that_overlap_count_and_no_others() -> None:
    tokens = followed(("a cat", [0.1]), ("[0.1", [0.5]), ("0,", [0.9, 0.4]), ("]x", [0.2]))
    text = "a cat[0.10,]x"
    assert tokens.confidence_of((5, 12)) == pytest.approx((0.5 * 0.9 * 0.4 * 0.2) ** 0.25)
    assert tokens.confidence_of((6, 9)) == pytest.approx(0.5)
    assert tokens.confidence_of((10, 11)) == pytest.approx((0.9 * 0.4) ** 0.5)
    assert tokens.confidence_of((0, len(text))) == pytest.approx(
        (0.1 * 0.5 * 0.9 * 0.4 * 0.2) ** 0.2
    )
    assert tokens.confidence_of((5, 5)) is None
    assert tokens.confidence_of((90, 99)) is None


def test_tokens_that_were_held_back_belong_to_the_text_that_comes_next() -> None:
    tokens = followed(("", [0.5]), ("é", [0.8]), ("", [0.1]))
    assert tokens.confidence_of((0, 1)) == pytest.approx(
        (0.5 * 0.8) ** 0.5
    )  # the last one is the end
    tokens = followed("ab", ("c", [0.5, 0.5]), ("d", [0.9]))
    assert tokens.confidence_of((0, 1)) == pytest.approx(0.5)  # its token ended later
    assert tokens.confidence_of((3, 4)) == pytest.approx(0.9)


def test_given_words_and_unknown_tokens_say_nothing() -> None:
    tokens = followed(("cat", [0.7]), prefix=" A ")
    assert tokens.confidence_of((0, 3)) is None
    assert tokens.confidence_of((1, 4)) == pytest.approx(0.7)
    assert followed("no", "thing").confidence_of((0, 7)) is None


def test_impossible_tokens_are_no_trouble() -> None:
    tokens = TokenProbabilities()
    for logprob in (-math.inf, math.nan, -0.1):
        tokens.add(TextChunk("x", logprobs=(logprob,)))
    assert tokens.confidence_of((0, 1)) == tokens.confidence_of((1, 2)) == 0
    assert tokens.confidence_of((2, 3)) == pytest.approx(math.exp(-0.1))


@given(st.lists(st.tuples(st.text(max_size=4), st.lists(st.floats(0.01, 1), max_size=3))))
def test_every_part_is_the_mean_of_what_it_touches(
    pieces: list[tuple[str, list[float]]],
) -> None:
    """Against the plain definition: tokens have the text since the last one that is known."""
    tokens = followed(*pieces)
    stretches, at, begun, waiting = [], 0, 0, []
    for text, chances in pieces:
        at += len(text)
        waiting += chances
        if waiting and at > begun:
            stretches.append((begun, at, waiting))
            begun, waiting = at, []
    rng = random.Random(0)
    for _ in range(5):
        start, end = sorted((rng.randint(0, at), rng.randint(0, at)))
        touched = [c for b, e, chances in stretches if b < end and e > start for c in chances]
        if start == end or not touched:
            assert start == end or tokens.confidence_of((start, end)) is None
            continue
        mean = math.exp(math.fsum(map(log, touched)) / len(touched))
        assert tokens.confidence_of((start, end)) == pytest.approx(mean)


ONE, TWO = Box(0.1, 0.2, 0.4, 0.6), Box(0.5, 0.5, 0.8, 0.7)


def reply_of(pieces: Sequence[tuple[str, Sequence[float]]]) -> Reply:
    raw = "".join(text for text, _ in pieces)
    frame = Frame((100, 100), (100, 100))
    reply = get_family("llava15").reply(raw, Prompt((Message("user", ""),), frame))
    return followed(*pieces).add_confidences(reply)


def test_places_are_rated_by_their_own_numbers_and_phrases_by_the_mean() -> None:
    reply = reply_of(
        [
            ("A cat ", [0.01]),
            ("[0.10, 0.20,", [0.9]),
            (" 0.40, 0.60]", [0.4]),
            (" and", [0.01]),
            (" a dog ", [0.02]),
            ("[0.50, 0.50, 0.80, 0.70]", [0.5]),
            (".", [0.01]),
        ]
    )
    assert [place.confidence for place in reply.parsed_places] == pytest.approx([0.6, 0.5])
    assert [mention.confidence for mention in reply.mentions] == pytest.approx([0.6, 0.5])
    (item, _) = json.loads(export_text(reply, (100, 100), "json"))["items"]
    assert item["confidence"] == pytest.approx(0.6)


def test_a_phrase_with_several_places_has_their_mean() -> None:
    places = (
        ParsedPlace((0, 1), (), ONE, 0.9),
        ParsedPlace((1, 2), (), TWO, 0.5),
        ParsedPlace((2, 3), (), ONE, 0.1),
    )
    mentions = (Mention("a", (0, 0), (ONE, TWO)), Mention("b", (0, 0), (ONE,)))
    reply = Reply("xyz", "", mentions, ReplyState.FOUND, parsed_places=places)
    assert region_confidences(reply) == [(0.9, 0.5), (0.1,)]
    rated = followed(("x", [0.9]), ("y", [0.5]), ("z", [0.1])).add_confidences(reply)
    assert [mention.confidence for mention in rated.mentions] == pytest.approx([0.7, 0.1])


def test_places_without_marks_or_tokens_stay_unrated() -> None:
    reply = Reply(
        "x", "", (Mention("a", (0, 0), (ONE,)),), parsed_places=(ParsedPlace((0, 1), (), TWO),)
    )
    assert followed("x").add_confidences(reply) is reply
    rated = followed(("x", [0.5])).add_confidences(reply)
    assert rated.mentions[0].confidence is None
    assert region_confidences(rated) == [(None,)]


def test_unsure_places_are_left_out_and_colours_stay() -> None:
    places = (
        ParsedPlace((0, 1), (), ONE, 0.2),
        ParsedPlace((1, 2), (), ONE, 0.9),
        ParsedPlace((2, 3), (), TWO, 0.6),
    )
    mentions = (
        Mention("a", (0, 0), (ONE,), confidence=0.2),
        Mention("b", (0, 0), (ONE, TWO), confidence=0.75),
        Mention("c", (0, 0), (Box(0, 0, 1, 1),)),
    )
    reply = Reply("xyz", "", mentions, ReplyState.FOUND, parsed_places=places)
    assert apply_confidence_threshold(reply, 0) == reply
    sure = apply_confidence_threshold(reply, 0.7)
    assert [mention.regions for mention in sure.mentions] == [(), (ONE,), (Box(0, 0, 1, 1),)]
    assert [mention.confidence for mention in sure.mentions] == [None, 0.9, None]
    assert region_confidences(sure) == [(), (0.9,), (None,)]
    assert apply_confidence_threshold(sure, 0.7) == sure
