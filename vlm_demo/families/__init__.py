"""What differs between models: one file a family, in a folder of its lineage or maker.

A file that defines FAMILY is found; there is nothing else to register. It has the name of its
family. Checkpoints that are asked differently are RELATIVES: a tuple beside FAMILY. Other packages
add families by entry points of the group `vlm_demo.families`, each of which names a module that is
like a file here.
"""

from collections.abc import Mapping
from functools import cache

from vlm_demo.errors import UnknownModelError, quote_name, suggest_names
from vlm_demo.plugins import discover, discover_plugins
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import TranslatableText, join_texts, message

__all__ = [
    "all_families",
    "architectures",
    "families_of_type",
    "family_listing",
    "get_family",
]


@cache
def all_families() -> dict[str, Family]:
    """Return every family, by name, those of other packages last."""
    own = discover(__name__, __path__, "FAMILY", Family, relatives="RELATIVES")
    return own | discover_plugins("vlm_demo.families", own, "FAMILY", Family, relatives="RELATIVES")


@cache
def architectures() -> Mapping[str, Architecture]:
    """Return how each declared `model_type` is run; what a family here declares comes first."""
    return {
        model_type: architecture
        for family in reversed(all_families().values())
        for model_type, architecture in family.model_types.items()
    }


def get_family(name: str) -> Family:
    """Return the family called `name`, or raise UnknownModelError."""
    families = all_families()
    if name not in families:
        unknown = TranslatableText("There is no model family {name}.", {"name": quote_name(name)})
        advice = message("vlm-demo models --json lists those of all models.")
        raise UnknownModelError(join_texts(unknown, suggest_names(name, families), advice))
    return families[name]


def families_of_type(model_type: str) -> tuple[Family, ...]:
    """Return the families whose checkpoints may have this `model_type` in their config.

    Architectures are shared by families that are asked differently: see `catalog.family_choice`.
    """
    return tuple(f for f in all_families().values() if model_type in f.model_types)


def family_listing(checkpoint: str) -> Family | None:
    """Return the family that lists a Hub id, or None."""
    return next((f for f in all_families().values() if checkpoint in f.checkpoints), None)
