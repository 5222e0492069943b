"""Draws scenes: everything in a picture follows from one integer seed."""

from __future__ import annotations

import math
import random
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vlm_demo.scenes.kinds import BACKGROUNDS, COLOURS, KINDS, RGB, Kind
from vlm_demo.scenes.scene import Background, Scene, SceneObject
from vlm_demo.values import Box, Size

MAX_OBJECTS = 5
_SPRITES = Path(__file__).parent / "sprites"
_MASK_SIDE = 192  # pixels; shapes are drawn once at this size, then scaled
_TINT_HUES = {"red": 0.0, "yellow": 0.145, "green": 0.36, "blue": 0.61, "purple": 0.78}
# Largest side of an object by the number of objects, as a share of the geometric mean of the sides
# of the picture.
_LARGEST = {1: 0.80, 2: 0.60, 3: 0.49, 4: 0.43, 5: 0.39}
_SMALLEST = {"shape": 0.12, "sprite": 0.17}
_MAX_OVERLAP = 0.12  # of the smaller box
_SHAPES = tuple(name for name, kind in KINDS.items() if kind.look == "shape")
_THINGS = tuple(name for name, kind in KINDS.items() if kind.look == "sprite")


def draw_scene(seed: int, longest_side: int | None = None) -> Scene:
    """Draw the scene of `seed`.

    The seed chooses a longer side of 144 to 640 pixels, unless `longest_side` gives it; the same
    seed at another size is another scene.
    """
    rng = random.Random(seed)
    size = _choose_size(rng)
    if longest_side is not None:
        scale = longest_side / max(size)
        size = (max(8, round(size[0] * scale)), max(8, round(size[1] * scale)))
    plain = rng.random() < 0.3  # flat pure colours, as a child or a test would use
    image, background = _paint_background(rng, size, plain)
    objects = _place_objects(rng, image, background, plain)
    objects.sort(key=lambda o: o.centre[0])
    return Scene(seed, image, background, tuple(objects))


def _choose_size(rng: random.Random) -> Size:
    side = rng.choice((144, 144, 176, 224, 288, 384, 512, 640))
    if rng.random() < 0.5:
        return side, side
    ratio = math.exp(rng.uniform(0, math.log(2.2)))
    width, height = side, max(64, round(side / ratio))
    return (width, height) if rng.random() < 0.6 else (height, width)


def _place_objects(
    rng: random.Random, image: Image.Image, background: Background, plain: bool
) -> list[SceneObject]:
    wanted = rng.randint(1, MAX_OBJECTS)
    objects: list[SceneObject] = []
    boxes: list[tuple[int, int, int, int]] = []
    for _ in range(wanted):
        kind, colour = _choose_object(rng, objects, background, plain)
        place = _find_place(rng, kind, colour, image.size, wanted, boxes)
        if place is None:
            continue
        stamp, (x, y) = place
        _paint(rng, image, stamp, (x, y), colour, plain)
        corners = (x, y, x + stamp.width, y + stamp.height)
        boxes.append(corners)
        objects.append(SceneObject(kind, colour, Box.normalize(*corners, by=image.size)))
    return objects


def _choose_object(
    rng: random.Random, objects: list[SceneObject], background: Background, plain: bool
) -> tuple[Kind, str]:
    if objects and rng.random() < 0.22:  # repeated, for counting and for ambiguity
        earlier = rng.choice(objects)
        kind, colour = earlier.kind, earlier.colour
        if kind.look == "shape" and rng.random() < 0.6:
            colour = _choose_colour(rng, kind, background)
        return kind, colour
    if plain or rng.random() < 0.4:
        simple = plain and rng.random() < 0.6
        kind = KINDS[rng.choice(_SHAPES[:4] if simple else _SHAPES)]
    else:
        kind = KINDS[rng.choice(_THINGS)]
    return kind, _choose_colour(rng, kind, background)


def _choose_colour(rng: random.Random, kind: Kind, background: Background) -> str:
    if not kind.hues:
        return ""
    if kind.look == "sprite":
        return rng.choice(kind.hues)
    return rng.choice([colour for colour in kind.hues if colour != background.colour])


def _find_place(
    rng: random.Random,
    kind: Kind,
    colour: str,
    size: Size,
    wanted: int,
    boxes: list[tuple[int, int, int, int]],
) -> tuple[Image.Image, tuple[int, int]] | None:
    """Scale a stamp and find room for it; None if there is none."""
    master = rng.choice(_stamps(kind.name, colour if kind.look == "sprite" else ""))
    mean_side = math.sqrt(size[0] * size[1])
    largest = min(_LARGEST[wanted] * mean_side, 0.92 * min(size))
    smallest = min(_SMALLEST[kind.look] * mean_side, largest)
    for attempt in range(14):
        longest = max(smallest, rng.uniform(smallest, largest) * 0.93**attempt)
        scale = longest / max(master.size)
        width, height = (max(4, round(side * scale)) for side in master.size)
        x, y = rng.randint(0, size[0] - width), rng.randint(0, size[1] - height)
        if all(_overlap((x, y, x + width, y + height), box) <= _MAX_OVERLAP for box in boxes):
            return master.resize((width, height), Image.Resampling.BILINEAR), (x, y)
    return None


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _paint(
    rng: random.Random,
    image: Image.Image,
    stamp: Image.Image,
    at: tuple[int, int],
    colour: str,
    plain: bool,
) -> None:
    if stamp.mode == "RGBA":
        image.paste(stamp.convert("RGB"), at, stamp.getchannel("A"))
        return
    fill = rng.choice(COLOURS[colour].shades)
    if not plain:
        fill = _jitter(rng, fill, 16)
    if rng.random() < 0.08 and min(stamp.size) > 16:  # with an outline
        image.paste((0, 0, 0) if sum(fill) > 150 else (255, 255, 255), at, stamp)
        inner = stamp.resize((round(stamp.width * 0.9), round(stamp.height * 0.9)))
        left, top = (stamp.width - inner.width) // 2, (stamp.height - inner.height) // 2
        image.paste(fill, (at[0] + left, at[1] + top), inner)
        return
    image.paste(fill, at, stamp)


def draw_shape(image: Image.Image, kind: str, fill: RGB, side: int, at: tuple[int, int]) -> Size:
    """Draw an upright shape with its top left corner at a place, in pixels; return its size.

    `side` is the longer side of the shape in pixels.
    """
    master = _stamps(kind, "")[0]
    scale = side / max(master.size)
    width, height = (max(4, round(length * scale)) for length in master.size)
    image.paste(fill, at, master.resize((width, height), Image.Resampling.BILINEAR))
    return width, height


def _jitter(rng: random.Random, colour: RGB, by: int) -> RGB:
    red, green, blue = (min(255, max(0, c + rng.randint(-by, by))) for c in colour)
    return red, green, blue


@cache
def _stamps(kind: str, colour: str) -> tuple[Image.Image, ...]:
    """Return all variants of a kind, cropped: RGBA for sprites, "L" masks for shapes."""
    if KINDS[kind].look == "shape":
        return _shape_masks(kind)
    sprite = Image.open(_SPRITES / f"{kind.replace(' ', '_')}.png").convert("RGBA")
    if colour:
        sprite = _tint(sprite, colour)
    stamps = []
    for angle in (-14, -7, 0, 0, 7, 14):
        upright = _crop(sprite.rotate(angle, Image.Resampling.BICUBIC, expand=True))
        stamps += [upright, upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    return tuple(stamps)


def _crop(sprite: Image.Image) -> Image.Image:
    """Cut off what is (nearly) transparent, so that the edge of the picture is the box."""
    alpha = sprite.getchannel("A") if sprite.mode == "RGBA" else sprite
    return sprite.crop(alpha.point(lambda value: 255 if value > 60 else 0).getbbox())


def _tint(sprite: Image.Image, colour: str) -> Image.Image:
    """Give the saturated parts of a sprite another hue."""
    hsv = np.asarray(sprite.convert("RGB").convert("HSV")).astype(float)
    coloured = hsv[..., 1] > 90
    hsv[..., 0][coloured] = _TINT_HUES[colour] * 255
    if colour == "yellow":
        hsv[..., 2][coloured] = np.clip(hsv[..., 2][coloured] * 1.25 + 25, 0, 255)
    result = Image.fromarray(hsv.astype("uint8"), "HSV").convert("RGB")
    result.putalpha(sprite.getchannel("A"))
    return result


def _shape_masks(shape: str) -> tuple[Image.Image, ...]:
    masks = []
    for angle in (0, 0, 0, 0, -18, -9, 9, 18):
        for variant in range(3):
            mask = Image.new("L", (_MASK_SIDE + 80, _MASK_SIDE + 80), 0)
            _fill_shape(ImageDraw.Draw(mask), shape, variant)
            masks.append(_crop(mask.rotate(angle, Image.Resampling.BICUBIC)))
    return tuple(masks)


def _fill_shape(draw: ImageDraw.ImageDraw, shape: str, variant: int) -> None:
    start, side = 40, _MASK_SIDE
    end = start + side
    if shape in ("circle", "ring"):
        draw.ellipse((start, start, end, end), fill=255)
        if shape == "ring":
            rim = side * (0.22, 0.27, 0.32)[variant]
            draw.ellipse((start + rim, start + rim, end - rim, end - rim), fill=0)
        return
    corners = _outline(shape, variant)
    draw.polygon([(start + x * side, start + y * side) for x, y in corners], fill=255)


def _outline(shape: str, variant: int) -> list[tuple[float, float]]:
    """Return the corners of a shape in the unit square."""
    if shape == "square":
        return [(0, 0), (1, 0), (1, (1, 1, 0.9)[variant]), (0, (1, 1, 0.9)[variant])]
    if shape == "triangle":
        height = (0.866, 1.0, 0.92)[variant]
        return [(0.5, 0), (1, height), (0, height)]
    if shape == "diamond":
        half = (0.5, 0.4, 0.36)[variant]
        return [(0.5, 0), (0.5 + half, 0.5), (0.5, 1), (0.5 - half, 0.5)]
    if shape == "star":
        inner = (0.38, 0.42, 0.5)[variant]
        radii = (0.5, 0.5 * inner)
        return [
            (0.5 + radii[i % 2] * math.sin(i * math.pi / 5),
             0.5 - radii[i % 2] * math.cos(i * math.pi / 5))
            for i in range(10)
        ]  # fmt: skip
    if shape == "cross":
        near = (0.35, 0.32, 0.38)[variant]
        far = 1 - near
        return [
            (near, 0), (far, 0), (far, near), (1, near), (1, far), (far, far),
            (far, 1), (near, 1), (near, far), (0, far), (0, near), (near, near),
        ]  # fmt: skip
    assert shape == "heart"
    turns = (i / 60 * 2 * math.pi for i in range(60))
    return [
        (
            0.5 + 16 * math.sin(t) ** 3 / 34,
            0.45
            - (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 34,
        )
        for t in turns
    ]


def _paint_background(
    rng: random.Random, size: Size, plain: bool
) -> tuple[Image.Image, Background]:
    if plain:
        name = "white" if rng.random() < 0.75 else rng.choice(tuple(BACKGROUNDS))
        fill: RGB = (255, 255, 255) if name == "white" else BACKGROUNDS[name]
        return Image.new("RGB", size, fill), Background("plain", name)
    name = rng.choice(tuple(BACKGROUNDS))
    fill = _jitter(rng, BACKGROUNDS[name], 14)
    look = rng.choices(
        ("plain", "gradient", "noisy", "striped", "landscape"), (45, 15, 14, 13, 13)
    )[0]
    if look == "gradient":
        return _paint_gradient(rng, size, fill), Background(look, "")
    if look == "landscape":
        return _paint_landscape(rng, size), Background(look, "")
    if look == "noisy":
        return _paint_noise(rng, size, fill), Background(look, name)
    if look == "striped":
        return _paint_stripes(rng, size, fill), Background(look, name)
    return Image.new("RGB", size, fill), Background(look, name)


def _paint_gradient(rng: random.Random, size: Size, start: RGB) -> Image.Image:
    end = _jitter(rng, BACKGROUNDS[rng.choice(tuple(BACKGROUNDS))], 14)
    two = Image.new("RGB", (2, 1) if rng.random() < 0.5 else (1, 2))
    two.putdata([start, end])
    return two.resize(size, Image.Resampling.BILINEAR)


def _paint_noise(rng: random.Random, size: Size, fill: RGB) -> Image.Image:
    grain = max(2, max(size) // 64)
    cells = (max(1, size[0] // grain), max(1, size[1] // grain))
    noise = np.random.default_rng(rng.getrandbits(32)).normal(
        0, rng.choice((8, 16, 26)), (cells[1], cells[0], 3)
    )
    pixels = np.clip(np.array(fill) + noise, 0, 255).astype("uint8")
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def _paint_stripes(rng: random.Random, size: Size, fill: RGB) -> Image.Image:
    image = Image.new("RGB", size, fill)
    draw = ImageDraw.Draw(image)
    step = max(4, round(max(size) * rng.choice((0.06, 0.09, 0.12, 0.18))))
    other = _jitter(rng, fill, 26)
    pattern = rng.choice(("columns", "rows", "checks"))
    for x in range(0, size[0], step):
        for y in range(0, size[1], step):
            odd = {"columns": x // step, "rows": y // step, "checks": (x + y) // step}[pattern] % 2
            if odd:
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=other)
    return image


def _paint_landscape(rng: random.Random, size: Size) -> Image.Image:
    ground = rng.choice(((110, 175, 90), (215, 195, 140), (120, 120, 125), (70, 120, 190)))
    image = Image.new("RGB", size, _jitter(rng, (135, 190, 240), 18))
    horizon = round(size[1] * rng.uniform(0.32, 0.75))
    ImageDraw.Draw(image).rectangle((0, horizon, *size), fill=_jitter(rng, ground, 18))
    return image
