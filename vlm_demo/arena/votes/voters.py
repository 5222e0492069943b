"""Voters as keyed hashes: the same person is recognised again, but nobody can say who it is."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import time
from pathlib import Path

from sqlalchemy import make_url

from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings

DIGITS = 32
"""Hexadecimal digits of a voter: 128 bits, so that no two people ever share one."""

SECRET_BYTES = 32
"""Length of a new secret."""

READ_ATTEMPTS = 20
"""Attempts, 0.05 s apart, to read a file that another program has created but not yet written."""

log = logging.getLogger(__name__)


def hash_voter(secret: str, identity: str) -> str:
    """Return the voter of an identity such as "login alice": HMAC-SHA-256, cut to `DIGITS`.

    Without the secret, nobody can find the identity by trying names.
    """
    return hmac.digest(secret.encode(), identity.encode(), hashlib.sha256).hex()[:DIGITS]


def open_secret(settings: Settings) -> str:
    """Return the secret of the settings, or the random one that is kept beside the votes.

    For an SQLite file it is `votes.db.secret` beside it. For votes on a server it is in the user's
    data folder on this machine; several machines need one in their settings. A secret that cannot
    be written is lost at the end of the program, and then everybody is a new voter.

    Raises:
        SettingsError: the file exists, but holds no secret.
    """
    if settings.secret:
        return settings.secret
    file = _secret_file(settings.votes)
    try:
        _create(file)
        return _read(file)
    except OSError as error:
        log.warning(
            "The secret that hides who voted cannot be kept in %s: %s. This run uses a temporary "
            "one. Set VLM_DEMO_SECRET to keep the same voters in all runs.",
            file,
            error.strerror,
        )
        return secrets.token_hex(SECRET_BYTES)


def _secret_file(votes: str) -> Path:
    """Return the file that keeps the secret for these votes.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/ (XDG_DATA_HOME).
    """
    if "://" not in votes:
        return Path(f"{votes}.secret")
    if votes.startswith("sqlite"):
        return Path(f"{make_url(votes).database}.secret")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vlm_demo" / "voters.secret"


def _create(file: Path) -> None:
    """Write a new secret that only this user can read, unless there is one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as new:
        new.write(secrets.token_hex(SECRET_BYTES))


def _read(file: Path) -> str:
    """Read the secret, which another program may be about to write.

    Raises:
        SettingsError: the file holds none.
    """
    for _ in range(READ_ATTEMPTS):
        secret = file.read_text(encoding="ascii", errors="replace").strip()
        if len(secret) >= 2 * SECRET_BYTES:
            return secret
        time.sleep(0.05)
    raise SettingsError(
        "{file} should hold the secret that hides who voted, but does not. Restore it, or "
        "delete it, which makes everybody a new voter.",
        file=file,
    )
