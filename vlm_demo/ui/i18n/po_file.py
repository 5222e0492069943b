"""Reads catalogues of translations in gettext's PO format, as Babel keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.core import Locale
from babel.messages.pofile import read_po


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of the page in one language."""

    tag: str  # BCP 47 tag of the language, such as "zh-CN"
    name: str  # of the language, in itself
    texts: Mapping[str, str]  # translations by their English text


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        PoFileError: the file has a line that no catalogue has.
        ValueError: it does not say of which language it is.
    """
    with file.open("rb") as content:
        catalogue = read_po(content, abort_invalid=True)
    identifier = catalogue.locale_identifier
    if not identifier:
        raise ValueError(f"{file.name} has no Language in its header.")
    language = Locale.parse(identifier).language
    return Catalogue(
        tag=identifier.replace("_", "-"),
        name=Locale(language).get_display_name() or language,
        texts={str(one.id): str(one.string) for one in catalogue if one.id and one.string},
    )
