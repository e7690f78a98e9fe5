"""``moodlens predict``: a few pictures in, an answer for each out, without a server."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moodlens.commands.weights_arguments import add_weights_arguments
from moodlens.emotions import EMOTIONS
from moodlens.errors import MoodLensError
from moodlens.settings import read_settings

if TYPE_CHECKING:  # PyTorch takes seconds to import, and a wrong option should not wait for it
    from moodlens.lens import MoodLens
    from moodlens.prediction import Prediction

_STANDARD_INPUT = "-"
_BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Pictures, the form of the answers, and which weights give them."""
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a file; - reads stdin")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, as POST /predict answers"
    )
    add_weights_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print an answer for each picture; 1 if one of them has none, 2 if there are no weights."""
    try:
        lens = _load(options)
    except MoodLensError as error:
        print(f"moodlens predict: {error.message}", file=sys.stderr)
        return 2
    failures = 0
    for name in options.pictures:
        try:
            prediction = _ask(lens, name)
        except MoodLensError as error:
            failures += 1
            if options.json:
                print(_line({"status": "error", "error": error.message}, name), flush=True)
            else:
                print(f"{name}: {error.message}", file=sys.stderr)
        else:
            if options.json:
                print(_line(prediction.to_json(), name), flush=True)
            else:
                print("\n".join(_lines(name, prediction)), flush=True)
    return 1 if failures else 0


def _load(options: argparse.Namespace) -> MoodLens:
    settings = read_settings()
    from moodlens.lens import MoodLens
    from moodlens.model.devices import use_threads

    use_threads(settings.threads)
    return MoodLens.from_pretrained(
        settings.checkpoint if options.checkpoint is None else options.checkpoint,
        revision=options.revision,
        backend=options.backend or settings.backend,
        device=options.device or settings.device,
        limits=settings.limits,
    )


def _ask(lens: MoodLens, name: str) -> Prediction:
    if name == _STANDARD_INPUT:
        return lens(sys.stdin.buffer)
    try:
        return lens(name)
    except OSError as error:
        raise MoodLensError(f"{error.strerror or 'The file cannot be read'}.") from None


def _line(answer: dict[str, Any], name: str) -> str:
    return json.dumps({**answer, "file": name}, ensure_ascii=False)


def _lines(name: str, prediction: Prediction) -> Iterator[str]:
    from moodlens.telling.headline import headline
    from moodlens.telling.wording import wording

    english = wording("en")
    yield name
    yield f"  {headline(prediction, english)}"
    for emotion in EMOTIONS:
        share = prediction.distribution[emotion]
        bar = "█" * round(_BAR * share)
        yield f"  {english.emotion(emotion):<9}{english.percent(share):>10}  {bar}".rstrip()
