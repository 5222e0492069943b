"""Scripts and style sheets, which stand beside the Python that uses them."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def path(name: str) -> Path:
    """Return where a file for the browser is; `name` is its path below `vlm_demo/ui`."""
    return _FOLDER / name


def read(name: str) -> str:
    """Return the text of a file for the browser; `name` is its path below `vlm_demo/ui`."""
    return path(name).read_text(encoding="utf-8")
