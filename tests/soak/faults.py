"""The fault tests, one after the other, with what each came to."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.support.running_app import REPOSITORY

FAULTS = {
    "SIGTERM under load, read-only home, clock set back": ["tests/serving/test_faults.py"],
    "kill -9 and full disk while feedback is written": ["tests/test_feedback.py"],
    "a Hub that dies, lies and returns; a damaged cache": [
        "tests/serving/test_service_following.py",
        "tests/weights/test_following.py",
    ],
    "slow, broken and oversized uploads": ["tests/serving/test_gate.py"],
}


@dataclass(frozen=True, slots=True)
class FaultReport:
    """How many tests ran and how many failed, the slowest one's seconds, and the failed names."""

    tried: int
    lost: int
    slowest: float
    failed: list[str]


def run_faults(files: list[str]) -> FaultReport:
    """Run files of tests in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.xml")
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={result}", *files]
        subprocess.run([sys.executable, *command], cwd=REPOSITORY, check=False, capture_output=True)
        cases = list(ElementTree.parse(result).iter("testcase"))
    ran = [case for case in cases if case.find("skipped") is None]
    failed = [
        c.get("name", "")
        for c in ran
        if c.find("failure") is not None or c.find("error") is not None
    ]
    return FaultReport(len(ran), len(failed), max(float(c.get("time", 0)) for c in ran), failed)
