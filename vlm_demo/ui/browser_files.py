"""Reads scripts and style sheets, which lie beside the Python that uses them."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def path(name: str) -> Path:
    """Return the path of a file for the browser; `name` is its path below `vlm_demo/ui`."""
    return _FOLDER / name


def read(name: str, **values: str) -> str:
    """Return the text of a file for the browser; `name` is its path below `vlm_demo/ui`.

    Args:
        name: which file.
        values: what takes the place of `%NAME%` in the text, by name.
    """
    return fill(path(name).read_text(encoding="utf-8"), **values)


def fill(template: str, **values: str) -> str:
    """Put values in place of each `%NAME%` in a template."""
    for name, value in values.items():
        template = template.replace(f"%{name.upper()}%", value)
    return template
