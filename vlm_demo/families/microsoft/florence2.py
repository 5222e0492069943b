"""Florence-2: no chat, but fifteen tasks with a token each, which says how an answer is read.

Tasks, sentences and markup: transformers/models/florence2/processing_florence2.py (5.23). Regions:

    car<loc_53><loc_334><loc_933><loc_775>         a box: x1, y1, x2, y2; more fours are more boxes
    STOP<loc_1>... (8 tokens)                      <OCR_WITH_REGION>: the corners of a quadrilateral
    wheel<poly><loc_1>...<sep><loc_9>...</poly>    polygons, x and y in turn, between <sep>

in a thousand bins over the image. A bin is read as its centre, which the processor also rounds to
whole pixels. It deletes every character of a label that is not ASCII, too; here they stay.

An engine is given the task's token and the words after it; the checkpoint's processor writes the
sentence, as `Florence2.render` does. The task of the newest message says how an answer is read;
without one, boxes and polygons are told apart by their tags, and quadrilaterals by their corners.
The processor's own dictionary, `{"<OD>": {"bboxes": [..], "labels": [..]}}`, is in pixels.

GROUNDING is asked as <CAPTION_TO_PHRASE_GROUNDING>, which takes any words, a name or a sentence,
and marks each thing in them as often as it is there. <OPEN_VOCABULARY_DETECTION> was made for names
of classes and serves DETECT and lists of things; <and>, a token of the checkpoints, stands between
several (README of https://github.com/IDEA-Research/Grounded-SAM-2). Without names DETECT asks <OD>.
A grounded caption is asked for as <DENSE_REGION_CAPTION>, which comes closest: it describes region
by region.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import Literal

from vlm_demo.markup.base import NOWHERE, Markup, ParsedOutput, ParsedOutputBuilder, Span
from vlm_demo.markup.coordinate_spaces import BINS, PIXELS, CoordinateSpace
from vlm_demo.markup.location_tokens import (
    LocationToken,
    TokenRun,
    split_runs,
    strip_partial_tag,
    token_numbers,
    token_span,
)
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.conversation_labels import ConversationLabels
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.request_checks import MAX_CHARACTERS
from vlm_demo.prompting.targets import TargetList, read_targets
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Frame, Prompt, Region, Reply, Request, Task, bounding_box

LAST = 999
"""The largest number of a bin."""

SENTENCES: Mapping[str, str] = {
    "<CAPTION>": "What does the image describe?",
    "<DETAILED_CAPTION>": "Describe in detail what is shown in the image.",
    "<MORE_DETAILED_CAPTION>": "Describe with a paragraph what is shown in the image.",
    "<OD>": "Locate the objects with category name in the image.",
    "<DENSE_REGION_CAPTION>": "Locate the objects in the image, with their descriptions.",
    "<REGION_PROPOSAL>": "Locate the region proposals in the image.",
    "<OCR>": "What is the text in the image?",
    "<OCR_WITH_REGION>": "What is the text in the image, with regions?",
    "<CAPTION_TO_PHRASE_GROUNDING>": "Locate the phrases in the caption: {input}",
    "<OPEN_VOCABULARY_DETECTION>": "Locate {input} in the image.",
    "<REFERRING_EXPRESSION_SEGMENTATION>": "Locate {input} in the image with mask",
    "<REGION_TO_SEGMENTATION>": "What is the polygon mask of region {input}",
    "<REGION_TO_CATEGORY>": "What is the region {input}?",
    "<REGION_TO_DESCRIPTION>": "What does the region {input} describe?",
    "<REGION_TO_OCR>": "What text is in the region {input}?",
}
"""What the processor makes of each task's token; {input} is what stands after the token."""

NO_THINGS = frozenset(
    {
        *("it", "I", "me", "mine", "you", "your", "yours", "he", "him", "his", "she", "her"),
        *("hers", "they", "them", "their", "theirs", "one", "oneself", "we", "us", "our", "ours"),
        *("its", "myself", "yourself", "himself", "herself", "itself", "ourselves", "yourselves"),
        *("themselves", "this", "that", "these", "those", "who", "whom", "whose", "which"),
        *("what", "all", "another", "any", "anybody", "anyone", "anything", "each", "everybody"),
        *("everyone", "everything", "few", "many", "nobody", "none", "several", "some"),
        *("somebody", "someone", "something", "each other", "one another", "the image", "image"),
        *("images", "the", "a", "an", "a group", "other objects", "lots", "a set"),
    }
)
"""Phrases that grounding marks though they name nothing: the checkpoints'
`banned_grounding_tokens`."""

_TOKEN = re.compile(
    r"<(?P<name>loc(?=_)|sep(?=>)|/?poly(?=>))(?:_(?P<number>[0-9]{1,15})(?=>)|[^<>\s]*)>"
)
_TASK = re.compile(r"<[A-Z_]+>")

_OWN_TAGS = (
    *("<s>", "</s>", "<pad>", "<unk>", "<mask>", "<sep>", "<and>", "<od>", "</od>", "<ocr>"),
    *("</ocr>", "<cap>", "</cap>", "<ncap>", "</ncap>", "<dcap>", "</dcap>", "<grounding>"),
    *("</grounding>", "<seg>", "</seg>", "<poly>", "</poly>", "<proposal>", "</proposal>"),
    *("<region_cap>", "</region_cap>", "<region_to_desciption>", "</region_to_desciption>"),
)
_OWN_TAG = re.compile("|".join((*map(re.escape, _OWN_TAGS), r"<loc_[0-9]+>")))

Shape = Literal["boxes", "quads", "polygons", "either"]
"""What the regions are; "either": polygons where there are tags for them, otherwise boxes."""


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What the answer to a task looks like."""

    shape: Shape
    labels: Literal["needed", "free", "none"] = "needed"
    """Whether regions have labels; "needed": a region without one is left out."""

    separator: str | None = None
    """What stands between labels that are the answer's text; None: labels only name regions."""

    ignored_labels: frozenset[str] = frozenset()
    """Labels whose regions are left out."""


ANYTHING = AnswerForm("either", "free")
"""The form of answers whose task is not known."""

ANSWER_FORMS: Mapping[str, AnswerForm] = {
    "<OD>": AnswerForm("boxes"),
    "<DENSE_REGION_CAPTION>": AnswerForm("boxes", separator="\n"),
    "<REGION_PROPOSAL>": AnswerForm("boxes", "none"),
    "<OCR_WITH_REGION>": AnswerForm("quads", separator="\n"),
    "<CAPTION_TO_PHRASE_GROUNDING>": AnswerForm("boxes", ignored_labels=NO_THINGS),
    "<OPEN_VOCABULARY_DETECTION>": AnswerForm("either"),
    "<REFERRING_EXPRESSION_SEGMENTATION>": AnswerForm("polygons", "none"),
    "<REGION_TO_SEGMENTATION>": AnswerForm("polygons", "none"),
    "<REGION_TO_CATEGORY>": AnswerForm("boxes", "free", separator=""),
    "<REGION_TO_DESCRIPTION>": AnswerForm("boxes", "free", separator=""),
    "<REGION_TO_OCR>": AnswerForm("boxes", "free", separator=""),
}
"""The forms of answers with regions; those to the other tasks are text."""


def read_labels(
    raw: str, frame: Frame, space: CoordinateSpace, *, form: AnswerForm = ANYTHING
) -> ParsedOutput:
    """Read labels, each followed by its regions.

    Labels that only name regions are no text for people; an answer without regions is.
    """
    builder, lost = ParsedOutputBuilder(), False
    for run in split_runs(raw, _TOKEN):
        label = "" if form.labels == "none" else run.words.strip()
        if run.tokens and label in form.ignored_labels:
            continue
        span = _add_words(run, builder, form)
        builder.has_markup = builder.has_markup or bool(run.tokens)
        if label or form.labels != "needed":
            regions = [
                builder.add_parsed_place(token_span(place), numbers, _region(numbers, frame, space))
                for place in _split_regions(run.tokens, form.shape)
                if (numbers := token_numbers(place))
            ]
            builder.add_mention(regions, span=span, phrase=label)
            builder.is_damaged |= bool(run.words.strip()) and lost
            lost = bool(run.tokens) and not regions
    return builder.build()


def read_text(raw: str, _: Frame, __: CoordinateSpace) -> ParsedOutput:
    """Read an answer that is only text, and may be about `<tags>`."""
    return ParsedOutput(_OWN_TAG.sub("", strip_partial_tag(raw)).strip())


def write_bins(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_labels` reads them; a bin is the one that a corner lies in."""
    return "".join(
        f"<loc_{min(max(math.floor(number + 0.5), 0), LAST)}>"
        for region in regions
        for number in space.to_numbers(bounding_box(region), frame)
    )


def _add_words(run: TokenRun, builder: ParsedOutputBuilder, form: AnswerForm) -> Span:
    """Add words to the text, if they belong there; return where they stand."""
    if form.separator is None:
        if not run.tokens and not builder.has_markup:
            builder.add_text(run.words)
        return NOWHERE
    if run.words.strip() and not builder.is_empty:
        builder.add_text(form.separator)
    return builder.add_text(run.words)


def _split_regions(
    tokens: Sequence[LocationToken], shape: Shape
) -> Iterator[Sequence[LocationToken]]:
    """Split a run into the tokens of single regions; leave out what is incomplete."""
    if shape == "polygons" or (shape == "either" and any(t.name != "loc" for t in tokens)):
        yield from _split_polygons(tokens)
        return
    bins = [token for token in tokens if token.name == "loc"]
    is_quads = shape == "quads" or (shape == "either" and _look_like_quads(bins))
    size = 8 if is_quads else 4
    for at in range(0, len(bins) - size + 1, size):
        yield bins[at : at + size]


def _look_like_quads(bins: Sequence[LocationToken]) -> bool:
    """Whether groups of eight cannot be two boxes each, since a box begins at its upper left.

    A quadrilateral goes round from the upper left, so that its third corner is right of its fourth.
    """
    numbers = token_numbers(bins)
    if numbers is None or len(numbers) % 8 or not numbers:
        return False
    boxes = (numbers[at : at + 4] for at in range(0, len(numbers), 4))
    return any(x1 > x2 or y1 > y2 for x1, y1, x2, y2 in boxes)


def _split_polygons(tokens: Sequence[LocationToken]) -> Iterator[Sequence[LocationToken]]:
    """Split a run at its tags; what follows the last </poly> is a polygon that was cut off."""
    ends = [index for index, token in enumerate(tokens) if token.name == "/poly"]
    for is_bins, group in groupby(tokens[: ends[-1]] if ends else tokens, _is_bin):
        corners = tuple(group)
        if is_bins and len(corners) >= 6:
            yield corners


def _is_bin(token: LocationToken) -> bool:
    return token.name == "loc"


def _region(numbers: Sequence[float], frame: Frame, space: CoordinateSpace) -> Region:
    """Return a box for four numbers, and a polygon for more."""
    return space.to_box(numbers, frame) if len(numbers) == 4 else space.to_polygon(numbers, frame)


MARKUP = Markup(
    read_labels,
    write_bins,
    BINS,
    json_space=PIXELS,
    phrase_pattern="{phrase}{places}",
    phrase_separator="",
    repeats_target=True,
    absence="",
)


class Florence2(Family):
    """Writes tasks as tokens, and reads an answer as the newest one says."""

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        if request.task is Task.DETECT and not read_targets(request.text):
            request = replace(request, text="every object")
        super().check(request, max_characters=max_characters)

    def render(self, prompt: Prompt) -> str:
        task, words = _split_task(prompt)
        return SENTENCES[task].format(input=words) if task in SENTENCES else words

    @cached_property
    def conversation_labels(self) -> ConversationLabels:
        """None: an encoder reads the prompt, so that no output repeats it."""
        return ConversationLabels(tokens=(), words=())

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        task, _ = _split_task(prompt)
        read = read_text if task in SENTENCES else read_labels
        if task in ANSWER_FORMS:
            read = partial(read_labels, form=ANSWER_FORMS[task])
        asked = replace(self, markup=replace(MARKUP, read=read))
        return super(Florence2, asked).reply(raw, prompt)

    def _fill_instruction(self, wording: str, request: Request, frame: Frame | None) -> str:
        if request.task is Task.DETECT and not read_targets(request.text):
            return "<OD>"
        return super()._fill_instruction(wording, request, frame)


def _split_task(prompt: Prompt) -> tuple[str, str]:
    """Split the newest message into the task's token and the words after it."""
    text = prompt.messages[-1].text if prompt.messages else ""
    token = _TASK.match(text)
    return (token[0], text[token.end() :].strip()) if token else ("", text)


CLASSES = TargetList("<OPEN_VOCABULARY_DETECTION>{text}", separator=" <and> ")

FAMILY = Florence2(
    name="florence2",
    title="Florence-2",
    model_types={"florence2": ONE_AT_A_TIME},
    checkpoints=(
        "florence-community/Florence-2-base",
        "florence-community/Florence-2-base-ft",
        "florence-community/Florence-2-large",
        "florence-community/Florence-2-large-ft",
        "microsoft/Florence-2-base",
        "microsoft/Florence-2-base-ft",
        "microsoft/Florence-2-large",
        "microsoft/Florence-2-large-ft",
    ),
    instructions={
        Task.CAPTION: "<CAPTION>",
        Task.DETAILED_CAPTION: "<DETAILED_CAPTION>",
        Task.GROUNDED_CAPTION: "<DENSE_REGION_CAPTION>",
        Task.GROUNDING: "<CAPTION_TO_PHRASE_GROUNDING>{text}",
        Task.DESCRIBE_REGION: "<REGION_TO_DESCRIPTION>{region}",
        Task.DETECT: "<OPEN_VOCABULARY_DETECTION>{text}",
        Task.READ: "<OCR_WITH_REGION>",
    },
    markup_signature=r"<loc_[0-9]",
    target_lists={Task.GROUNDING: CLASSES, Task.DETECT: CLASSES},
    markup=MARKUP,
    chat_template=BARE_TEXT,
    keep_special_tokens=True,
    prefix_separator=None,
    limits=FamilyLimits(history="none", longest_side=1_024, chats_without_image=False),
    control_tokens=(
        *("<image>", *_OWN_TAGS, *SENTENCES),
        *(f"<loc_{number}>" for number in range(LAST + 1)),
    ),
)
