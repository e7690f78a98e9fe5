"""MoodLens against the usual way of serving a network: ``make bench``, ``make bench QUICK=1``.

Both services run as processes of their own on this machine; one client drives them in turn. What
counts are the ratios, since absolute times differ from machine to machine and from hour to hour.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys

from tests.benchmarks.comparison import QUICK, Effort, compare
from tests.benchmarks.figures import table


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests only, for a look")
    quick = parser.parse_args().quick
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the services end too
    load = os.getloadavg()[0]
    rows = []
    for row in compare(QUICK if quick else Effort()):
        print(row, file=sys.stderr)
        rows.append(row)
    print(f"{platform.machine()}, {os.cpu_count()} processors; load before: {load:.1f}\n")
    print(table(rows))
    return any(row.verdict == "MISSED" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
