"""Draws screenshots, charts, tables and documents, which are neither photographs nor scenes.

Everything follows from one seed. They teach the probe of the detector what it does not know.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from vlm_demo.rendering.fonts import load_font

RGB = tuple[int, int, int]

_WORDS = (
    *("file", "edit", "view", "settings", "search", "account", "total", "report", "open"),
    *("save", "close", "send", "message", "name", "date", "price", "model", "answer"),
    *("picture", "table", "result", "error", "help", "page", "list", "order", "number"),
    *("status", "update", "user", "price", "home", "about", "contact", "login", "cancel"),
    *("apply", "next", "back", "start", "stop", "download", "upload", "share"),
)
_ACCENTS: tuple[RGB, ...] = (
    *((59, 130, 246), (234, 88, 12), (22, 163, 74), (220, 38, 38), (124, 58, 237)),
    *((8, 145, 178), (202, 138, 4), (219, 39, 119)),
)


def draw_screen(seed: int) -> Image.Image:
    """Draw the picture of a seed, 200 to 1,280 pixels wide."""
    rng = random.Random(f"screen {seed}")
    width = rng.choice((320, 390, 480, 640, 800, 1024, 1280))
    height = max(160, round(width * rng.choice((0.5, 0.5625, 0.625, 0.75, 1.0, 1.4, 2.16))))
    screen = _Screen(rng, (width, height))
    rng.choice(_PAINTERS)(screen)
    return screen.image


class _Screen:
    """An empty page in light or dark colours."""

    def __init__(self, rng: random.Random, size: tuple[int, int]) -> None:
        self.rng = rng
        self.is_dark = rng.random() < 0.35
        light = rng.choice(((255, 255, 255), (250, 250, 250), (243, 244, 246), (255, 251, 235)))
        dark = rng.choice(((17, 24, 39), (24, 24, 27), (30, 30, 30), (0, 0, 0)))
        self.paper: RGB = dark if self.is_dark else light
        self.ink: RGB = (229, 231, 235) if self.is_dark else (31, 41, 55)
        self.panel: RGB = (39, 39, 42) if self.is_dark else (229, 231, 235)
        self.image = Image.new("RGB", size, self.paper)
        self.draw = ImageDraw.Draw(self.image)
        self.text_size = max(9, round(min(size) * rng.uniform(0.022, 0.05)))

    @property
    def size(self) -> tuple[int, int]:
        return self.image.size

    def words(self, count: int) -> str:
        return " ".join(self.rng.choice(_WORDS) for _ in range(count))

    def text(self, x: float, y: float, text: str, size: int = 0, fill: RGB | None = None) -> None:
        font = load_font(min(size or self.text_size, 96))
        self.draw.text((x, y), text, fill=fill or self.ink, font=font)

    def accent(self) -> RGB:
        return self.rng.choice(_ACCENTS)


def _paint_window(screen: _Screen) -> None:
    width, height = screen.size
    bar = screen.text_size * 2
    screen.draw.rectangle((0, 0, width, bar), fill=screen.panel)
    for index in range(screen.rng.randint(3, 6)):
        screen.text(10 + index * width / 7, bar * 0.2, screen.words(1))
    side = round(width * screen.rng.uniform(0.15, 0.3))
    screen.draw.rectangle((0, bar, side, height), fill=screen.panel)
    for index in range(round(height / screen.text_size / 2.4)):
        screen.text(8, bar + 8 + index * screen.text_size * 1.9, screen.words(2))
    for row in range(2):
        for column in range(3):
            x = side + 12 + column * (width - side) / 3.1
            y = bar + 12 + row * (height - bar) / 2.2
            box = (x, y, x + (width - side) / 3.6, y + (height - bar) / 2.7)
            screen.draw.rounded_rectangle(box, 8, fill=screen.panel)
            screen.text(x + 8, y + 8, screen.words(2))


def _paint_form(screen: _Screen) -> None:
    width, height = screen.size
    y = height * 0.06
    screen.text(width * 0.08, y, screen.words(2), screen.text_size * 2)
    y += screen.text_size * 3.4
    while y < height * 0.86:
        screen.text(width * 0.08, y, screen.words(2))
        y += screen.text_size * 1.4
        box = (width * 0.08, y, width * 0.92, y + screen.text_size * 2)
        screen.draw.rounded_rectangle(box, 6, outline=screen.ink)
        y += screen.text_size * 3
    box = (width * 0.08, height * 0.9, width * 0.4, height * 0.97)
    screen.draw.rounded_rectangle(box, 8, fill=screen.accent())


def _paint_document(screen: _Screen) -> None:
    width, height = screen.size
    y = height * 0.05
    screen.text(width * 0.1, y, screen.words(4), round(screen.text_size * 1.7))
    y += screen.text_size * 3
    while y < height * 0.94:
        if screen.rng.random() < 0.12:
            y += screen.text_size
        screen.text(width * 0.1, y, screen.words(max(2, round(width / screen.text_size / 6))))
        y += screen.text_size * 1.5


def _paint_table(screen: _Screen) -> None:
    width, height = screen.size
    columns, step = screen.rng.randint(3, 6), screen.text_size * 2
    for row in range(round(height / step) + 1):
        if row == 0 or row % 2 == screen.rng.randint(0, 1):
            screen.draw.rectangle((0, row * step, width, (row + 1) * step), fill=screen.panel)
        for column in range(columns):
            cell = screen.words(1) if column == 0 or row == 0 else str(screen.rng.randint(0, 9999))
            screen.text(column * width / columns + 8, row * step + step * 0.2, cell)


def _axes(screen: _Screen) -> tuple[float, float, float, float]:
    width, height = screen.size
    box = (width * 0.12, height * 0.14, width * 0.95, height * 0.86)
    screen.text(box[0], height * 0.03, screen.words(3), round(screen.text_size * 1.3))
    for line in range(5):
        y = box[1] + (box[3] - box[1]) * line / 4
        screen.draw.line((box[0], y, box[2], y), fill=screen.panel)
        screen.text(4, y - screen.text_size / 2, str((4 - line) * 25))
    screen.draw.line((box[0], box[3], box[2], box[3]), fill=screen.ink, width=2)
    return box


def _paint_bars(screen: _Screen) -> None:
    left, top, right, bottom = _axes(screen)
    count = screen.rng.randint(3, 12)
    step = (right - left) / count
    fill = screen.accent()
    for index in range(count):
        x = left + index * step
        y = bottom - (bottom - top) * screen.rng.uniform(0.05, 1)
        if screen.rng.random() < 0.2:
            fill = screen.accent()
        screen.draw.rectangle((x + step * 0.15, y, x + step * 0.85, bottom - 1), fill=fill)
        screen.text(x + step * 0.1, bottom + 4, screen.words(1), max(8, screen.text_size - 3))


def _paint_lines(screen: _Screen) -> None:
    left, top, right, bottom = _axes(screen)
    for _ in range(screen.rng.randint(1, 4)):
        level, points = screen.rng.random(), []
        for index in range(24):
            level = min(1.0, max(0.0, level + screen.rng.uniform(-0.15, 0.15)))
            points.append((left + (right - left) * index / 23, bottom - (bottom - top) * level))
        screen.draw.line(points, fill=screen.accent(), width=screen.rng.randint(2, 5))


def _paint_scatter(screen: _Screen) -> None:
    left, top, right, bottom = _axes(screen)
    fill, radius = screen.accent(), screen.rng.randint(2, 7)
    for _ in range(screen.rng.randint(20, 200)):
        x, y = screen.rng.uniform(left, right), screen.rng.uniform(top, bottom)
        screen.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _paint_pie(screen: _Screen) -> None:
    width, height = screen.size
    side = min(width, height) * 0.7
    left, top = (width - side) / 2, (height - side) / 2
    screen.text(width * 0.1, 4, screen.words(3), round(screen.text_size * 1.3))
    angle = screen.rng.uniform(0, 360)
    end = angle + 360
    while angle < end - 1:
        step = min(screen.rng.uniform(20, 140), end - angle)
        box = (left, top, left + side, top + side)
        screen.draw.pieslice(box, angle, angle + step, fill=screen.accent(), outline=screen.paper)
        middle = math.radians(angle + step / 2)
        x, y = (
            width / 2 + side * 0.55 * math.cos(middle),
            height / 2 + side * 0.55 * math.sin(middle),
        )
        screen.text(x, y, screen.words(1))
        angle += step


def _paint_chat(screen: _Screen) -> None:
    width, height = screen.size
    y = 10.0
    while y < height * 0.85:
        lines = screen.rng.randint(1, 4)
        span = width * screen.rng.uniform(0.35, 0.65)
        left = 10 if screen.rng.random() < 0.5 else width - span - 10
        box = (left, y, left + span, y + screen.text_size * (1.5 * lines + 0.8))
        screen.draw.rounded_rectangle(box, 12, fill=screen.accent() if left > 10 else screen.panel)
        for line in range(lines):
            count = max(1, round(span / screen.text_size / 4))
            screen.text(left + 10, y + 6 + line * screen.text_size * 1.5, screen.words(count))
        y = box[3] + screen.text_size


def _paint_terminal(screen: _Screen) -> None:
    width, height = screen.size
    screen.draw.rectangle((0, 0, width, height), fill=(18, 18, 18))
    for row in range(round(height / screen.text_size / 1.3)):
        fill = screen.rng.choice(((74, 222, 128), (229, 231, 235), (147, 197, 253), (250, 204, 21)))
        indent = screen.rng.randint(0, 4) * screen.text_size
        words = screen.words(screen.rng.randint(1, 8))
        screen.text(6 + indent, row * screen.text_size * 1.3, words, fill=fill)


_PAINTERS: tuple[Callable[[_Screen], None], ...] = (
    *(_paint_window, _paint_form, _paint_document, _paint_table, _paint_chat, _paint_terminal),
    *(_paint_bars, _paint_lines, _paint_scatter, _paint_pie),
)
"""What a screen may show, each as likely."""
