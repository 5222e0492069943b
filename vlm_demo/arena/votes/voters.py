"""Voters are known by a keyed hash: the same person again, but nobody can say who."""

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

PATIENCE = 20
"""Looks, 0.05 s apart, at a file that another program has made and not yet written."""

log = logging.getLogger(__name__)


def hashed(secret: str, identity: str) -> str:
    """Return what is kept of an identity such as "login alice": HMAC-SHA-256, cut to `DIGITS`.

    Without the secret nobody can find out whose it is by trying names.
    """
    return hmac.digest(secret.encode(), identity.encode(), hashlib.sha256).hex()[:DIGITS]


def open_secret(settings: Settings) -> str:
    """Return the secret of the settings, or the random one that is kept beside the votes.

    Beside a file of SQLite it is `votes.db.secret`. For votes on a server it is in the person's
    own folder on this machine; several machines need one in their settings. Where it cannot be
    written, it is forgotten at the end of the program, and everybody is a new voter then.

    Raises:
        SettingsError: the file is there and holds no secret.
    """
    if settings.secret:
        return settings.secret
    file = _file_for(settings.votes)
    try:
        _create(file)
        return _read(file)
    except OSError as error:
        log.warning(
            "The secret that makes voters unrecognisable cannot be kept in %s: %s. Until the end "
            "of this run there is another one; VLM_DEMO_SECRET can give one for good.",
            file,
            error.strerror,
        )
        return secrets.token_hex(SECRET_BYTES)


def _file_for(votes: str) -> Path:
    """Where the secret for some votes is kept.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/ (XDG_DATA_HOME).
    """
    if "://" not in votes:
        return Path(f"{votes}.secret")
    if votes.startswith("sqlite"):
        return Path(f"{make_url(votes).database}.secret")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vlm_demo" / "voters.secret"


def _create(file: Path) -> None:
    """Write a new secret that only this person can read, unless there is one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as new:
        new.write(secrets.token_hex(SECRET_BYTES))


def _read(file: Path) -> str:
    """Read the secret; another program may be about to write it.

    Raises:
        SettingsError: there is none in the file.
    """
    for _ in range(PATIENCE):
        secret = file.read_text(encoding="ascii", errors="replace").strip()
        if len(secret) >= 2 * SECRET_BYTES:
            return secret
        time.sleep(0.05)
    raise SettingsError(
        f"{file} should hold the secret that makes voters unrecognisable, and does not. Please "
        "restore it, or delete it: then everybody is a new voter."
    )
