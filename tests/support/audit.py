"""Known vulnerabilities in what is installed: ``python -m tests.support.audit``.

Runs pip-audit, and says so clearly where its service cannot be reached: a build without network is
not a failed one, but neither has anything been audited then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
_PATIENCE_SECONDS = 300


def main() -> int:
    probe = next(line for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    if not audited(_probe(probe)):
        print("pip-audit: SKIPPED. Its service cannot be reached, so nothing was audited.")
        return 0
    found = _pip_audit()
    known, unknown = audited(found), [d for d in found if "skip_reason" in d]
    vulnerable = [dependency for dependency in known if dependency["vulns"]]
    for dependency in vulnerable:
        for vulnerability in dependency["vulns"]:
            cure = ", ".join(vulnerability["fix_versions"]) or "none yet"
            print(
                f"{dependency['name']} {dependency['version']}: {vulnerability['id']}, cure: {cure}"
            )
    print(f"pip-audit: {len(known)} packages, {len(vulnerable)} vulnerable, {len(unknown)} unknown")
    return 1 if vulnerable else 0


def audited(dependencies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the service knows."""
    return [dependency for dependency in dependencies if "vulns" in dependency]


def _probe(requirement: str) -> list[dict[str, Any]]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirement)
        file.flush()
        return _pip_audit("--requirement", file.name, "--no-deps", "--disable-pip")


def _pip_audit(*options: str) -> list[dict[str, Any]]:
    """What pip-audit says about each package; nothing where it cannot say anything."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--timeout", "5", *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return []
    return dependencies


if __name__ == "__main__":
    raise SystemExit(main())
