"""The files of program code that a checkpoint brings, and what names their version."""

from __future__ import annotations

import hashlib
from pathlib import Path

CODE_PATTERN = "*.py"
"""Files of a checkpoint that hold program code."""


def code_files(folder: Path) -> tuple[str, ...]:
    """Return the files of a folder that hold program code, in its folders too, in order."""
    paths = (path for path in folder.rglob(CODE_PATTERN) if path.is_file())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in paths))


def code_revision(folder: Path) -> str:
    """Return what names the code of a folder.

    In the Hub's cache that is the commit. Any other folder gets 16 hexadecimal digits of the
    SHA-256 of the names and the contents of its code files.
    """
    if folder.parent.name == "snapshots":
        return folder.name
    digest = hashlib.sha256()
    for name in code_files(folder):
        content = (folder / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
