"""File names that every file system takes."""

from __future__ import annotations

import re
import unicodedata

from vlm_demo.rendering.export.class_names import UNNAMED_CLASS, to_printable

MAX_STEM_CHARACTERS = 60
"""Largest number of characters of a file's name before its ending."""

MAX_STEM_BYTES = 180
"""Largest size of that in UTF-8: most file systems take 255 bytes, ending and folder included."""

# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def safe_stem(text: str) -> str:
    """Return the text as the name of a file, without its ending."""
    plain = unicodedata.normalize("NFC", _NOT_IN_NAMES.sub(" ", to_printable(text)))
    plain = " ".join(plain.split())[:MAX_STEM_CHARACTERS]
    plain = plain.encode()[:MAX_STEM_BYTES].decode(errors="ignore").strip(" .")
    return f"_{plain}" if _RESERVED.match(plain) else plain or UNNAMED_CLASS


def make_unique(name: str, taken: set[str]) -> str:
    """Return a name that is not in `taken`, and add it; case does not count, as on Windows."""
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found.casefold())
    return found
