"""Reads an answer again, with its numbers in another coordinate space; the model is not asked."""

from __future__ import annotations

import sys
from dataclasses import replace

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, quote_name
from vlm_demo.families import get_family
from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.prompting.confidence import copy_confidences
from vlm_demo.prompting.image_size import limit_image_size
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
        raise InputError(f"There is no coordinate space {quote_name(space)}.")
    family = get_family(spec.family)
    if spec.engine == "remote":
        family = limit_image_size(family)
    prompt = family.prompt(request, max_characters=sys.maxsize)
    if prompt.frame is None:
        return reply
    again = family.reply(reply.raw, replace(prompt, frame=replace(prompt.frame, space=space)))
    notes = " ".join(filter(None, (prompt.note, again.note)))
    return replace(copy_confidences(reply, again), note=notes, timing=reply.timing)


def spaces_to_choose(spec: ModelSpec, reply: Reply) -> tuple[CoordinateSpace, ...]:
    """Return the spaces that an answer may be in; (): there is no doubt, or nothing to draw.

    It is in doubt where the family declares it (`contested_spaces`; for the embedded models it is
    known), where the space was guessed or is not known, and where a person has chosen one.
    """
    family = get_family(spec.family)
    if reply.state not in (ReplyState.FOUND, ReplyState.SPACE_UNKNOWN) or family.markup is None:
        return ()
    if family.contested_spaces:
        return () if spec.embedded else tuple(SPACES[name] for name in family.contested_spaces)
    is_open = reply.space or reply.state is ReplyState.SPACE_UNKNOWN or spec.coordinate_space
    return tuple(SPACES.values()) if is_open else ()
