"""Boxes of a data set: checked against their picture, and turned with it where EXIF turns it.

Pictures are opened upright (`open_image`). Some data sets count pixels of the picture as it is
stored, others of the picture as people see it; sizes tell which, if its sides differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vlm_demo.images.opening import FORMATS
from vlm_demo.training.data.examples import RefusalReason, RowError
from vlm_demo.values import Box, Size

IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
"""Endings of the names of picture files, in small letters."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how a stored picture is turned (values 1 to 8; EXIF 2.32, 4.6.5.1)."""

_OVERSHOOT = 0.02
"""Share of a side by which a box may end beyond the picture and is cut off."""

_LEAST_SIDE = 1e-4
"""Share of a side that is taken for no width or height."""

_SCALE_TOLERANCE = 0.02
"""By how much the ratio of two sides may differ in a picture that was only scaled."""

_TURNS: Mapping[int, Callable[[float, float], tuple[float, float]]] = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
"""Where a point of the stored picture is on the upright one, by orientation, in fractions."""


def read_header(path: Path) -> tuple[Size, int]:
    """Return the size of a picture as it is stored, and its EXIF orientation, without decoding.

    Raises:
        RowError: it is missing, or no picture.
    """
    if not path.is_file():
        raise RowError(RefusalReason.MISSING_IMAGE, f"there is no image {path.name}")
    try:
        Image.init()
        with Image.open(path, formats=FORMATS) as image:
            return image.size, int(image.getexif().get(_ORIENTATION, 1) or 1)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise RowError(
            RefusalReason.DAMAGED_IMAGE, f"{path.name} is not an image that can be read"
        ) from None


def find_turn(path: Path, labelled: Size) -> int:
    """Return the orientation by which boxes must be turned; 1: they are of the upright picture.

    Args:
        path: of the picture.
        labelled: the size that the boxes are said to be for.

    Raises:
        RowError: it is missing or damaged, or the boxes are for another picture, or nobody can
            tell how they are turned.
    """
    stored, orientation = read_header(path)
    if orientation not in _TURNS:
        orientation = 1
    upright = stored if orientation < 5 else (stored[1], stored[0])
    is_upright, is_stored = _is_scaled(labelled, upright), _is_scaled(labelled, stored)
    if orientation == 1 and is_upright:
        return 1
    if is_upright and not is_stored:
        return 1
    if is_stored and not is_upright:
        return orientation
    if is_stored:
        detail = "EXIF turns the image, and its sides do not tell whether the boxes are turned"
    else:
        detail = f"the boxes are for {labelled}, the image has {upright}"
    raise RowError(RefusalReason.TURNED_IMAGE, f"{path.name}: {detail}")


def turn_box(box: Box, orientation: int) -> Box:
    """Return where a box of the stored picture is on the upright one."""
    if orientation not in _TURNS:
        return box
    (x1, y1), (x2, y2) = (
        _TURNS[orientation](x, y) for x, y in ((box.x1, box.y1), (box.x2, box.y2))
    )
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def make_box(x1: float, y1: float, x2: float, y2: float, *, by: tuple[float, float]) -> Box:
    """Return a box of numbers that run from 0 to `by` (width, height).

    Raises:
        RowError: it has no area, or lies outside the picture.
    """
    width, height = by
    if not (width > 0 and height > 0):
        raise RowError(RefusalReason.UNREADABLE_ROW, f"the image is said to be {by}")
    written = ", ".join(f"{number:g}" for number in (x1, y1, x2, y2))
    if not (x2 - x1 > _LEAST_SIDE * width and y2 - y1 > _LEAST_SIDE * height):
        raise RowError(RefusalReason.EMPTY_BOX, f"the box {written} has no area")
    slack = _OVERSHOOT * width, _OVERSHOOT * height
    if min(x1 + slack[0], y1 + slack[1]) < 0 or x2 > width + slack[0] or y2 > height + slack[1]:
        raise RowError(
            RefusalReason.BOX_OUTSIDE,
            f"the box {written} lies outside the image of {width:g} x {height:g}",
        )
    return Box.normalize(x1, y1, x2, y2, by=by)


def find_image(folder: Path, name: str) -> Path:
    """Return the file of a picture: in the folder, in its `images`, or where its name says.

    Raises:
        RowError: it is not there, or would lie outside the folder.
    """
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise RowError(RefusalReason.MISSING_IMAGE, f"{name} does not lie in {folder.name}")
    for path in (folder / relative, folder / "images" / relative):
        if path.is_file():
            return path
    raise RowError(RefusalReason.MISSING_IMAGE, f"there is no image {name}")


def _is_scaled(one: Size, other: Size) -> bool:
    """Whether two sizes have the same ratio of sides."""
    ratios = one[0] * other[1], one[1] * other[0]
    return abs(ratios[0] - ratios[1]) <= _SCALE_TOLERANCE * max(ratios)
