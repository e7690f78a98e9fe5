"""In a process of its own: in this one others have let the pages go already."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import json, re
from pathlib import Path
import numpy, PIL.Image
from moodlens.serving.library_pages import forget_library_pages

def answer():
    picture = PIL.Image.effect_noise((64, 64), 50).resize((8, 8)).convert("RGB").size
    return [float(numpy.linalg.det(numpy.arange(9).reshape(3, 3) ** 2.0 + numpy.eye(3))), *picture]

def of_files():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = answer(), of_files()
forget_library_pages()
left = of_files()
print(json.dumps({"before": before, "left": left, "after": answer()}))
"""

_WHILE_OTHERS_IMPORT = """
import sys, threading
from moodlens.serving.library_pages import forget_library_pages

sys.setswitchinterval(1e-6)  # threads take turns as often as they can
imported = threading.Event()

def forget():
    while not imported.is_set():
        forget_library_pages()

forgetting = threading.Thread(target=forget, daemon=True)
forgetting.start()
import numpy, pandas, PIL.Image, PIL.ImageFont, PIL.ImageCms
imported.set()
forgetting.join()
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is done")
def test_what_libraries_read_while_they_were_loaded_is_not_kept() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    told = json.loads(run.stdout)
    answer, kilobytes = told["before"]
    assert told["left"] < kilobytes / 2
    assert told["after"] == answer


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is done")
def test_nobody_waits_for_it_for_ever_who_imports_meanwhile() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _WHILE_OTHERS_IMPORT],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout == "done\n"
