"""Writes examples as a family asks and answers, so that a model learns what it will be asked.

The prompt is the family's own, as the engine renders it; the answer is in the family's markup, and
ends with a token at which the engine stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.engines.local.inputs.encoding import OPEN_REASONING, PromptEncoder
from vlm_demo.errors import EngineError, ImageError, VlmDemoError
from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.prompting.escaping import escape_text
from vlm_demo.prompting.family import Family
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingTurn,
)
from vlm_demo.values import Message, Prompt, Request, Task

_MARK = "\N{SYMBOL FOR UNIT SEPARATOR}answer\N{SYMBOL FOR UNIT SEPARATOR}"
"""A made-up answer, behind which the template writes how answers end."""

_STAND_INS = {
    Task.CHAT: Task.VQA,
    Task.VQA: Task.CHAT,
    Task.DETAILED_CAPTION: Task.CAPTION,
    Task.DETECT: Task.GROUNDING,
    Task.GROUNDING: Task.DETECT,
}
"""As what a question is asked where a family has no wording for its task."""


@dataclass(frozen=True, slots=True)
class WrittenTurn:
    """A question and its answer as text."""

    prompt: str
    """All that the model is given before the answer, earlier turns included."""

    answer: str
    """The answer in the family's markup."""

    end: str
    """The token that ends the answer, as text; "": the checkpoint has none."""

    image_count: int
    """How many images the prompt has."""

    is_learned: bool = True
    """Whether the loss is on the answer."""

    @property
    def whole(self) -> str:
        """The prompt with the answer and its end."""
        return f"{self.prompt}{self.answer}{self.end}"


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One text to learn from: a conversation whose prompts continue each other, or a single turn.

    Its pictures are opened when they are needed.
    """

    family: Family
    turns: tuple[TrainingTurn, ...]
    """The turns of the example up to the last one that is written here."""

    steps: tuple[WrittenTurn, ...]
    """The turns of this text; each prompt begins with all of the step before it."""

    source: str
    """Where the example comes from, for messages."""

    @property
    def text(self) -> str:
        """The whole text, of all turns."""
        return self.steps[-1].whole

    def open_prompt(self) -> Prompt:
        """Return the prompt of the last turn, with its pictures as the model is shown them.

        Raises:
            ImageError: a picture cannot be opened any more.
        """
        # How earlier answers are written plays no part: only pictures and sizes are taken.
        *earlier, last = self.turns
        history: list[Message] = []
        for turn in earlier:
            history += _to_messages(turn, _open(turn), turn.answer_text)
        return self.family.prompt(_make_request(self.family, last, _open(last), history))


def write_rows(
    family: Family, encoder: PromptEncoder, example: TrainingExample, *, space: str = ""
) -> list[TrainingRow]:
    """Write an example: one row where each prompt continues the text before it, else one a turn.

    Args:
        family: that asks the model.
        encoder: of the model.
        example: a conversation.
        space: name of the coordinate space that was chosen for the model; "": the family's own.

    Raises:
        RowError: it cannot be learned from; the reason says why.
    """
    try:
        return list(_ExampleWriter(family, encoder, example, space).write())
    except ImageError as error:
        raise RowError(RefusalReason.DAMAGED_IMAGE, str(error)) from error
    except VlmDemoError as error:
        raise RowError(RefusalReason.UNSUPPORTED, str(error)) from error


class _ExampleWriter:
    """Writes the turns of one example in order."""

    def __init__(
        self, family: Family, encoder: PromptEncoder, example: TrainingExample, space: str
    ) -> None:
        self._family, self._encoder, self._example = family, encoder, example
        self._space = space
        self._forbidden = frozenset(
            (*family.control_tokens, *family.markup_tokens, *encoder.control_tokens)
        )

    def write(self) -> Iterator[TrainingRow]:
        history: list[Message] = []
        steps: list[WrittenTurn] = []
        for number, turn in enumerate(self._example.turns):
            _check_turn(self._family, turn)
            images = _open(turn)
            prompt = self._write_prompt(_make_request(self._family, turn, images, history))
            step = self._write_turn(turn, prompt)
            if steps and not step.prompt.startswith(steps[-1].whole):
                yield from self._rows(steps, number)
                steps = []
            steps.append(step)
            history += _to_messages(turn, images, prompt.answer_prefix + step.answer)
        yield from self._rows(steps, len(self._example.turns))

    def _rows(self, steps: Sequence[WrittenTurn], count: int) -> Iterator[TrainingRow]:
        """Yield the row of some turns up to the last that is learned, if one of them is."""
        example, steps = self._example, list(steps)
        while steps and not steps[-1].is_learned:
            steps.pop()
            count -= 1
        if steps:
            yield TrainingRow(self._family, example.turns[:count], tuple(steps), example.source)

    def _write_prompt(self, request: Request) -> Prompt:
        prompt = self._family.prompt(request, control_tokens=self._encoder.control_tokens)
        if prompt.frame is None:
            return prompt
        return replace(prompt, frame=replace(prompt.frame, space=self._space))

    def _escape(self, part: AnswerPart) -> AnswerPart:
        """Make control tokens in the words of an answer plain text: the markup alone has them."""
        if isinstance(part, str):
            return escape_text(part, self._forbidden)
        return replace(part, phrase=escape_text(part.phrase, self._forbidden))

    def _write_turn(self, turn: TrainingTurn, prompt: Prompt) -> WrittenTurn:
        text = self._encoder.render(prompt)
        answer = self._family.write_answer([*map(self._escape, turn.answer)], prompt)
        if OPEN_REASONING.search(text) and not answer.startswith("</think>"):
            answer = f"</think>\n\n{answer}"  # a template of the checkpoint's own opens it
        if text.endswith(":") and answer and not answer.startswith((" ", "<", "\n")):
            answer = f" {answer}"  # "ASSISTANT:" is followed by a blank
        end = find_end(self._encoder, prompt)
        count = sum(len(message.images) for message in prompt.messages)
        return WrittenTurn(text, answer, end, count, turn.is_learned)


def find_end(encoder: PromptEncoder, prompt: Prompt) -> str:
    """Return the token that ends an answer, as text; "": the checkpoint has none.

    It is the first of those at which the engine stops that the template writes behind an answer;
    what the template writes after it belongs to the next question.
    """
    tokenizer = encoder.tokenizer
    texts = {str(tokenizer.convert_ids_to_tokens(token)) for token in encoder.end_tokens}
    tail = _render_tail(encoder, prompt)
    found = [(at, text) for text in texts if (at := tail.find(text)) >= 0]
    if found:
        return min(found)[1]
    return str(tokenizer.eos_token or min(texts, default=""))


def _render_tail(encoder: PromptEncoder, prompt: Prompt) -> str:
    """Return what the template writes behind an answer; "": it cannot be found out."""
    messages = (*prompt.messages, Message("assistant", _MARK))
    try:
        text = encoder.render(replace(prompt, messages=messages, answer_prefix=""))
    except EngineError:  # a template for a single question
        return ""
    return text.partition(_MARK)[2]


def _make_request(
    family: Family, turn: TrainingTurn, images: tuple[Image, ...], history: Sequence[Message]
) -> Request:
    task = turn.task
    if task not in family.instructions and _STAND_INS.get(task) in family.instructions:
        task = _STAND_INS[task]
    return Request(task, turn.text, images, turn.regions, history=tuple(history))


def _to_messages(
    turn: TrainingTurn, images: tuple[Image, ...], answer: str
) -> tuple[Message, Message]:
    return (
        Message("user", turn.text, images, turn.regions),
        Message("assistant", answer),
    )


def _open(turn: TrainingTurn) -> tuple[Image, ...]:
    return tuple(image.open() for image in turn.images)


def _check_turn(family: Family, turn: TrainingTurn) -> None:
    """Refuse an answer with boxes that the family has no way to write.

    Raises:
        RowError: it has none.
    """
    has_boxes = any(isinstance(part, AnswerPhrase) and part.boxes for part in turn.answer)
    if has_boxes and family.markup is None:
        raise RowError(RefusalReason.UNSUPPORTED, f"{family.title} writes no boxes")
