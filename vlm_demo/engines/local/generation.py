"""What happens between the model's tokens and the reader's text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any

import torch
from transformers import LogitsProcessor, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from vlm_demo.types import Sampling

CONTEXT_TOKENS = 6
"""Tokens decoded together with new ones, since a token's text depends on those before it."""

MOST_TOKENS_A_CHARACTER = 4
"""A character has at most four bytes; what is longer than that is no character."""

WORD_BEGINS = "\u2581"
"""How SentencePiece writes the blank before a word."""

UNFINISHED = "\ufffd"
"""What a tokenizer writes for a character of which some bytes are still to come."""


class IncrementalText:
    """Turns tokens into text as they come; whole characters only, and nothing else is held back.

    A window of the last tokens is decoded with and without the new ones; the difference is the
    new text. That gets blanks right for every kind of tokenizer, in time linear in the tokens.

    Between `number_tags` (opening to closing token) every token is a number of its own. Decoding
    would run them together and the tags into bytes: they are written as they are, with blanks.
    """

    def __init__(
        self,
        tokenizer: Any,
        prompt_ids: Sequence[int],
        *,
        keep_special: bool,
        number_tags: Mapping[str, str] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._keep_special = keep_special
        self._number_tags = number_tags or {}
        self._closing_tag = ""  # "": tokens are words
        self._joint = ""  # before the next number
        self._ids = list(prompt_ids[-CONTEXT_TOKENS:])
        self._known = len(self._ids)  # of these the text is out already

    def add(self, token: int) -> str:
        """Return the text that a token completes; "" if it ends in half a character."""
        if self._number_tags:
            piece = str(self._tokenizer.convert_ids_to_tokens(token))
            if self._closing_tag or piece in self._number_tags:
                return self._number(piece)
        self._ids.append(token)
        waiting = len(self._ids) - self._known
        if self._pending().endswith(UNFINISHED) and waiting < MOST_TOKENS_A_CHARACTER:
            return ""
        return self._take()

    def rest(self) -> str:
        """Return what is left at the end, without a half character."""
        return self._take().rstrip(UNFINISHED)

    def _number(self, piece: str) -> str:
        """Return a tag, or a number between tags."""
        if not self._closing_tag:
            self._closing_tag, self._joint = self._number_tags[piece], ""
            return self._begun_anew() + piece
        if piece == self._closing_tag:
            self._closing_tag = ""
            return piece
        joint, self._joint = self._joint, " "
        return joint + piece.lstrip(WORD_BEGINS)

    def _begun_anew(self) -> str:
        """Return what is left, and leave no tokens for those to come to be decoded with."""
        rest, self._ids, self._known = self.rest(), [], 0
        return rest

    def _pending(self) -> str:
        return self._decoded(self._ids)[len(self._decoded(self._ids[: self._known])) :]

    def _take(self) -> str:
        text = self._pending()
        self._ids = self._ids[-CONTEXT_TOKENS:]
        self._known = len(self._ids)
        return text

    def _decoded(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(
            ids,
            skip_special_tokens=not self._keep_special,
            clean_up_tokenization_spaces=False,
        )
        return str(text)


class StopStrings:
    """Ends a text before the first of some strings, and holds back what may become one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [string for string in stop if string]
        self._held = ""
        self.reached = False

    def add(self, text: str) -> str:
        """Return the text that is safe to show."""
        if not self._stop or self.reached:
            return "" if self.reached else text
        self._held += text
        ends = [at for string in self._stop if (at := self._held.find(string)) >= 0]
        if ends:
            self.reached = True
            return self._held[: min(ends)]
        safe = len(self._held) - max(self._overlap(string) for string in self._stop)
        shown, self._held = self._held[:safe], self._held[safe:]
        return shown

    def rest(self) -> str:
        """Return what was held back, once the text has ended."""
        return "" if self.reached else self._held

    def _overlap(self, string: str) -> int:
        """Length of the longest ending of the held text that begins the string."""
        longest = min(len(string) - 1, len(self._held))
        return next((n for n in range(longest, 0, -1) if self._held.endswith(string[:n])), 0)


class TokenSink(BaseStreamer):
    """Receives tokens from `generate`: the prompt's first, which are not passed on."""

    def __init__(self, on_token: Callable[[int], None]) -> None:
        self._on_token = on_token
        self._is_prompt = True

    def put(self, value: torch.Tensor) -> None:
        if not self._is_prompt:
            for token in value.flatten().tolist():
                self._on_token(token)
        self._is_prompt = False

    def end(self) -> None:
        pass


class StopWhenSet(StoppingCriteria):
    """Stops after the current token once the event is set."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), self._event.is_set(), device=input_ids.device)


class Draw(LogitsProcessor):
    """Draws the next token with a random generator of its own and leaves only that one.

    `generate` then takes it greedily. Its own sampling uses torch's global generator, which
    would make a seeded answer depend on what else is running, and disturb it.
    """

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self._sampling = sampling
        self._generator = torch.Generator(device)
        if sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(sampling.seed)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        logits = scores.float() / self._sampling.temperature
        if 0 < self._sampling.top_k < logits.shape[-1]:
            least = logits.topk(self._sampling.top_k).values[..., -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if 0 < self._sampling.top_p < 1:
            ordered, order = logits.sort(descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            beyond = before >= self._sampling.top_p  # never the first: nothing comes before it
            logits = logits.masked_fill(
                torch.zeros_like(beyond).scatter(-1, order, beyond), -torch.inf
            )
        token = torch.multinomial(logits.softmax(-1), 1, generator=self._generator)
        return torch.full_like(scores, -torch.inf).scatter(-1, token, 0.0)


class ChoiceTree:
    """The choices that are still open while the tokens of one of them are being written.

    A choice that is the beginning of another one ends with an end token of its own; of choices
    with the same tokens only the first can be made.
    """

    def __init__(self, choices: Sequence[Sequence[int]], end_token: int) -> None:
        self._open: dict[tuple[int, ...], int] = {}  # tokens to index
        for index, tokens in enumerate(choices):
            self._open.setdefault((*tokens, end_token), index)
        self._depth = 0

    @property
    def made(self) -> int | None:
        """Index of the choice, as soon as only one is left."""
        return next(iter(self._open.values())) if len(self._open) == 1 else None

    @property
    def allowed(self) -> list[int]:
        """The tokens that lead on to a choice."""
        return sorted({tokens[self._depth] for tokens in self._open})

    def follow(self, token: int) -> None:
        """Drop the choices that do not go on with this token."""
        self._open = {ids: i for ids, i in self._open.items() if ids[self._depth] == token}
        self._depth += 1


class OnlyChoices(LogitsProcessor):
    """Allows only tokens that lead on to a choice."""

    def __init__(self, tree: ChoiceTree) -> None:
        self._tree = tree

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        allowed = torch.tensor(self._tree.allowed, device=scores.device)
        masked = torch.full_like(scores, -torch.inf)
        # Finite, so that a token that something else has ruled out can still end the choice.
        floor = torch.finfo(scores.dtype).min
        masked[:, allowed] = scores[:, allowed].clamp(min=floor)
        return masked
