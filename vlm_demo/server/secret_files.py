"""Files of passwords: flags and their values can be read by everybody on a machine."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from vlm_demo.errors import SettingsError
from vlm_demo.files.text_file import read_text_file
from vlm_demo.settings import Settings

log = logging.getLogger(__name__)

_OTHERS_READ = 0o077
"""Permissions of a file that let others than its user read or change it."""


def read_password(settings: Settings) -> str:
    """Return the operator's password from the settings, or the first line of the file they name.

    Raises:
        SettingsError: the file cannot be read, or its first line is empty.
    """
    if settings.operator_password_file is None:
        return settings.operator_password
    text = read_secret_file(settings.operator_password_file)
    password = text.partition("\n")[0].strip()
    if not password:
        raise SettingsError(
            "{file} has no password on its first line.", file=settings.operator_password_file
        )
    return password


def read_secret_file(file: Path) -> str:
    """Return the text of a file of passwords, and warn where others on the machine can read it.

    Raises:
        SettingsError: it cannot be read.
    """
    text = read_text_file(file)
    mode = file.expanduser().stat().st_mode
    if os.name == "posix" and mode & _OTHERS_READ:
        log.warning("Others on this computer can read %s. Run: chmod 600 %s", file, file)
    return text
