"""Pictures of kinds that nobody learned feelings from, drawn anew and alike for one seed."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_TEXT = """invoice total amount due account number customer address terms payment within thirty days
of receipt section clause agreement shall party hereby subject table figure result method data value
item quantity price date reference page report summary annual net income tax"""
_WORDS = tuple(_TEXT.split())
_FONTS = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono")
_INK = ("black", "#222222", "#1a2a5a", "#333333")


def strange_pictures(each: int, seed: int = 0) -> Iterator[tuple[str, Image.Image]]:
    """Kind and picture, so many of each kind."""
    for number, (kind, draw) in enumerate(KINDS.items()):
        for i in range(each):
            yield kind, draw(np.random.default_rng((seed, number, i)))


def document(rng: Generator) -> Image.Image:
    """A page of text with a heading, perhaps a table, perhaps scanned askew."""
    width, height = int(rng.integers(500, 800)), int(rng.integers(650, 1100))
    paper = int(rng.integers(232, 256))
    page = Image.new("RGB", (width, height), (paper, paper, int(paper - rng.integers(0, 12))))
    pen, size = ImageDraw.Draw(page), int(rng.integers(11, 20))
    font, y = _font(rng, size), int(rng.integers(30, 80))
    ink = str(rng.choice(_INK))
    pen.text((40, y), _sentence(rng, 4).title(), ink, _font(rng, 2 * size))
    y += 4 * size
    while y < height - 60:
        if rng.random() < 0.15:
            y = _table(rng, pen, (40, y, width - 40), font)
        for line in textwrap.wrap(
            _sentence(rng, int(rng.integers(20, 70))), (width - 80) // size * 2
        ):
            pen.text((40, y), line, ink, font)
            y += int(1.4 * size)
        y += size
    if rng.random() < 0.4:
        page = page.rotate(float(rng.normal(0, 1.5)), fillcolor=(paper,) * 3)
        page = page.filter(ImageFilter.GaussianBlur(0.7))
    return page


def screenshot(rng: Generator) -> Image.Image:
    """A window of some program: bars, a menu, cards, buttons, text."""
    dark = rng.random() < 0.4
    back, front = ((24, 26, 32), "#e0e0e0") if dark else ((246, 247, 250), "#202124")
    width, height = (1280, 800) if rng.random() < 0.6 else (420, 860)
    page = Image.new("RGB", (width, height), back)
    pen, accent = ImageDraw.Draw(page), _colour(rng)
    pen.rectangle((0, 0, width, 52), accent)
    pen.text((20, 14), _sentence(rng, 2).title(), "white", _font(rng, 20))
    left = 220 if width > 600 else 0
    for row in range(12 if left else 0):
        pen.text((24, 80 + 44 * row), _sentence(rng, 2), front, _font(rng, 15))
    columns = int(rng.integers(1, 4)) if left else 1
    card = (width - left - 20 * (columns + 1)) // columns
    y = 80
    while y < height - 80:
        tall = int(rng.integers(90, 240))
        for column in range(columns):
            x = left + 20 + column * (card + 20)
            pen.rounded_rectangle((x, y, x + card, y + tall), 10, "#2b2e36" if dark else "white")
            for line in range(tall // 30 - 1):
                pen.text(
                    (x + 16, y + 14 + 28 * line), _sentence(rng, card // 80), front, _font(rng, 14)
                )
            pen.rounded_rectangle((x + 16, y + tall - 34, x + 106, y + tall - 10), 6, accent)
        y += tall + 20
    return page


def diagram(rng: Generator) -> Image.Image:
    """Boxes and ellipses with labels, joined by arrows."""
    page = Image.new("RGB", (900, 650), "white")
    pen, font = ImageDraw.Draw(page), _font(rng, 18)
    places = [(int(x), int(y)) for x in (120, 350, 580, 790) for y in (100, 280, 460, 580)]
    chosen = [places[i] for i in rng.permutation(len(places))[: rng.integers(5, 11)]]
    for start, end in pairwise(chosen):
        pen.line((start, end), "black", 2)
        pen.regular_polygon((*end, 9), 3, fill="black")
    tint = [_pale(rng) for _ in range(3)]
    for x, y in chosen:
        shape = pen.ellipse if rng.random() < 0.3 else pen.rectangle
        shape(
            (x - 85, y - 34, x + 85, y + 34), fill=tint[rng.integers(3)], outline="black", width=2
        )
        pen.text((x - 70, y - 12), _sentence(rng, 2), "black", font)
    return page


def plot(rng: Generator) -> Image.Image:
    """A figure as scientists make them."""
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    x = np.linspace(0, 10, 60)
    kind = rng.integers(6)
    if kind == 0:
        for _ in range(rng.integers(1, 5)):
            axes.plot(x, np.cumsum(rng.normal(size=60)), label=_sentence(rng, 1))
        axes.legend()
    elif kind == 1:
        axes.scatter(rng.normal(size=200), rng.normal(size=200), c=rng.random(200), s=20)
    elif kind == 2:
        axes.bar(range(7), rng.random(7), color=_hex(_colour(rng)))
    elif kind == 3:
        axes.imshow(rng.random((12, 12)), cmap=str(rng.choice(["viridis", "magma", "Blues"])))
    elif kind == 4:
        axes.hist(rng.normal(size=500), 30)
    else:
        axes.pie(rng.random(5), labels=[_sentence(rng, 1) for _ in range(5)])
    axes.set(title=_sentence(rng, 3), xlabel=_sentence(rng, 1), ylabel=_sentence(rng, 1))
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    return Image.open(data).convert("RGB")


def noise(rng: Generator) -> Image.Image:
    """Of pixels, of blobs, in colour or in grey."""
    channels = int(rng.choice([1, 3]))
    if rng.random() < 0.5:
        values = rng.uniform(0, 256, (300, 400, channels))
    else:
        values = 128 + rng.normal(0, rng.uniform(10, 80), (300, 400, channels))
    picture = _picture(np.repeat(values, 3 // channels, axis=2))
    return picture.filter(ImageFilter.GaussianBlur(float(rng.choice([0, 0, 1, 4]))))


def flat(rng: Generator) -> Image.Image:
    """One colour, or one running into another."""
    first, second = (np.array(_colour(rng), float) for _ in range(2))
    if rng.random() < 0.5:
        second = first
    ramp = np.linspace(0, 1, 400)[None, :, None] * np.ones((300, 1, 1))
    return _picture(first * (1 - ramp) + second * ramp)


def drawing(rng: Generator) -> Image.Image:
    """Lines of a pencil on paper: a house, faces of sticks, scribbles."""
    page = Image.new("RGB", (480, 400), (252, 251, 246))
    pen = ImageDraw.Draw(page)
    colours = ["#333333"] if rng.random() < 0.6 else [_hex(_colour(rng)) for _ in range(4)]
    for _ in range(rng.integers(3, 9)):
        x, y = rng.integers(60, 400), rng.integers(60, 320)
        size, colour = int(rng.integers(20, 80)), str(rng.choice(colours))
        shape = rng.integers(4)
        if shape == 0:
            pen.ellipse((x - size, y - size, x + size, y + size), outline=colour, width=3)
            pen.arc((x - size / 2, y - size / 2, x + size / 2, y + size / 2), 20, 160, colour, 3)
        elif shape == 1:
            pen.rectangle((x - size, y - size / 2, x + size, y + size), outline=colour, width=3)
            pen.line((x - size, y - size / 2, x, y - size, x + size, y - size / 2), colour, 3)
        elif shape == 2:
            points = np.cumsum(rng.normal(0, size / 4, (40, 2)), axis=0)
            pen.line(
                [tuple(p) for p in (points + np.array([x, y])).tolist()], colour, 2, joint="curve"
            )
        else:
            pen.line((x, y, x, y + size), colour, 3)
            pen.line((x - size / 2, y + size / 3, x + size / 2, y + size / 3), colour, 3)
            pen.ellipse((x - 12, y - 24, x + 12, y), outline=colour, width=3)
    return page


def scan(rng: Generator) -> Image.Image:
    """A body's slice or shadow as medicine makes it: bright shapes in grey on black, grainy."""
    side = 384
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    values = np.zeros((side, side))
    body = np.hypot(x / rng.uniform(0.6, 0.9), y / rng.uniform(0.7, 0.95)) < 1
    values[body] = rng.uniform(60, 130)
    for _ in range(rng.integers(4, 12)):
        dx, dy = rng.uniform(-0.5, 0.5, 2)
        shape = np.hypot((x - dx) / rng.uniform(0.05, 0.4), (y - dy) / rng.uniform(0.05, 0.4)) < 1
        values[shape & body] += rng.normal(0, 50)
    values += rng.normal(0, rng.uniform(3, 15), values.shape)
    grey = _picture(np.repeat(values[..., None], 3, axis=2))
    return grey.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))


def tissue(rng: Generator) -> Image.Image:
    """Cells under a microscope, stained."""
    page = Image.new("RGB", (400, 400), _pale(rng))
    pen, stain = ImageDraw.Draw(page), np.array(_colour(rng))
    for _ in range(rng.integers(60, 240)):
        x, y, radius = (*rng.integers(0, 400, 2), rng.integers(4, 16))
        colour = tuple(int(c) for c in np.clip(stain + rng.normal(0, 20, 3), 0, 255))
        pen.ellipse((x - radius, y - radius, x + radius, y + 0.8 * radius), fill=colour)
    return page.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))


def pattern(rng: Generator) -> Image.Image:
    """Stripes, squares, or a code to be read by machines."""
    step = int(rng.integers(8, 60))
    y, x = np.mgrid[0:320, 0:400] // step
    kind = rng.integers(3)
    if kind == 0:
        on = (x + y) % 2 == 0
    elif kind == 1:
        on = (x + int(rng.integers(2)) * y) % 3 == 0
    else:
        on = rng.random((60, 60))[np.clip(y, 0, 59), np.clip(x, 0, 59)] < 0.5
    first, second = np.array(_colour(rng)), np.array(_pale(rng))
    return _picture(np.where(on[..., None], first, second))


KINDS: dict[str, Callable[[Generator], Image.Image]] = {
    "documents": document,
    "screenshots": screenshot,
    "diagrams": diagram,
    "plots": plot,
    "noise": noise,
    "flat colours": flat,
    "drawings": drawing,
    "scans": scan,
    "tissue": tissue,
    "patterns": pattern,
}


def _table(
    rng: Generator, pen: ImageDraw.ImageDraw, place: tuple[int, int, int], font: _Font
) -> int:
    left, top, right = place
    rows, columns = int(rng.integers(3, 7)), int(rng.integers(3, 6))
    wide = (right - left) // columns
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * wide, top + row * 28
            pen.rectangle((x, y, x + wide, y + 28), outline="black")
            pen.text((x + 6, y + 5), f"{rng.uniform(1, 999):.2f}", "black", font)
    return top + rows * 28 + 20


_Font = ImageFont.FreeTypeFont


def _font(rng: Generator, size: int) -> _Font:
    name = str(rng.choice(_FONTS))
    return ImageFont.truetype(font_manager.findfont(name), size)


def _sentence(rng: Generator, words: int) -> str:
    return " ".join(rng.choice(_WORDS, max(words, 1)))


def _colour(rng: Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _pale(rng: Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(190, 256, 3).tolist()
    return red, green, blue


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _picture(values: NDArray[np.floating] | NDArray[np.integer]) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "RGB")
