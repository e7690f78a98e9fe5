from __future__ import annotations

import subprocess
import sys

import pytest

FORWARD_PASSES = """
import resource
from moodlens.serving.memory import give_memory_back

give_memory_back()
for megabytes in [9, 3, 6] * 3:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    first, second = b"1" * (megabytes << 20), b"2" * (megabytes << 20)
    del first, second
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way with memory")
def test_what_a_forward_pass_frees_is_there_for_the_next() -> None:
    """And is not handed back to the system in between, to be had again page by page."""
    command = [sys.executable, "-c", FORWARD_PASSES]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    faults = [int(line) for line in told.split()]
    assert faults[0] > 4000
    assert max(faults[1:]) < 100


CIRCLES = """
import gc, time
from moodlens.serving import memory

class Failure:
    def __init__(self, question):
        self.question, self.trace = question, self

gc.disable()
memory._LOOK_SECONDS = 2.0  # no look before all of it is there
memory.give_memory_back()
for _ in range(40):
    Failure(b"1" * (5 << 20))
held = memory.resident_bytes()
for _ in range(100):
    time.sleep(0.1)
    if memory.resident_bytes() < held - (150 << 20):
        break
print(held, memory.resident_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_lies_in_circles_is_given_back() -> None:
    """An error's trace holds its question in a circle, which nobody collects on a quiet day."""
    command = [sys.executable, "-c", CIRCLES]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    held, left = map(int, told.split())
    assert left < held - (150 << 20)
