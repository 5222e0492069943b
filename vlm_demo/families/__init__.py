"""One file per family. A file that defines FAMILY is known; there is nothing else to register.

Checkpoints of one family that are asked differently are its RELATIVES: a tuple beside FAMILY.
"""

from functools import cache

from vlm_demo.errors import UnknownModelError
from vlm_demo.plugins import discover
from vlm_demo.prompting.family import Family

__all__ = [
    "all_families",
    "family_for_model_type",
    "get_family",
]


@cache
def all_families() -> dict[str, Family]:
    """Return every family, by name."""
    return discover(__name__, __path__, "FAMILY", relatives="RELATIVES")


def get_family(name: str) -> Family:
    """Return the family called `name`, or raise UnknownModelError listing the known ones."""
    if name not in all_families():
        known = ", ".join(all_families())
        raise UnknownModelError(f"There is no model family {name!r}. Known: {known}.")
    return all_families()[name]


def family_for_model_type(model_type: str, checkpoint: str = "") -> Family:
    """Return the family of a checkpoint from its config's `model_type`.

    Architectures are shared by families that are asked differently, so a family that lists
    the checkpoint by its Hub id comes first.

    Raises:
        UnknownModelError: no family reads this type; the message lists those that are read.
    """
    families = all_families().values()
    for family in families:
        if checkpoint in family.checkpoints:
            return family
    for family in families:
        if model_type in family.model_types:
            return family
    known = ", ".join(sorted(kind for family in families for kind in family.model_types))
    raise UnknownModelError(
        f"Models of type {model_type!r} are not supported yet. Supported types: {known}."
    )
