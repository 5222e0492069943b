"""The project's documents, and the code blocks in them."""

import re

from support import ROOT

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")))
}
"""The text of each document, by its path."""


def code_blocks(language, name=None):
    """Return the fenced blocks of a language, in one document or in all."""
    texts = [DOCUMENTS[name]] if name else DOCUMENTS.values()
    fences = (
        re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for text in texts
    )
    return [content for found in fences for fence, content in found if fence == language]
