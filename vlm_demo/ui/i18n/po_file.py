"""Reads catalogues of translations in gettext's PO format.

Babel writes them, in the plain form that is read here: each string on lines of its own, in double
quotes, without plural forms and contexts.

Source of the format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_STRING = re.compile(r'(?:(msgid|msgstr) )?(".*")')


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of the page in one language."""

    tag: str  # BCP 47 tag of the language, such as "zh-CN"
    name: str  # of the language, in itself
    texts: Mapping[str, str]  # translations by their English text


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        ValueError: the file has a line that no catalogue has.
    """
    texts = _read_texts(file.read_text(encoding="utf-8"))
    fields = dict(line.split(": ", 1) for line in texts.pop("").splitlines())
    return Catalogue(
        tag=fields["Language"].replace("_", "-"),
        name=fields["Language-Team"],
        texts={template: text for template, text in texts.items() if text},
    )


def _read_texts(content: str) -> dict[str, str]:
    """Return each `msgstr` by its `msgid`."""
    entries: list[dict[str, str]] = []
    field = ""
    for line in content.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _STRING.fullmatch(line)
        if match is None:
            raise ValueError(f"This is no line of a catalogue: {line!r}")
        if match[1] == "msgid":
            entries.append({"msgid": "", "msgstr": ""})
        field = match[1] or field
        entries[-1][field] += json.loads(match[2])  # its escapes are among those of JSON
    return {entry["msgid"]: entry["msgstr"] for entry in entries}
