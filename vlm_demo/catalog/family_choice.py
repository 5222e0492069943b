"""Which family a checkpoint is asked and read as, and why.

A checkpoint is asked in its own chat template, unless it is one of those that a family lists: by
its Hub id, by what its files say it was made from, by its folder's name (a guess, which is told),
or because its template writes what the family's does. Many models share an architecture, so its
`model_type` alone decides only where checkpoints of that type bring no template, or where all
families of that type leave the template to the checkpoint and write the same markup. Everything
else is asked as the family `generic`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vlm_demo.engines import CheckpointDescription
from vlm_demo.families import all_families, families_of_type, family_listing, get_family
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.template_matching import (
    CheckpointTemplate,
    TemplateMatch,
    can_be_compared,
    match_template,
)
from vlm_demo.translatable_text import TranslatableText, message

GENERIC = "generic"
"""The name of the family of everything that no other family lists."""


FAMILY_KEY = "vlm_demo_family"
"""Key of the config.json of a converted checkpoint: the name of the family that it is asked as."""


class Basis(StrEnum):
    """What a checkpoint was recognized by."""

    CONVERTED = "converted"  # by this program, which noted it
    HUB_ID = "hub id"
    SAVED_NAME = "saved name"  # `_name_or_path` in config.json
    BASE_MODEL = "base model"  # of its model card
    FOLDER_NAME = "folder name"  # a guess
    TEMPLATE = "template"  # it writes the same text
    MODEL_TYPE = "model type"  # whose checkpoints bring no template
    TYPE_ALONE = "type alone"  # it should bring a template, and does not
    MARKUP = "markup"  # its own template, read as the only family of its type
    NONE = "none"  # its own template, and nothing known of what it writes


_REASONS: dict[Basis, str] = {
    Basis.CONVERTED: message("Prompted as {title}: it was converted for that."),
    Basis.HUB_ID: message("Prompted as {title}, which lists it."),
    Basis.SAVED_NAME: message("Prompted as {title}: its config.json names {detail}."),
    Basis.BASE_MODEL: message("Prompted as {title}: its card says that it was made from {detail}."),
    Basis.FOLDER_NAME: message(
        "Prompted as {title}: guessed from the name of its folder, {detail}."
    ),
    Basis.TEMPLATE: message("Prompted as {title}, whose chat template it has."),
    Basis.MODEL_TYPE: message(
        "Prompted as {title}: models of type {detail} have no chat template."
    ),
    Basis.TYPE_ALONE: message(
        "Prompted as {title}: its type is {detail}. It has no chat template here."
    ),
    Basis.MARKUP: message(
        "Prompted in its own chat template and parsed as {title}: its type is {detail}."
    ),
    Basis.NONE: message("Prompted in its own chat template: no family lists it."),
}
"""Why a family was chosen, as sentences for people."""


@dataclass(frozen=True, slots=True)
class FamilyChoice:
    """The family that a checkpoint is asked and read as, and why."""

    family: str
    basis: Basis
    detail: str = ""
    """The name or type that it was recognized by."""

    @property
    def is_guess(self) -> bool:
        """Whether people should check it."""
        return self.basis is Basis.FOLDER_NAME

    @property
    def reason(self) -> TranslatableText:
        """One sentence for people."""
        values = {"title": get_family(self.family).title, "detail": self.detail}
        return TranslatableText(_REASONS[self.basis], values)


def choose_family(checkpoint: CheckpointDescription) -> FamilyChoice:
    """Choose the family of a checkpoint, by the rule of this module."""
    return _Chooser(checkpoint).choose()


class _Chooser:
    """The rule, for one checkpoint."""

    def __init__(self, checkpoint: CheckpointDescription) -> None:
        self._checkpoint = checkpoint
        self._type = checkpoint.model_type
        self._same_type = families_of_type(self._type)
        template = CheckpointTemplate(checkpoint.chat_template, checkpoint.special_tokens)
        self._probes = template.render_probes() if checkpoint.chat_template else None

    def choose(self) -> FamilyChoice:
        return (
            self._by_note()
            or self._by_hub_id()
            or self._by_name()
            or self._by_template()
            or self._by_type()
            or FamilyChoice(GENERIC, Basis.NONE)
        )

    def _by_note(self) -> FamilyChoice | None:
        name = self._checkpoint.config.get(FAMILY_KEY)
        if isinstance(name, str) and name in all_families():
            return FamilyChoice(name, Basis.CONVERTED)
        return None

    def _by_hub_id(self) -> FamilyChoice | None:
        name = self._checkpoint.name
        family = family_listing(name) if self._checkpoint.is_hub_id else None
        return FamilyChoice(family.name, Basis.HUB_ID, name) if family else None

    def _by_name(self) -> FamilyChoice | None:
        """Choose by what files say that it was made from, or by the folder's name.

        A fine-tune may have been taught another markup than its base model, as SmolDocling was:
        where the folder's name says so, the name counts.
        """
        origins = list(self._origins())
        guess = self._by_folder_name()
        if not origins:
            return guess
        if guess and get_family(guess.family).markup is not get_family(origins[0].family).markup:
            return guess
        return origins[0]

    def _origins(self) -> Iterator[FamilyChoice]:
        saved = self._checkpoint.config.get("_name_or_path")
        names: list[tuple[Basis, Any]] = [(Basis.SAVED_NAME, saved)]
        names += [(Basis.BASE_MODEL, base) for base in self._checkpoint.base_models]
        for basis, name in names:
            family = family_listing(name) if isinstance(name, str) else None
            if family and self._may_be(family):
                yield FamilyChoice(family.name, basis, name)

    def _by_folder_name(self) -> FamilyChoice | None:
        name = self._checkpoint.name.rpartition("/")[2]
        for family in self._same_type:
            listed = {hub_id.rpartition("/")[2].casefold() for hub_id in family.checkpoints}
            if name.casefold() in listed and self._may_be(family):
                return FamilyChoice(family.name, Basis.FOLDER_NAME, name)
        return None

    def _may_be(self, family: Family) -> bool:
        """Whether neither the type nor the template contradicts a family."""
        if family not in self._same_type:
            return False
        if self._probes is None or not can_be_compared(family):
            return True
        return match_template(family, self._probes) > TemplateMatch.DIFFERENT

    def _by_template(self) -> FamilyChoice | None:
        if self._probes is None:
            return None
        matches = {family.name: match_template(family, self._probes) for family in self._same_type}
        best = max(matches.values(), default=TemplateMatch.DIFFERENT)
        if best is TemplateMatch.DIFFERENT:
            return None
        families = [get_family(name) for name, match in matches.items() if match is best]
        return FamilyChoice(self._likeliest(families).name, Basis.TEMPLATE)

    def _likeliest(self, families: list[Family]) -> Family:
        """Return one of the families whose templates write the same text.

        It is that whose markup the tokenizer knows, or else one without markup.
        """
        known = self._checkpoint.vocabulary
        for family in families:
            if family.markup_tokens and known.issuperset(family.markup_tokens):
                return family
        return next((family for family in families if family.markup is None), families[0])

    def _by_type(self) -> FamilyChoice | None:
        if not self._same_type:
            return None
        first = self._same_type[0]
        if not self._checkpoint.chat_template and _brings_no_template(first):
            return FamilyChoice(first.name, Basis.MODEL_TYPE, self._type)
        leaves_template = all(family.chat_template is None for family in self._same_type)
        if leaves_template and all(f.markup is first.markup for f in self._same_type):
            has_template = bool(self._checkpoint.chat_template)
            basis = Basis.MARKUP if has_template else Basis.TYPE_ALONE
            return FamilyChoice(first.name, basis, self._type)
        return None


def _brings_no_template(family: Family) -> bool:
    """Whether checkpoints of a family's types are published without a chat template."""
    return family.chat_template is not None and not family.published_templates
