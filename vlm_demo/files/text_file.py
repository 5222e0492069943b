"""Reads text files that settings name."""

from __future__ import annotations

from pathlib import Path

from vlm_demo.errors import SettingsError


def read_text_file(file: Path) -> str:
    """Return the text of a file in UTF-8; "~" is the user's folder.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return file.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise SettingsError("{file} cannot be read: {reason}.", file=file, reason=reason) from error
