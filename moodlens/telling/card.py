"""The result as one PNG, to keep or to share."""

from __future__ import annotations

import io

import font_roboto
from PIL import Image, ImageDraw, ImageFont, ImageOps

from moodlens.emotions import EMOTIONS, PALETTE
from moodlens.prediction import Prediction
from moodlens.telling.headline import dominant_sentence, headline
from moodlens.telling.wording import LANGUAGES, Wording, capitalised
from moodlens.telling.wording import wording as wording_in

WIDTH, HEIGHT = 1200, 630
"""The size that social networks show whole."""

_PAPER = "#FFFFFF"
_INK = "#26242B"
_SOFT = "#615C55"
_TRACK = "#EFECE7"
_MARGIN = 56
_PICTURE = HEIGHT - 2 * _MARGIN
_LABEL_WIDTH = 190
_NO_LETTER = "\uffff"  # in no font
_BAR_HEIGHT, _BAR_STEP = 26, 41


def draw_card(
    prediction: Prediction, wording: Wording, picture: Image.Image | None = None
) -> bytes:
    """The headline and the six bars, and the picture beside them only where it is asked for.

    Args:
        prediction: what to show.
        wording: the language of the card; English stands in for one in letters that the font lacks.
        picture: its centre is cut out as a square.

    Returns:
        A PNG of 1200 x 630 pixels without metadata.
    """
    wording = _in_letters_of_the_font(wording)
    card = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(card)
    left = _MARGIN
    if picture is not None:
        card.paste(ImageOps.fit(picture, (_PICTURE, _PICTURE)), (_MARGIN, _MARGIN))
        left += _PICTURE + 44
    right = WIDTH - _MARGIN
    _draw_headline(draw, headline(prediction, wording), left, right)
    sentence = _cut(dominant_sentence(prediction, wording), _font(25), right - left)
    draw.text((left, 222), sentence, fill=_SOFT, font=_font(25))
    _draw_bars(draw, prediction, wording, left, right)
    model = prediction.model
    footer = f"MoodLens · {wording('card.footer')} · {model.name} {model.revision[:12]}"
    draw.text(
        (left, HEIGHT - _MARGIN - 10), _cut(footer, _font(17), right - left), _SOFT, _font(17)
    )
    file = io.BytesIO()
    card.save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw_headline(draw: ImageDraw.ImageDraw, sentence: str, left: int, right: int) -> None:
    """As large as fits into three lines."""
    for size in (46, 42, 38, 34, 30, 26):
        font = _font(size, bold=True)
        lines = _wrap(sentence, font, right - left)
        if len(lines) * size * 1.22 <= 160:
            break
    draw.multiline_text((left, _MARGIN - 8), "\n".join(lines), _INK, font, spacing=size * 0.12)


def _draw_bars(
    draw: ImageDraw.ImageDraw, prediction: Prediction, wording: Wording, left: int, right: int
) -> None:
    font, top = _font(24), 282
    start, full = left + _LABEL_WIDTH, right - left - _LABEL_WIDTH - 78
    longest = max(prediction.distribution.values())
    for row, (name, emotion) in enumerate(zip(EMOTIONS, PALETTE, strict=True)):
        share = prediction.distribution[name]
        y = top + row * _BAR_STEP
        end = start + max(4, round(full * share / longest))
        draw.text((left, y - 2), capitalised(wording.emotion(name)), _INK, font)
        draw.rounded_rectangle((start, y, start + full, y + _BAR_HEIGHT), 8, fill=_TRACK)
        draw.rounded_rectangle(
            (start, y, end, y + _BAR_HEIGHT), min(8, (end - start) // 2), fill=emotion.colour
        )
        draw.text((right, y - 2), wording.percent(share), _INK, font, anchor="ra")


def _in_letters_of_the_font(wording: Wording) -> Wording:
    font = _font(24)
    missing = bytes(font.getmask(_NO_LETTER))
    letters = {letter for name in EMOTIONS for letter in wording.emotion(name) if letter.isalpha()}
    if any(bytes(font.getmask(letter)) == missing for letter in letters):
        return wording_in(LANGUAGES[0])
    return wording


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "RobotoBold" if bold else "Roboto"
    return ImageFont.truetype(font_roboto.font_files[name], size)


def _wrap(sentence: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in sentence.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
