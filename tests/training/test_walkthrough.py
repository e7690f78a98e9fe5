"""The notebook, from its first cell to its last, on generated pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.emotion6_factory import make_emotion6
from tests.support.hub_server import HubServer
from tests.support.running_app import REPOSITORY

NOTEBOOK = REPOSITORY / "training" / "walkthrough.ipynb"
OPTIONS = (
    "--backbone test_efficientnet --pretrained none --threads 1 --set input_size=64 "
    "--set heads.l2=[0.1,0.3] --set heads.affect_l2=[1.0] --batch-size 8"
)


def test_it_holds_no_outputs() -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_it_runs_from_the_data_to_the_hub(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    for name, value in {
        "DATA_DIR": str(make_emotion6(tmp_path / "data", per_keyword=6)),
        "WALKTHROUGH_OUT": str(tmp_path / "out"),
        "WALKTHROUGH_OPTIONS": OPTIONS,
        "PUBLISH_TO": "owner/walked",
        "HF_TOKEN": hub.WRITE_TOKEN,
        "MPLBACKEND": "agg",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CHECKPOINT_DIR", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name=_kernel_of_this_python(tmp_path, monkeypatch),
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    client.execute()

    files = hub.repository("owner/walked").find("main")
    assert files is not None
    assert (tmp_path / "out" / "tuned" / "metrics.json").is_file()


def _kernel_of_this_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kernel that is this very Python, whatever others are registered here."""
    from ipykernel.kernelspec import write_kernel_spec

    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    write_kernel_spec(str(folder / "jupyter" / "kernels" / "walkthrough"))
    assert sys.executable
    return "walkthrough"
