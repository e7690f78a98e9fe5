"""``moodlens``, or ``python -m moodlens``: see :mod:`moodlens.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

_COMMANDS = {
    "serve": "the page and the REST routes",
    "predict": "which emotions a few pictures evoke",
    "report": "a page about a table that score has made",
    "score": "many pictures: folders, archives and datasets in, a table out",
}
"""By name, each a module of ``moodlens.commands`` with ``add_arguments`` and ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="moodlens", description="Which emotions a picture evokes, as shares of viewers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    asked = list(sys.argv[1:] if arguments is None else arguments)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        if asked[:1] == [name]:  # the others may take long to import
            import_module(f"moodlens.commands.{name}").add_arguments(command)
    options = parser.parse_args(asked)
    status: int = import_module(f"moodlens.commands.{options.command}").run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
