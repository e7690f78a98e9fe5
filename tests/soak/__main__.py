"""Load and faults, and a table of what survived: ``make soak``.

::

    python -m tests.soak [--seconds 60] [--clients 64] [--load-only]
    python -m tests.soak --attacks-only [--only WORD ...]

Exits with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak.clients import TOLERANCE
from tests.soak.faults import FAULTS, run_faults
from tests.soak.load import load
from tests.soak.sieges import run_attacks


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of load")
    parser.add_argument("--clients", type=int, default=63, help="at once, a multiple of three")
    parser.add_argument("--load-only", action="store_true", help="leave the faults out")
    parser.add_argument("--attacks-only", action="store_true", help="leave all the rest out")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="parts of the titles of the attacks to run"
    )
    args = parser.parse_args()
    if args.attacks_only:
        return _attack(args.only)
    table = Table(title="make soak")
    for title in ("run", "tried", "survived", "lost", "slowest", "peak memory"):
        table.add_column(title, justify="left" if title == "run" else "right")

    with tempfile.TemporaryDirectory(prefix="moodlens-soak-") as folder:
        report = load(Path(folder), clients=args.clients, seconds=args.seconds)
    tried, lost = report.endings.total(), report.lost
    table.add_row(
        f"{args.clients} clients for {args.seconds:.0f} s, REST, Gradio and the page",
        str(tried),
        str(tried - lost),
        str(lost),
        f"{report.slowest:.1f} s",
        f"{report.peak_memory:.0f} MB",
    )
    failed = []
    for title, files in {} if args.load_only else FAULTS.items():
        fault = run_faults(files)
        survived = fault.tried - fault.lost
        row = (str(fault.tried), str(survived), str(fault.lost), f"{fault.slowest:.1f} s", "")
        table.add_row(title, *row)
        lost += fault.lost
        failed += fault.failed
    console = Console(width=110)
    console.print(table)
    fair = "; ".join(f"{way} {few} to {most}" for way, (few, most) in report.fairness.items())
    console.print(
        f"Answered {report.endings['answered']}, told to come back {report.endings['busy']}. "
        f"Answers to one client, fewest to most: {fair}. "
        f"Memory after the warm-up: {report.slope:+.1f} MB a minute. "
        f"Every answer within {TOLERANCE} of the one given alone, or counted as lost."
    )
    for problem in [*report.problems, *failed]:
        console.print(f"lost: {problem}", style="red", highlight=False)
    if args.load_only:
        return 1 if lost else 0
    return max(_attack(args.only), 1 if lost else 0)


def _attack(only: Sequence[str]) -> int:
    """Try the attacks, and print each as it ends."""
    console, lost = Console(width=140), 0
    began = time.monotonic()
    for title, verdict in run_attacks(only):
        lost += not verdict.held
        mark = "held" if verdict.held else "[red]lost[/red]"
        seconds = time.monotonic() - began
        console.print(f"{mark}  {title}: {verdict.figures} ({seconds:.0f} s)", highlight=False)
        began = time.monotonic()
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
