"""One JSON object a line, whoever writes and whatever they write."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

WRITERS = textwrap.dedent(
    """
    import logging, sys, traceback
    from moodlens.serving.logs import configure_logging, logged_instead_of_printed, speak_for_others
    configure_logging()
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler())
    server.propagate = False
    speak_for_others()
    server.warning("Invalid HTTP request received.")
    logging.getLogger("moodlens").info("a \\ud800 b\\nc", extra={"path": "x" * 1_000_000})
    for number in range(1000):
        try:
            raise ValueError("/srv/" + "x" * 1_000_000)
        except ValueError:
            traceback.print_exc()
    for number in range(1000):
        print("plain", "text", number, file=sys.stderr)
    sys.stderr.write("no end")
    for number in range(1000):
        logging.getLogger("moodlens").info("somebody left")
    with logged_instead_of_printed():
        print("Launching a server")
    print("printed", flush=True)
    """
)


def test_whoever_writes_writes_json_in_few_and_short_lines() -> None:
    ran = subprocess.run([sys.executable, "-c", WRITERS], capture_output=True, check=True)
    lines = ran.stderr.decode().splitlines()
    entries = [json.loads(line) for line in lines]
    assert {entry["logger"] for entry in entries} == {
        "uvicorn.error",
        "moodlens",
        "moodlens.trace",
        "stderr",
        "stdout",
    }
    assert len(entries) < 120
    assert sum(entry["level"] != "INFO" for entry in entries) < 20
    assert ran.stdout == b"printed\n"
    assert max(map(len, lines)) < 8000
    assert any("ValueError" in entry.get("trace", "") for entry in entries)
