"""Logging runs to MLflow, where it is installed.

Where they go is MLflow's own business: ``MLFLOW_TRACKING_URI`` names a local store or a server,
DagsHub's among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moodlens.errors import SettingsError

_EXPERIMENT = "moodlens"


def track(
    tracker: str,
    config: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any],
    checkpoint: Path,
) -> None:
    """Log parameters, the history, the final figures and the checkpoint's files.

    Args:
        tracker: ``mlflow``.
        config: all hyper-parameters.
        history: of fine-tuning, one entry per epoch.
        document: metrics.json; may be empty.
        checkpoint: the folder whose files are logged as artefacts.

    Raises:
        SettingsError: an unknown tracker, or one that is not installed.
    """
    if tracker != "mlflow":
        raise SettingsError(f"There is no tracker {tracker!r}. Choose from: mlflow.")
    try:
        import mlflow
    except ImportError:
        raise SettingsError("MLflow is not installed; `pip install mlflow` brings it.") from None
    mlflow.set_experiment(_EXPERIMENT)
    with mlflow.start_run(run_name=checkpoint.name):
        mlflow.log_params(_flat(config))
        for entry in history:
            numbers = {k: v for k, v in _flat(entry).items() if isinstance(v, int | float)}
            mlflow.log_metrics(numbers, step=entry["epoch"])
        for name, figure in document.get("metrics", {}).items():
            if figure["value"] is not None:
                mlflow.log_metric(name, figure["value"])
        for path in sorted(checkpoint.iterdir()):
            if path.is_file():
                mlflow.log_artifact(str(path))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
