"""What one family of checkpoints needs in order to be asked and understood."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from PIL.Image import Image

from vlm_demo.errors import (
    InputError,
    MissingImageError,
    MissingTextError,
    TooLongError,
    UnsupportedTaskError,
)
from vlm_demo.markup.base import Markup, Span
from vlm_demo.prompting import regions_asked, regions_in
from vlm_demo.prompting.escaping import escape_control_tokens
from vlm_demo.prompting.region_wording import ENGLISH, RegionWording
from vlm_demo.prompting.regions_asked import CAPTIONS, QUESTIONS
from vlm_demo.prompting.templates import fill_template
from vlm_demo.values import (
    Frame,
    Message,
    Prompt,
    Region,
    Reply,
    ReplyState,
    Request,
    Sampling,
    Task,
)

MAX_CHARACTERS = 8_000
"""Length of the longest text that is taken from a person."""

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A lone surrogate, as undecodable bytes on a command line leave it: no model can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a family was made for."""

    max_images: int = 1
    history: Literal["full", "none"] = "full"  # none: each question stands alone
    context: int | None = None  # tokens of prompt and answer; None: as the checkpoint says
    chats_without_picture: bool = True


def identity(image: Image) -> Image:
    """Give the model the user's own picture."""
    return image


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family is a value: wording, markup and defaults. It loads and calls nothing.

    In `instructions`, "{text}" stands for the user's words and "{region}" for the region as the
    family writes it. A task without an instruction is one that the family cannot do. Where the
    instruction for DESCRIBE_REGION has no "{region}", the region is drawn into the picture, and
    "{text}" stands for what it is called there.
    """

    name: str
    title: str  # for people
    model_types: tuple[str, ...]  # `model_type` in the checkpoints' config.json
    checkpoints: tuple[str, ...]  # Hub ids
    instructions: Mapping[Task, str]
    markup: Markup | None = None
    region_template: str = ""  # a "{region}" in a question, and what is around it; "": is drawn in
    multi_region_instruction: str = ""  # DESCRIBE_REGION of more than one; "": one at a time
    numbers_pictures: bool = False  # its markup says whose places they are; False: the newest's
    region_wording: RegionWording = ENGLISH  # of regions that are drawn in or cut out
    prepare_image: Callable[[Image], Image] = identity
    system: str = ""
    chat_template: str | None = None  # Jinja, for the processor; None: the checkpoint's own
    documented_template: str | None = None  # the whole prompt, where the above is not all of it
    keep_special_tokens: bool = False  # True where the markup may be made of special tokens
    end_markers: tuple[str, ...] = ()  # text after the first of these is dropped
    stop: tuple[str, ...] = ()  # the model is stopped before the first of these
    notes: Mapping[Task, str] = field(default_factory=dict)  # what people should know of a task
    answer_label: str = ""  # some decoders repeat it before the answer; dropped
    prefix_separator: str | None = " "  # before a given beginning of the answer; None: takes none
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    control_tokens: tuple[str, ...] = ()  # mean something to the checkpoints: nobody may type them
    markup_tokens: tuple[str, ...] = ()  # as well; earlier answers go back to the model with them
    availability: str = ""  # why no checkpoint can be asked, and what can; "": they can be

    @property
    def writes_regions(self) -> bool:
        """Whether a region goes into the prompt as words, and not drawn into the picture."""
        wording = self.region_template + self.instructions.get(Task.DESCRIBE_REGION, "")
        return "{region}" in wording

    def accepts_prefix(self, task: Task) -> bool:
        """Whether a caption can go on from words that are given."""
        return self.prefix_separator is not None or "{text}" in self.instructions[task]

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        """Refuse a request that cannot become a prompt, before any model is loaded.

        Raises:
            UnsupportedTaskError: there is no instruction for `request.task`, or no checkpoint.
            MissingImageError: the task needs a picture.
            MissingTextError: the task needs words.
            TooLongError: a text is longer than `max_characters`.
            InputError: a text is not valid Unicode, there are more pictures or regions than
                the family takes, a region is not on the picture, the form of the answer is given
                in two ways, or a beginning of a caption that it cannot go on from.
        """
        task = request.task
        if self.availability:
            raise UnsupportedTaskError(f"{self.title} cannot be asked: {self.availability}.")
        if task not in self.instructions:
            raise UnsupportedTaskError(
                f"{self.title} models cannot do this task ({task.replace('_', ' ')}). "
                "Please choose another model."
            )
        if len(request.images) > self.limits.max_images:
            raise InputError(
                f"{self.title} models take at most {_pictures(self.limits.max_images)} at a "
                f"time, and there are {len(request.images)}. Please remove some."
            )
        has_picture = bool(request.images) or any(turn.images for turn in request.history)
        if not has_picture and not (task is Task.CHAT and self.limits.chats_without_picture):
            raise MissingImageError("Please add a picture: this needs one.")
        if not has_picture and request.regions:
            raise MissingImageError("Please add a picture: the regions are on none.")
        regions_asked.check(self, request)
        if task in QUESTIONS and not request.text.strip():
            raise MissingTextError("Please write something first: there are no words to go by.")
        if sum(map(bool, (request.choices, request.pattern, request.schema))) > 1:
            raise InputError("Please give possible answers, a pattern or a schema: one of them.")
        for text in (request.text, *request.choices, request.pattern, request.schema):
            if _HALF_CHARACTER.search(text):
                raise InputError("This text has broken characters. Please type it again.")
            if len(text) > max_characters:
                raise TooLongError(
                    f"This text has {len(text):,} characters, "
                    f"{len(text) - max_characters:,} too many: at most {max_characters:,} are "
                    "taken. Please shorten it."
                )
        if task in CAPTIONS and request.text.strip() and not self.accepts_prefix(task):
            raise InputError(
                f"{self.title} models cannot go on from a given beginning. Please leave it out."
            )

    def prompt(
        self,
        request: Request,
        *,
        control_tokens: Collection[str] = (),
        max_characters: int = MAX_CHARACTERS,
    ) -> Prompt:
        """Write the prompt for a request.

        Args:
            request: what the user asked.
            control_tokens: more strings that the user must not be able to type, as the
                loaded checkpoint knows them.
            max_characters: length of the longest text that is taken.

        Raises:
            VlmDemoError: as `check` does.
        """
        self.check(request, max_characters=max_characters)
        request = replace(request, history=tuple(map(self._past, request.history)))
        forbidden = frozenset((*self.control_tokens, *self.markup_tokens, *control_tokens))
        request = escape_control_tokens(request, forbidden, spared=frozenset(self.markup_tokens))
        shown = regions_asked.shown(self, request, self._turns)
        asked, frame, turns = shown.asked, shown.frame, shown.turns
        question = self._filled(shown.wording, asked, frame)
        system = (Message("system", self.system),) if self.system else ()
        return Prompt(
            (*system, *turns[:-1], replace(turns[-1], text=question)),
            frame=frame,
            crop=shown.part,
            chat_template=self.chat_template,
            keep_special_tokens=self.keep_special_tokens,
            answer_prefix=self.answer_prefix(asked, frame),
            phrase=request.text.strip() if request.task is Task.GROUNDING else "",
            choices=request.choices,
            pattern=request.pattern,
            schema=request.schema,
            stop=self.stop,
            note=" ".join(filter(None, (self.notes.get(asked.task, ""), shown.note))),
        )

    def without_oldest_turn(self, request: Request) -> Request | None:
        """Return a request without the oldest turn of its history; None where there is none to go.

        A picture of that turn moves to the next one, unless the conversation has a newer one.
        """
        if self.limits.history == "none" or not request.history:
            return None
        answers = [i for i, message in enumerate(request.history) if message.role == "assistant"]
        end = answers[0] + 1 if answers else len(request.history)
        gone, left = request.history[:end], request.history[end:]
        images = tuple(image for message in gone for image in message.images)
        if request.images or any(message.images for message in left):
            return replace(request, history=left)
        if not left:
            return replace(request, history=(), images=images)
        return replace(request, history=(replace(left[0], images=images), *left[1:]))

    def render(self, prompt: Prompt) -> str:
        """Return the whole text of a prompt as the family documents it, one token a picture.

        What a loaded checkpoint is really given is the engine's to say.

        Raises:
            InputError: the family's template cannot take such a conversation.
        """
        template = self.documented_template or prompt.chat_template or ""
        return fill_template(template, prompt.messages) + prompt.answer_prefix

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        """Read raw output, complete or still growing; never raises.

        Args:
            raw: `prompt.answer_prefix` and all that the engine has yielded.
            prompt: what the output answers.
        """
        thought, answer_at = _thought(raw)
        start, end = self._answer_span(raw[answer_at:], prompt)
        start, end = start + answer_at, end + answer_at
        answer = raw[start:end]
        if self.markup is None or prompt.frame is None:
            return Reply(raw, answer.strip(), reasoning=thought)
        reading = self.markup.read_output(answer, prompt.frame)
        newest = max(sum(len(message.images) for message in prompt.messages) - 1, 0)
        mentions = tuple(
            replace(
                mention,
                phrase=mention.phrase or prompt.phrase,
                image_index=mention.image_index if self.numbers_pictures else newest,
            )
            for mention in reading.mentions
        )
        marks = tuple(
            replace(mark, span=(mark.span[0] + start, mark.span[1] + start))
            for mark in reading.parsed_places
        )
        state = ReplyState.UNREADABLE if reading.unreadable else ReplyState.NONE
        reply = Reply(
            raw,
            reading.text,
            mentions,
            ReplyState.FOUND if mentions else state,
            reasoning=thought,
            parsed_places=marks,
        )
        return regions_in.on_whole(reply, prompt.crop) if prompt.crop else reply

    def join_tokens(self, tokens: Sequence[str]) -> str:
        """Return the text of an output that is given as tokens."""
        return "".join(tokens)

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        """How the answer must begin: here, with the given beginning of a caption.

        `request` is defused already.
        """
        beginning = request.text.strip()
        if self.prefix_separator is None or request.task not in CAPTIONS or not beginning:
            return ""
        return f"{self.prefix_separator}{beginning}"

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        """Find the answer: what is left without labels before it and end markers after it."""
        start, end = 0, len(raw)
        if self.answer_label and raw.lstrip().startswith(self.answer_label):
            start = raw.index(self.answer_label) + len(self.answer_label)
        for marker in self.end_markers:
            end = start + len(_before(marker, raw[start:end]))
        return start, end

    def _turns(self, request: Request) -> tuple[Message, ...]:
        """Return the turns that the model is shown; the last one is the question.

        A picture beyond the limit starts the conversation anew: turns about a picture that the
        model no longer sees would be riddles to it.
        """
        question = Message("user", request.text, request.images, request.regions)
        if self.limits.history == "none":
            newest = [image for turn in request.history for image in turn.images]
            images = request.images or tuple(newest[-self.limits.max_images :])
            return (replace(question, images=images),)
        kept: list[Message] = [question]
        images_left = self.limits.max_images - len(request.images)
        for turn in reversed(request.history):
            images_left -= len(turn.images)
            if images_left < 0:
                while len(kept) > 1 and not kept[-1].images:
                    kept.pop()
                break
            kept.append(turn)
        if len(kept) > 1 and kept[-1].role == "assistant":
            kept.pop()  # its question was left out
        return tuple(reversed(kept))

    def _past(self, turn: Message) -> Message:
        """Leave out of an earlier answer what the template writes itself."""
        if turn.role != "assistant":
            return turn
        text = turn.text[_thought(turn.text)[1] :]
        for marker in self.end_markers:
            text = _before(marker, text)
        return replace(turn, text=text.strip())

    def in_question(self, region: Region, frame: Frame) -> str:
        """Write a region as it stands in a question; see `region_template`."""
        if not self.markup:
            return ""
        written = regions_in.written(region, self.markup, frame)
        return self.region_template.replace("{region}", written)

    def _filled(self, wording: str, request: Request, frame: Frame | None) -> str:
        """Fill in the region first: the user's words may hold "{region}"."""
        if "{region}" in wording and self.markup and frame:
            regions = regions_in.all_written(request.regions, self.markup, frame)
            wording = wording.replace("{region}", regions)
        return wording.replace("{text}", request.text.strip())


def _thought(raw: str) -> tuple[str, int]:
    """Return the draft before an answer, and where the answer begins; the draft may be growing."""
    opening, closing = "<think>", "</think>"
    at = raw.rfind(closing)
    if at >= 0:
        return raw[:at].replace(opening, "", 1).strip(), at + len(closing)
    begun = raw.lstrip()
    if begun.startswith(opening):
        return _before(closing, begun.removeprefix(opening)).strip(), len(raw)
    return "", 0


def _before(marker: str, text: str) -> str:
    """Return the text before a marker, also when the marker is only half written yet."""
    text = text.split(marker, 1)[0]
    for length in range(len(marker) - 1, 1, -1):
        if text.endswith(marker[:length]):
            return text[:-length]
    return text


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"
