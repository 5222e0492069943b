"""Who may open a closed page: names and passwords in a file, behind Gradio's own login."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path

from vlm_demo.errors import RateLimitError, SettingsError
from vlm_demo.quotas.moving_window import MovingWindow
from vlm_demo.server.secret_files import read_secret_file

MAX_ATTEMPTS = 10
"""Largest number of attempts to sign in under one name in a minute."""


class Users:
    """The people who may open a page."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        """Take the password of each name."""
        self._passwords = dict(passwords)
        self._attempts = MovingWindow(_too_many, a_minute=MAX_ATTEMPTS)

    def knows(self, name: str, password: str) -> bool:
        """Whether a name has this password; after too many attempts, none is right for a while."""
        known = self._passwords.get(name, "")
        try:
            self._attempts.count(name if known else "")
        except RateLimitError:
            return False
        return hmac.compare_digest(password.encode(), known.encode()) and bool(known)


def read_users(file: Path) -> Users:
    """Read who may open the page: NAME:PASSWORD on each line; "#" begins a comment.

    Raises:
        SettingsError: the file cannot be read, has a line without a name or a password, names
            somebody twice, or names nobody.
    """
    passwords: dict[str, str] = {}
    for number, line in enumerate(read_secret_file(file).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, password = (part.strip() for part in line.partition(":"))
        if not name or not password or name in passwords:
            raise SettingsError(
                "Line {number} of {file} cannot be used: it needs a name of its own, a colon and a "
                "password.",
                number=number,
                file=file,
            )
        passwords[name] = password
    if not passwords:
        raise SettingsError("{file} names nobody who may open the page.", file=file)
    return Users(passwords)


def _too_many(_: float) -> RateLimitError:
    return RateLimitError("Too many wrong passwords. Try again in a minute.")
