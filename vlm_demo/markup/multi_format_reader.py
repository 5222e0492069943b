"""Reads models that were trained, or are fine-tuned, on several formats of places.

In the order in which they are looked for: JSON about places (`Markup.read_output`), HTML with boxes
(`html_boxes`), points in tags (`point_tags`), and tags or bare numbers (`tags`), all in the space
of the family. Nothing here is guessed: each format can be told from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.html_boxes import add_html, has_html_boxes
from vlm_demo.markup.json_markup import strip_partial_fence
from vlm_demo.markup.parsed_output import ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.point_tags import add_text_and_points, strip_partial_point_tag
from vlm_demo.markup.tags import UNTAGGED, PlaceTag, Tags, find_lists, find_pairs
from vlm_demo.values import Frame

QWEN_TAGS = Tags(
    phrase_tags=("<|object_ref_start|>", "<|object_ref_end|>"),
    place_tags={
        "<|box_start|>": PlaceTag("<|box_end|>", 4),
        "<|quad_start|>": PlaceTag("<|quad_end|>", 8),
    },
    find_places=find_pairs,
    untagged=UNTAGGED,
    reads_points=True,
)
"""Qwen2-VL's own tags, which ms-swift writes for Qwen2.5-VL and Qwen3-VL too, and plain text.

Source: `QWENVL_BBOX_FORMAT` ("legacy") in the command-line parameters of
https://github.com/modelscope/ms-swift; issue #733 of https://github.com/QwenLM/Qwen3-VL names
plain text.
"""

ANY_TAGS = Tags(
    phrase_tags=("<ref>", "</ref>"),
    other_phrase_tags=(
        ("<|object_ref_start|>", "<|object_ref_end|>"),
        ("<|ref|>", "<|/ref|>"),
    ),
    place_tags={
        "<box>": PlaceTag("</box>", 4),
        "<quad>": PlaceTag("</quad>", 8),
        "<|det|>": PlaceTag("<|/det|>", 4),
        **QWEN_TAGS.place_tags,
    },
    find_places=find_lists,
    untagged=UNTAGGED,
    words_end_phrase=False,
)
"""The tags of all families that tag phrases and boxes, for models whose family is not known."""


@dataclass(frozen=True, slots=True)
class MultiFormatReader:
    """Reads HTML, points in tags, tags and bare numbers; see `Markup.read`.

    JSON about places is read before, by `Markup.read_output`.
    """

    tags: Tags = QWEN_TAGS

    def __call__(self, raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        """Read output without JSON about places, or a part of it between such JSON."""
        builder = ParsedOutputBuilder()
        if has_html_boxes(raw):
            add_html(builder, raw, frame, space, 0)
            return builder.build()

        def add_words(words: str, offset: int) -> None:
            output = self.tags.read(words, frame, space)
            builder.add_output(output, offset, around=words)

        body = strip_partial_fence(strip_partial_point_tag(raw), 0)
        add_text_and_points(builder, body, frame, space, 0, add_words)
        return builder.build()
