"""How a family of checkpoints is asked and understood."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from vlm_demo.errors import InputError, SettingsError
from vlm_demo.markup.base import AnswerPart, AnswerPhrase, ParsedOutput, Span
from vlm_demo.prompting.answer_beginning import continue_prefix, decapitalize
from vlm_demo.prompting.conversation_labels import ConversationLabels, derive_labels
from vlm_demo.prompting.escaping import escape_control_tokens
from vlm_demo.prompting.family_spec import FamilyLimits, FamilySpec
from vlm_demo.prompting.film_frames import label_frames
from vlm_demo.prompting.images.image_resolutions import ImageResolution
from vlm_demo.prompting.images.visible_images import first_visible_turn, visible_images
from vlm_demo.prompting.reasoning import (
    blank_out_reasoning,
    cut_at,
    split_reasoning,
)
from vlm_demo.prompting.regions.region_crops import move_to_whole
from vlm_demo.prompting.regions.region_example import is_search_by_example, place_example
from vlm_demo.prompting.regions.region_prompting import adapt_request, choose_form, insert_regions
from vlm_demo.prompting.regions.region_syntax import write_regions
from vlm_demo.prompting.request_checks import MAX_CHARACTERS, check_request
from vlm_demo.prompting.targets import TARGET_TASKS, quote_target, read_targets
from vlm_demo.prompting.tasks import CAPTION_TASKS
from vlm_demo.prompting.templates import fill_template
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts
from vlm_demo.values import Frame, Message, Prompt, Reply, ReplyState, Request, Size, Task

__all__ = ["Family", "FamilyLimits"]

MESSAGE_TOKENS = 8
"""At most about so many tokens does a template write around the text of a message."""

_QUESTION = "QUESTION"
"""Stands for a question where a template is asked what it writes around one."""


@dataclass(frozen=True, kw_only=True)
class Family(FamilySpec):
    """A family is a value: what `FamilySpec` declares, and what follows from it.

    It loads no model and calls none. A subclass overrides a method where fields cannot say what a
    family does.
    """

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        """Refuse a request that cannot become a prompt, before any model is loaded.

        Raises:
            UnsupportedTaskError: there is no instruction for `request.task`, or no checkpoint.
            MissingImageError: the task needs an image.
            MissingTextError: the task needs words.
            TooLongError: a text is longer than `max_characters`.
            TooManyTargetsError: more things are looked for than a request may name.
            InputError: a text is not valid Unicode, there are more images or regions than the
                family takes, a region is not on the image, the form of the answer is given in two
                ways, or a caption cannot continue the beginning that is given.
        """
        check_request(self, request, max_characters)

    def prompt(
        self,
        request: Request,
        *,
        control_tokens: Collection[str] = (),
        max_characters: int = MAX_CHARACTERS,
    ) -> Prompt:
        """Write the prompt for a request.

        Where several things are asked for one by one (see `split_request`), it is the prompt for
        the first of them, and its note says so.

        Args:
            request: what the user asked.
            control_tokens: more strings that the user must not be able to type, as the
                loaded checkpoint knows them.
            max_characters: length of the longest text that is taken.

        Raises:
            VlmDemoError: as `check` does.
        """
        self.check(request, max_characters=max_characters)
        resolution = self._resolution(request)
        if resolution and resolution.seen_size:
            return self._at(resolution).prompt(
                request, control_tokens=control_tokens, max_characters=max_characters
            )
        by_example = is_search_by_example(request)
        request = place_example(request) if by_example else request
        request, *others = self.split_request(request)
        request = replace(request, history=tuple(map(self._strip_past_answer, request.history)))
        forbidden = frozenset((*self.control_tokens, *self.markup_tokens, *control_tokens))
        request = escape_control_tokens(request, forbidden, keep=frozenset(self.markup_tokens))
        names = read_targets(request.text) if request.task in TARGET_TASKS else ()
        if len(names) == 1:
            request = replace(request, text=names[0])
        form = choose_form(self, request)
        adapted = adapt_request(self, request, form)
        turns = self._visible_turns(adapted.request)
        regions = insert_regions(self, adapted, form, turns)
        asked, frame = regions.request, regions.frame
        turns = tuple(map(label_frames, regions.turns))
        notes = self.notes.get(asked.task, ""), regions.note, _describe_split(others)
        if by_example:
            question = self.example_instruction
        elif len(names) > 1 and self._lists_targets(request, names):
            question = self.target_lists[request.task].fill(names)
        else:
            question = self._fill_instruction(regions.instruction, asked, frame)
        instructions = request.system.strip() or self.system
        system = (Message("system", instructions),) if instructions else ()
        return Prompt(
            (*system, *turns[:-1], replace(turns[-1], text=question)),
            frame=frame,
            crop=regions.crop,
            chat_template=self.chat_template,
            thinking=request.sampling.thinking if request.sampling else None,
            image_options=resolution.processor if resolution else {},
            keep_special_tokens=self.keep_special_tokens,
            answer_prefix=self.answer_prefix(asked, frame),
            default_phrase=names[0] if request.task is Task.GROUNDING and len(names) == 1 else "",
            choices=request.choices,
            pattern=request.pattern,
            schema=request.schema,
            stop=(*self.stop, *request.stop),
            note=join_texts(*notes),
        )

    def split_request(self, request: Request) -> tuple[Request, ...]:
        """Return the requests that one is asked as: one for each of several things it names.

        It is only one where it names one thing, or where one prompt can name them all.

        Raises:
            TooManyTargetsError: it names too many.
        """
        names = read_targets(request.text) if request.task in TARGET_TASKS else ()
        if len(names) < 2 or self._lists_targets(request, names):
            return (request,)
        return tuple(replace(request, text=quote_target(name)) for name in names)

    def without_oldest_turns(self, request: Request, tokens: int = 0) -> tuple[Request, int]:
        """Return a request without the oldest turns of its history, and how many went.

        None goes where the family keeps no history, or there is none. An image of the last turn
        that went moves to the next one, unless the conversation has a newer one.

        Args:
            request: what does not fit.
            tokens: by how many it is too long. At least one turn goes, and more as long as all of
                them together surely have fewer tokens: a few are tried again rather than lost.
        """
        if not self.keeps_history or not request.history:
            return request, 0
        count, end, freed = 0, 0, 0
        while end < len(request.history) and (not count or freed < tokens):
            start, end = end, _turn_end(request.history, end)
            turn = request.history[start:end]
            count += 1
            if any(message.images for message in turn):
                break  # nobody knows how many tokens they have
            freed += sum(len(message.text) + MESSAGE_TOKENS for message in turn)
        dropped, rest = request.history[:end], request.history[end:]
        images = tuple(image for message in dropped for image in message.images)
        if request.images or any(message.images for message in rest):
            return replace(request, history=rest), count
        if not rest:
            return replace(request, history=(), images=images), count
        first = replace(rest[0], images=images)
        return replace(request, history=(first, *rest[1:])), count

    def render(self, prompt: Prompt) -> str:
        """Return the whole text of a prompt as the family documents it, one token an image.

        What a loaded checkpoint is really given is the engine's to say.

        Raises:
            InputError: the family's template cannot take such a conversation.
        """
        template = self.documented_template or prompt.chat_template or ""
        return fill_template(template, prompt.messages) + prompt.answer_prefix

    def with_mask_decoder(self, path: Path) -> Self:
        """Return the family with a file that decodes the masks that it writes as codes.

        Raises:
            SettingsError: it writes none, or the file is no decoder of them.
        """
        raise SettingsError(f"the family {self.name!r} takes no mask_decoder, not even {path}.")

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        """Read raw output, complete or still growing; never raises.

        Args:
            raw: `prompt.answer_prefix` and all that the engine has yielded.
            prompt: what the output answers.
        """
        begin = self.conversation_labels.find_answer(raw)
        is_open = self._begins_in_reasoning(prompt)
        reasoning, offset = split_reasoning(raw[begin:], is_open=is_open)
        turn = blank_out_reasoning(raw[begin:], is_open=is_open)
        offset += begin
        start, end = self._answer_span(turn[offset - begin :], prompt)
        start, end = start + offset, end + offset
        answer = turn[start - begin : end - begin]
        if self.markup is None or prompt.frame is None:
            return Reply(raw, answer.strip(), reasoning=reasoning, answer=answer)
        output = self.markup.read_output(answer, prompt.frame)
        newest = max(sum(len(message.images) for message in prompt.messages) - 1, 0)
        mentions = tuple(
            replace(
                mention,
                phrase=mention.phrase or prompt.default_phrase,
                image_index=mention.image_index if self.numbers_images else newest,
            )
            for mention in output.mentions
        )
        places = tuple(
            replace(place, span=(place.span[0] + start, place.span[1] + start))
            for place in output.parsed_places
        )
        reply = Reply(
            raw,
            output.text,
            mentions,
            _state_of(output),
            reasoning=reasoning,
            parsed_places=places,
            answer=answer,
        )
        return move_to_whole(reply, prompt.crop) if prompt.crop else reply

    def write_answer(self, parts: Sequence[AnswerPart], prompt: Prompt) -> str:
        """Write the whole answer to a prompt as the family's models give it.

        It is what comes behind `prompt.answer_prefix`; `reply` reads it back. Reasoning that the
        prompt opens is closed first.
        """
        if prompt.answer_prefix[-1:].isalpha():
            parts = decapitalize(parts)
        answer = continue_prefix(self._write_parts(parts, prompt), prompt.answer_prefix)
        return f"</think>\n\n{answer}" if self._begins_in_reasoning(prompt) else answer

    def _write_parts(self, parts: Sequence[AnswerPart], prompt: Prompt) -> str:
        if self.markup is None or prompt.frame is None:
            return "".join(part if isinstance(part, str) else part.phrase for part in parts)
        match list(parts):
            case [AnswerPhrase(phrase, (_, *_)) as found] if (
                phrase == prompt.default_phrase and not self.markup.names_target
            ):
                return self.markup.write_answer([replace(found, phrase="")], prompt.frame)
        return self.markup.write_answer(parts, prompt.frame)

    def default_frame(self, size: Size, *, space: str = "") -> Frame:
        """Return the frame of an output where it is not known how large the model saw the image.

        `size` is the image's; it is taken to be seen as large as this family resizes it.
        """
        return Frame(size, self.seen_size(size) if self.seen_size else size, space)

    @cached_property
    def conversation_labels(self) -> ConversationLabels:
        """What stands before answers, for outputs that begin with their prompt."""
        template = self.documented_template or self.chat_template or ""
        words = self.instructions.get(Task.CHAT) or self.instructions.get(Task.VQA) or "{text}"
        question = Message("user", words.replace("{text}", _QUESTION))
        try:
            rendered = fill_template(template, (question,))
        except InputError:
            return ConversationLabels()
        return derive_labels(rendered, _QUESTION, self.end_markers)

    def join_tokens(self, tokens: Sequence[str]) -> str:
        """Return the text of an output that is given as tokens."""
        return "".join(tokens)

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        """Return how the answer must begin: here, with the given beginning of a caption.

        Control tokens in `request` are escaped already; `frame` is that of the newest image.
        """
        beginning = request.text.strip()
        if self.prefix_separator is None or request.task not in CAPTION_TASKS or not beginning:
            return ""
        return f"{self.prefix_separator}{beginning}"

    def _resolution(self, request: Request) -> ImageResolution | None:
        """Return the resolution that a request names; None: it names none of this family."""
        tokens = request.sampling.visual_tokens if request.sampling else None
        return next((one for one in self.resolutions if one.tokens == tokens), None)

    def _at(self, resolution: ImageResolution) -> Self:
        """Return the family that resizes images itself, to a resolution of which it is known how.

        Numbers that count pixels then count those of the resized image.
        """
        known = replace(resolution, seen_size=None)
        return replace(
            self,
            prepare_image=resolution.resize,
            seen_size=resolution.seen_size if self.seen_size else None,
            resolutions=(known,),
        )

    def _lists_targets(self, request: Request, names: Sequence[str]) -> bool:
        """Whether one prompt can name these things: not with regions, which it names too."""
        targets = self.target_lists.get(request.task)
        return targets is not None and targets.can_list(names) and not request.regions

    def _begins_in_reasoning(self, prompt: Prompt) -> bool:
        """Whether the prompt, as the template writes it, ends with the beginning of reasoning."""
        if prompt.thinking is None:
            return self.starts_in_reasoning
        return prompt.thinking and (self.starts_in_reasoning or self.thinking_opens_reasoning)

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        """Find the answer: what is left without end markers after it."""
        end = len(raw)
        for marker in self.end_markers:
            end = len(cut_at(marker, raw[:end]))
        return 0, end

    def _visible_turns(self, request: Request) -> tuple[Message, ...]:
        """Return the turns that the model is shown; the last one is the question.

        Which images these have is decided in `visible_images`, where the page asks too.
        """
        question = Message(
            "user", request.text, request.images, request.regions, request.film_times
        )
        turns = (*request.history, question)
        if not self.keeps_history:
            images = visible_images(self.limits, [turn.images for turn in turns])
            return (replace(question, images=images),)
        first, last = self._first_visible(turns), len(turns) - 1
        if first < last and turns[first].role == "assistant":
            first += 1  # its question was left out
        return turns[first:]

    def _first_visible(self, turns: Sequence[Message]) -> int:
        first = first_visible_turn([len(turn.images) for turn in turns], self.limits.max_images)
        while 0 < first < len(turns) - 1 and not turns[first].images:
            first += 1  # it is about an image that was left out
        return first

    def _strip_past_answer(self, turn: Message) -> Message:
        """Leave out of an earlier answer what the template writes itself."""
        if turn.role != "assistant":
            return turn
        text = turn.text[split_reasoning(turn.text)[1] :]
        for marker in self.end_markers:
            text = cut_at(marker, text)
        return replace(turn, text=text.strip())

    def _fill_instruction(self, instruction: str, request: Request, frame: Frame | None) -> str:
        """Fill in the region first: the user's words may hold "{region}"."""
        if "{region}" in instruction and self.markup and frame:
            regions = write_regions(request.regions, self.markup, frame)
            instruction = instruction.replace("{region}", regions)
        return instruction.replace("{text}", request.text.strip())


def _turn_end(history: Sequence[Message], start: int) -> int:
    """Return the index behind the turn that begins at `start`: behind the next answer."""
    for index in range(start, len(history)):
        if history[index].role == "assistant":
            return index + 1
    return len(history)


def _describe_split(others: Sequence[Request]) -> DisplayText:
    """Say that a prompt is only the first of several; "": it is the only one."""
    if not others:
        return ""
    return TranslatableText(
        "Each of the {count} objects is prompted separately; this is the prompt for the first.",
        {"count": len(others) + 1},
    )


def _state_of(output: ParsedOutput) -> ReplyState:
    if output.mentions:
        return ReplyState.PARTLY_UNREADABLE if output.is_damaged else ReplyState.FOUND
    return ReplyState.UNREADABLE if output.unreadable else ReplyState.NONE
