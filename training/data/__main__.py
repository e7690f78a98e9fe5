"""Look at labelled pictures: ``python -m training.data PATH...``.

::

    python -m training.data PATH[@WEIGHT] ... [--vote-weight POWER] [--feedback-prior VOTES]

Prints what is there: pictures, votes, shares, how far viewers agree, which pictures are there more
than once, and every row and picture that cannot be used, with line and reason. What a path may be
stands in :mod:`training.data.opening`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from moodlens.errors import MoodLensError
from training.data.opening import open_data
from training.data.rated_files import USUALLY, Reading
from training.data.report import print_data

_WIDTH_WITHOUT_TERMINAL = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, print; 1 where something was left out."""
    parser = argparse.ArgumentParser(
        prog="python -m training.data", description="Look at labelled pictures."
    )
    parser.add_argument("paths", nargs="+", metavar="PATH[@WEIGHT]", help="as --data takes them")
    parser.add_argument("--vote-weight", type=float, default=USUALLY.vote_weight, metavar="POWER")
    parser.add_argument("--feedback-prior", type=float, default=USUALLY.prior, metavar="VOTES")
    args = parser.parse_args(arguments)
    try:
        reading = Reading("skip", vote_weight=args.vote_weight, prior=args.feedback_prior)
        dataset = open_data(args.paths, reading)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    plain = Console()
    print_data(dataset, plain if plain.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL))
    return 1 if dataset.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
