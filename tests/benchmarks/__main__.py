"""MoodLens against the usual way of serving a network: ``make bench``, ``make bench QUICK=1``.

``make bench DEVICE=cuda`` has both compute there, ``CHECKPOINT=...`` has MoodLens answer with other
weights than the bundled; neither has goals.

Both services run as processes of their own on this machine; one client drives them in turn. What
counts are the ratios, since absolute times differ from machine to machine and from hour to hour.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from pathlib import Path
from typing import get_args

from moodlens.model.backends import Device
from tests.benchmarks.comparison import QUICK, Effort, compare
from tests.benchmarks.figures import table
from tests.benchmarks.services import Setup


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests only, for a look")
    parser.add_argument("--device", choices=get_args(Device), default="auto")
    parser.add_argument("--checkpoint", default="", help="as MOODLENS_CHECKPOINT takes it")
    args = parser.parse_args()
    checkpoint = args.checkpoint
    if checkpoint and Path(checkpoint).is_dir():
        checkpoint = str(Path(checkpoint).resolve())  # the services start elsewhere
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the services end too
    load = os.getloadavg()[0]
    rows = []
    for row in compare(QUICK if args.quick else Effort(), Setup(args.device, checkpoint)):
        print(row, file=sys.stderr)
        rows.append(row)
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, device {args.device}; "
        f"load before: {load:.1f}\n"
    )
    print(table(rows))
    return any(row.verdict == "MISSED" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
