"""Florence-2: no chat, but fifteen tasks, each named by a token; the answer is read accordingly.

Tasks, sentences and markup: transformers/models/florence2/processing_florence2.py (5.23), in whose
words a place is

    car<loc_53><loc_334><loc_933><loc_775>         a box: x1, y1, x2, y2; more fours are more boxes
    STOP<loc_1>... (8 tokens)                      <OCR_WITH_REGION>: the corners of a quadrangle
    wheel<poly><loc_1>...<sep><loc_9>...</poly>    outlines, x and y in turn; <sep> parts them

in a thousand bins over the picture; a bin's centre is taken, and not rounded to whole pixels as
there. That processor also deletes every character of a label that is not ASCII; here they stay.

An engine is given the task's token and the words after it; the checkpoint's processor writes the
sentence, as `Florence2.written` does. It is the task of the newest message that says how an answer
is read; without one, boxes and outlines are told apart by their tags.

"Find this" is asked as <CAPTION_TO_PHRASE_GROUNDING>: it takes any words, a name or a sentence,
and marks each thing in them, as often as it is there. <OPEN_VOCABULARY_DETECTION> was made for
names of classes and serves DETECT; several are parted by <and>, a token of the checkpoints' own
(README of https://github.com/IDEA-Research/Grounded-SAM-2). Without names DETECT asks <OD>. Where a
caption with places is asked for, <DENSE_REGION_CAPTION> is nearest: it describes region by region.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Literal

from vlm_demo.markup.base import NOWHERE, Markup, Reading, ReadingBuilder, Span
from vlm_demo.markup.coordinate_spaces import BINS, CoordinateSpace
from vlm_demo.markup.location_tokens import Run, Token, numbers_of, runs, span_of, without_half_tag
from vlm_demo.prompting.family import MAX_CHARACTERS, Family, Limits
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
"""What the processor makes of each task's token; {input} is what stands behind the token."""

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
"""Phrases that grounding marks but nobody means: `banned_grounding_tokens` of the checkpoints."""

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

Shape = Literal["boxes", "quads", "outlines", "either"]
"""What places are; either: outlines where there are tags for them, else boxes."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the answer to a task looks like."""

    shape: Shape
    labels: Literal["needed", "free", "none"] = "needed"  # needed: a place without is left out
    between: str | None = None  # of labels that are the answer's text; None: they only name places
    left_out: frozenset[str] = frozenset()  # labels


ANYTHING = Form("either", "free")

FORMS: Mapping[str, Form] = {
    "<OD>": Form("boxes"),
    "<DENSE_REGION_CAPTION>": Form("boxes", between="\n"),
    "<REGION_PROPOSAL>": Form("boxes", "none"),
    "<OCR_WITH_REGION>": Form("quads", between="\n"),
    "<CAPTION_TO_PHRASE_GROUNDING>": Form("boxes", left_out=NO_THINGS),
    "<OPEN_VOCABULARY_DETECTION>": Form("either"),
    "<REFERRING_EXPRESSION_SEGMENTATION>": Form("outlines", "none"),
    "<REGION_TO_SEGMENTATION>": Form("outlines", "none"),
    "<REGION_TO_CATEGORY>": Form("boxes", "free", between=""),
    "<REGION_TO_DESCRIPTION>": Form("boxes", "free", between=""),
    "<REGION_TO_OCR>": Form("boxes", "free", between=""),
}
"""How answers with places are read; those to the other tasks are text."""


def read_labels(
    raw: str, frame: Frame, space: CoordinateSpace, *, form: Form = ANYTHING
) -> Reading:
    """Read labels, each followed by its places.

    Labels that are there to name places are no text for people; an answer without places is.
    """
    reading = ReadingBuilder()
    for run in runs(raw, _TOKEN):
        label = "" if form.labels == "none" else run.words.strip()
        if run.tokens and label in form.left_out:
            continue
        span = _show(run, reading, form)
        reading.has_markup = reading.has_markup or bool(run.tokens)
        if label or form.labels != "needed":
            regions = [
                reading.add_parsed_place(span_of(place), numbers, _region(numbers, frame, space))
                for place in _places(run.tokens, form.shape)
                if (numbers := numbers_of(place))
            ]
            reading.add_mention(regions, span=span, phrase=label)
    return reading.reading()


def read_text(raw: str, _: Frame, __: CoordinateSpace) -> Reading:
    """Read an answer that is text and nothing else, and may well be about `<tags>`."""
    return Reading(_OWN_TAG.sub("", without_half_tag(raw)).strip())


def write_bins(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_labels` reads them; a bin is the one that a place lies in."""
    return "".join(
        f"<loc_{min(max(math.floor(number + 0.5), 0), LAST)}>"
        for region in regions
        for number in space.numbers(bounding_box(region), frame)
    )


def _show(run: Run, reading: ReadingBuilder, form: Form) -> Span:
    """Add words to the text, if they belong there; return where they stand."""
    if form.between is None:
        if not run.tokens and not reading.has_markup:
            reading.add_text(run.words)
        return NOWHERE
    if run.words.strip() and not reading.is_empty:
        reading.add_text(form.between)
    return reading.add_text(run.words)


def _places(tokens: Sequence[Token], shape: Shape) -> Iterator[Sequence[Token]]:
    """Split a run into the tokens of single places; leave out what is incomplete."""
    if shape == "outlines" or (shape == "either" and any(t.name != "loc" for t in tokens)):
        yield from _outlines(tokens)
        return
    size = 8 if shape == "quads" else 4
    bins = [token for token in tokens if token.name == "loc"]
    for at in range(0, len(bins) - size + 1, size):
        yield bins[at : at + size]


def _outlines(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Split a run at its tags; what follows the last </poly> is an outline that was cut off."""
    ends = [index for index, token in enumerate(tokens) if token.name == "/poly"]
    for is_bins, group in groupby(tokens[: ends[-1]] if ends else tokens, _is_bin):
        corners = tuple(group)
        if is_bins and len(corners) >= 6:
            yield corners


def _is_bin(token: Token) -> bool:
    return token.name == "loc"


def _region(numbers: Sequence[float], frame: Frame, space: CoordinateSpace) -> Region:
    """Four numbers are a box, more are corners."""
    return space.box(numbers, frame) if len(numbers) == 4 else space.polygon(numbers, frame)


class Florence2(Family):
    """Its tasks are tokens, and the newest one says how to read the answer."""

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        if request.task is Task.DETECT and not request.text.strip():
            request = replace(request, text="every object")
        super().check(request, max_characters=max_characters)

    def written(self, prompt: Prompt) -> str:
        task, words = _task(prompt)
        return SENTENCES[task].format(input=words) if task in SENTENCES else words

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        task, _ = _task(prompt)
        read = read_text if task in SENTENCES else read_labels
        if task in FORMS:
            read = partial(read_labels, form=FORMS[task])
        asked = replace(self, markup=Markup(read, write_bins, BINS))
        return super(Florence2, asked).reply(raw, prompt)

    def _filled(self, wording: str, request: Request, frame: Frame | None) -> str:
        if request.task is not Task.DETECT:
            return super()._filled(wording, request, frame)
        names = [name.strip() for name in request.text.split(",") if name.strip()]
        return wording.replace("{text}", " <and> ".join(names)) if names else "<OD>"


def _task(prompt: Prompt) -> tuple[str, str]:
    """Split the newest message into the task's token and the words behind it."""
    text = prompt.messages[-1].text if prompt.messages else ""
    token = _TASK.match(text)
    return (token[0], text[token.end() :].strip()) if token else ("", text)


FAMILY = Florence2(
    name="florence2",
    title="Florence-2",
    model_types=("florence2",),
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
    markup=Markup(read_labels, write_bins, BINS),
    chat_template=BARE_TEXT,
    keep_special_tokens=True,
    prefix_separator=None,
    limits=Limits(history="none", chats_without_picture=False),
    control_tokens=(
        *("<image>", *_OWN_TAGS, *SENTENCES),
        *(f"<loc_{number}>" for number in range(LAST + 1)),
    ),
)
