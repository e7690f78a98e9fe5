from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import moodlens
from moodlens.serving.cores import keep_threads_apart
from tests.support.running_app import RunningApp

CAT = (Path(moodlens.__file__).parent / "examples" / "cat.jpg").read_bytes()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds threads to cores")


def test_a_forward_pass_has_its_cores_and_other_threads_all_of_them(tmp_path: Path) -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("one core has nothing to share out")
    with RunningApp(tmp_path, {"MOODLENS_THREADS": str(len(cores))}) as app:
        app.wait_until_ready()
        with ThreadPoolExecutor(4) as pool:
            assert {answer.status_code for answer in pool.map(app.predict, [CAT] * 8)} == {200}
        assert app.process is not None
        bound = [
            frozenset(os.sched_getaffinity(int(task.name)))
            for task in Path(f"/proc/{app.process.pid}/task").iterdir()
        ]
        assert os.sched_getaffinity(app.process.pid) == cores  # the main thread's
    assert {core for places in bound if len(places) < len(cores) for core in places} == cores
    assert bound.count(frozenset(cores)) > len(bound) / 2


def test_threads_that_leave_cores_free_may_move(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(threads: int, cores: int, already: str | None = None) -> str | None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
        monkeypatch.delenv("OMP_PROC_BIND", raising=False)
        if already:
            monkeypatch.setenv("OMP_PROC_BIND", already)
        keep_threads_apart(threads)
        return os.environ.get("OMP_PROC_BIND")

    assert said(threads=2, cores=2) == "true"
    assert said(threads=2, cores=16) is None
    assert said(threads=1, cores=1) is None
    assert said(threads=2, cores=2, already="false") == "false"
    monkeypatch.delenv("OMP_PROC_BIND")
