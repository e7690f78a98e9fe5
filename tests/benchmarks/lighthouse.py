"""The page against a plain Gradio page, as Lighthouse sees both: ``make lighthouse``.

Medians of five runs of each, in turn, on a throttled phone and on a desktop; then what moves while
the page loads, at three widths. npx fetches Lighthouse once, into ``~/.cache/moodlens-lighthouse``
(``MOODLENS_LIGHTHOUSE`` names another folder).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from tests.benchmarks.figures import Goal, Row, table
from tests.benchmarks.plain_page import both_pages

VERSION = "12.8.2"
RUNS = 5
WIDTHS = (390, 1024, 1440)
MOST_BYTES, MOST_SHIFT = 0.6e6, 0.05

Form = Literal["mobile", "desktop"]
Figures = Mapping[str, float]

_AUDITS = {
    "first paint": "first-contentful-paint",
    "largest paint": "largest-contentful-paint",
    "blocking time": "total-blocking-time",
    "layout shift": "cumulative-layout-shift",
    "bytes": "total-byte-weight",
}
_CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
_GOALS = {
    "performance": Goal(1, "higher"),
    "largest paint": Goal(1.1),
    "blocking time": Goal(1.1),
}
_UNITS = {
    "first paint": "ms",
    "largest paint": "ms",
    "blocking time": "ms",
    "bytes": "B",
    "blocking from the start": "ms",
}
_WAIT = 20_000
"""Milliseconds. Where a page has a gr.State, Gradio keeps a stream open, and Lighthouse waits."""

_LONG = 50.0
"""Milliseconds from which on a task is felt."""


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lighthouse")
    parser.add_argument("--runs", type=int, default=RUNS)
    runs = parser.parse_args().runs
    load = os.getloadavg()[0]
    missed = False
    with both_pages() as pages:
        for form in ("mobile", "desktop"):
            found = _medians(pages, form, runs)
            rows = _rows(found["ours"], found["plain"])
            print(f"\n{form}, medians of {runs}, load before {load:.1f}\n\n{table(rows)}")
            missed |= any(row.verdict == "MISSED" for row in rows)
            missed |= _missed_alone(found["ours"])
        shifts = {width: audit(pages["ours"], "desktop", width)["layout shift"] for width in WIDTHS}
    print("\nlayout shift:", ", ".join(f"{s:.3f} at {width} px" for width, s in shifts.items()))
    return missed or max(shifts.values()) > MOST_SHIFT


def audit(url: str, form: Form, width: int | None = None) -> dict[str, float]:
    """One run of Lighthouse: scores from 0 to 100, milliseconds, bytes, requests."""
    command = [
        *("npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json"),
        f"--max-wait-for-load={_WAIT}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]
    if form == "desktop":
        command.append("--preset=desktop")
    if width is not None:
        command += [f"--screenEmulation.width={width}", "--screenEmulation.height=900"]
    cache = os.environ.get("MOODLENS_LIGHTHOUSE", Path.home() / ".cache" / "moodlens-lighthouse")
    environ = {
        **os.environ,
        "npm_config_cache": str(cache),
        "PUPPETEER_SKIP_DOWNLOAD": "1",
        "CHROME_PATH": shutil.which("chromium") or shutil.which("google-chrome") or "",
    }
    done = subprocess.run(command, env=environ, check=True, capture_output=True, timeout=300)
    report: dict[str, Any] = json.loads(done.stdout)
    audits = report["audits"]
    return {
        **{name: 100 * (report["categories"][name]["score"] or 0) for name in _CATEGORIES},
        **{name: audits[key]["numericValue"] for name, key in _AUDITS.items()},
        "requests": len(audits["network-requests"]["details"]["items"]),
        "blocking from the start": _blocking(audits["long-tasks"]["details"]["items"]),
    }


def _blocking(tasks: Sequence[Mapping[str, float]]) -> float:
    """Milliseconds that tasks take beyond 50 each, whenever they run.

    Lighthouse's blocking time leaves out those before the first paint, and so favours late paints.
    """
    return sum(max(0.0, task["duration"] - _LONG) for task in tasks)


def _medians(pages: Mapping[str, str], form: Form, runs: int) -> dict[str, Figures]:
    """All pages in turn, so that a noisy machine disturbs all alike."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
    for _ in tqdm(range(runs), desc=form):
        for name, url in pages.items():
            found[name].append(audit(url, form))
    return {
        name: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]}
        for name, all_runs in found.items()
    }


def _rows(ours: Figures, plain: Figures) -> list[Row]:
    return [
        Row(name, _UNITS.get(name, ""), ours[name], plain[name], _GOALS.get(name)) for name in ours
    ]


def _missed_alone(ours: Figures) -> bool:
    perfect = all(ours[name] >= 100 for name in _CATEGORIES[1:])
    return not perfect or ours["bytes"] > MOST_BYTES or ours["layout shift"] > MOST_SHIFT


if __name__ == "__main__":
    sys.exit(main())
