"""``python -m moodlens``: see :mod:`moodlens.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="moodlens", description="Which emotions a picture evokes, as shares of viewers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="the page and the REST routes")
    parser.parse_args(arguments)

    from moodlens.commands.serve import serve

    serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
