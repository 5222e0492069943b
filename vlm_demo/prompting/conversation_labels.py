"""Finds the last answer in raw output that begins with its prompt.

Many documented snippets decode the prompt and the answer together, with special tokens or without
them. What stands before a question and before an answer follows from a family's own template; the
labels in `COMMON` are read in every family, since the same checkpoints are run with several
templates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.prompting.reasoning import MARKERS

COMMON_TOKENS = (
    *("<|im_start|>assistant", "<|assistant|>", "<start_of_turn>model", "<|turn>model"),
    *("<|start_header_id|>assistant<|end_header_id|>", "<|Assistant|>", "[/INST]"),
)
"""Labels of answers that are made of special tokens: ChatML's, Llama 3's, GLM's, Gemma's."""

COMMON_LABELS = ("ASSISTANT:", "Assistant:", "### Assistant:", "###Assistant:", "##gpt:")
"""Labels of answers in plain text: Vicuna's, SmolVLM's, and those of older projects."""

_ROLES = ("assistant", "model")
_OPENING = re.compile(
    r"(?:<[^<>\s]{1,40}>|\[INST\]|\s)*+"
    r"(?:(?:USER|User|Human|human|Question|Instruction|Input|Image)\s?:|#{2,3}\s?(?:Human|human|User"
    r"|Instruction|Image|Question)\b|(?:system|user)\s*\n|A chat between|You are |This is a chat"
    r"|Below is |The following |Give the following |You will be |Answer the questions)"
)
"""How a prompt begins. An answer that only goes on with another turn does not begin like this."""

_TOKEN = re.compile(r"<[^<>\s]+>|\[/?[A-Z_0-9]+\]")
_BEFORE_LABEL = ".?!>]#\N{IDEOGRAPHIC FULL STOP}"
"""Characters besides blanks that a label may follow."""


@dataclass(frozen=True, slots=True)
class ConversationLabels:
    """What stands before the questions and the answers of a conversation."""

    tokens: tuple[str, ...] = COMMON_TOKENS
    """Labels of answers that hold special tokens, which no words are mistaken for."""

    words: tuple[str, ...] = COMMON_LABELS
    """Labels of answers in plain text."""

    opening: str = ""
    """The beginning of a prompt, without special tokens and blanks; "": only common ones."""

    def find_answer(self, raw: str) -> int:
        """Return where the last answer begins; 0 where the output is an answer alone."""
        ends = [at + len(label) for label in self.tokens if (at := raw.rfind(label)) >= 0]
        if ends:
            return _skip_colons(raw, max(ends), raw[max(ends) - 1])
        at = len(raw) - len(raw.lstrip())
        for label in self.words:
            if raw.startswith(label, at):  # the label of the answer alone, or of the first of many
                ends.append(at + len(label))
        if self._begins_with_prompt(raw):
            ends += [end for label in self.words if (end := _find_last(raw, label))]
            ends += [match.end() for match in _ROLE_LINE.finditer(raw)]
        elif role := _ROLE_LINE.match(raw, at):
            ends.append(role.end())
        if not ends:
            return 0
        return _skip_colons(raw, max(ends), raw[max(ends) - 1])

    def _begins_with_prompt(self, raw: str) -> bool:
        if _OPENING.match(raw):
            return True
        return bool(self.opening) and _TOKEN.sub("", raw).lstrip().startswith(self.opening)


_ROLE_LINE = re.compile(rf"(?:(?<=\n)|\A\s*+)(?:{'|'.join(_ROLES)})[ \t]*\n+")


def derive_labels(rendered: str, question: str, end_markers: Sequence[str]) -> ConversationLabels:
    """Return the labels of a template.

    Args:
        rendered: a prompt of one question, written by the template.
        question: the words of the question in it.
        end_markers: what ends a turn.
    """
    ahead, found, behind = rendered.partition(question)
    if not found:
        return ConversationLabels()
    label = behind.strip()
    for opener, _ in MARKERS:
        label = label.removesuffix(opener).strip()
    while marker := next((m for m in end_markers if m and label.startswith(m.strip())), ""):
        stripped = label.removeprefix(marker.strip()).strip()
        if not stripped or _is_heading(label):
            break
        label = stripped
    opening = _TOKEN.sub("", ahead).strip(" \n:[]")[:40]
    if len(label) < 3:
        return ConversationLabels(opening=opening)
    if _TOKEN.search(label):
        return ConversationLabels(tokens=(*COMMON_TOKENS, label), opening=opening)
    return ConversationLabels(words=(label, *COMMON_LABELS), opening=opening)


def _is_heading(label: str) -> bool:
    """Whether a label itself begins with the sign that ends a turn, as "### Assistant:" does."""
    return label.startswith("#")


def _find_last(raw: str, label: str) -> int:
    """Return where the last of a label ends that begins a line or a word; 0: there is none."""
    at = raw.rfind(label)
    while at > 0 and not (raw[at - 1].isspace() or raw[at - 1] in _BEFORE_LABEL):
        at = raw.rfind(label, 0, at)
    return at + len(label) if at >= 0 else 0


def _skip_colons(raw: str, at: int, last: str) -> int:
    """Skip what some decoders leave behind a label: blanks, and colons behind a colon."""
    while at < len(raw) and (raw[at].isspace() or (raw[at] == ":" and last in ":>")):
        at += 1
    return at
