"""Reads an answer again, with its numbers in another coordinate space; the model is not asked."""

from __future__ import annotations

import sys
from dataclasses import replace

from vlm_demo.answering.target_replies import assign_targets, merge_replies
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, quote_name
from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.prompting.confidence import copy_confidences
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.images.image_size import limit_image_size
from vlm_demo.translatable_text import join_texts
from vlm_demo.values import Reply, ReplyState, Request


def reread(spec: ModelSpec, request: Request, reply: Reply, space: str) -> Reply:
    """Read an answer again.

    Args:
        spec: the model that gave it.
        request: what it answers.
        reply: the answer as it was read.
        space: full name of the space; "": as the model's family says.

    Raises:
        InputError: there is no such space.
        VlmDemoError: the model cannot be asked this.
    """
    if space and space not in SPACES:
        raise InputError("There is no coordinate space {space}.", space=quote_name(space))
    family = spec.find_family()
    if spec.engine == "remote":
        family = limit_image_size(family)
    if not request.images and not any(turn.images for turn in request.history):
        return reply
    again = _read_again(family, request, reply, space)
    return replace(copy_confidences(reply, again), timing=reply.timing, stop=reply.stop)


def _read_again(family: Family, request: Request, reply: Reply, space: str) -> Reply:
    """Read the answer to each prompt that a request was asked as."""
    targets = [result.name for result in reply.targets]
    requests = family.split_request(request) if targets else (request,)
    if len(requests) > 1:
        raws = [result.raw for result in reply.targets]
        pairs = zip(requests, raws, strict=True)
        return merge_replies(targets, [_read(family, part, raw, space) for part, raw in pairs])
    again = _read(family, request, reply.raw, space)
    return assign_targets(again, targets) if targets else again


def _read(family: Family, request: Request, raw: str, space: str) -> Reply:
    prompt = family.prompt(request, max_characters=sys.maxsize)
    frame = replace(prompt.frame, space=space) if prompt.frame else None
    again = family.reply(raw, replace(prompt, frame=frame))
    return replace(again, note=join_texts(prompt.note, again.note))


def spaces_to_choose(spec: ModelSpec, reply: Reply) -> tuple[CoordinateSpace, ...]:
    """Return the spaces that an answer may be in; (): there is no doubt, or nothing to draw.

    It is in doubt where the family declares it (`contested_spaces`; for the embedded models it is
    known), where the space was guessed or is not known, and where a person has chosen one.
    """
    family = spec.find_family()
    with_regions = ReplyState.FOUND, ReplyState.PARTLY_UNREADABLE, ReplyState.SPACE_UNKNOWN
    if reply.state not in with_regions or family.markup is None:
        return ()
    if family.contested_spaces:
        return () if spec.embedded else tuple(SPACES[name] for name in family.contested_spaces)
    is_open = reply.space or reply.state is ReplyState.SPACE_UNKNOWN or spec.coordinate_space
    return tuple(SPACES.values()) if is_open else ()
