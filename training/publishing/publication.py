"""What is to be published, and what it would replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, get_token, hf_hub_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling

from moodlens.errors import CheckpointError
from moodlens.model.checkpoint import (
    CONFIG,
    METRICS,
    WEIGHTS,
    load_checkpoint,
    read_metrics,
    verify_probe,
)
from moodlens.model.checkpoint_files import file_sha256, read_json
from training.judging.metrics_document import FORMAT, PICTURES
from training.publishing.model_card import make_card

CARD = "README.md"

_DECISIVE = "kl"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checkpoint that is fit to be published.

    Attributes:
        folder: where it lies.
        config: its config.json.
        metrics: its metrics.json.
        pictures: of its evaluation, by their paths in the repository.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    pictures: Mapping[str, Path]

    @classmethod
    def read(cls, folder: Path) -> Candidate:
        """Load and check it as the app would, and hold it against its evaluation.

        Raises:
            CheckpointError: it cannot be used, was never evaluated, or has changed since.
        """
        verify_probe(load_checkpoint(folder))
        metrics = read_metrics(folder)
        if metrics is None or metrics.get("format") != FORMAT:
            raise CheckpointError(
                f"The checkpoint has no {METRICS} of this version; run training.evaluate first."
            )
        for name, key in ((WEIGHTS, "model_sha256"), (CONFIG, "config_sha256")):
            if file_sha256(folder / name) != metrics.get(key):
                raise CheckpointError(
                    f"The checkpoint's {name} is not the one that was evaluated; "
                    "run training.evaluate again."
                )
        found = sorted((folder / PICTURES).glob("*.png"))
        pictures = {f"{PICTURES}/{path.name}": path for path in found}
        return cls(folder, read_json(folder / CONFIG), metrics, pictures)

    def files(self, repository: str) -> dict[str, Path]:
        """All that is uploaded, by path in the repository; the card is written for it."""
        card = make_card(repository, self.config, self.metrics, list(self.pictures))
        (self.folder / CARD).write_text(str(card), encoding="utf-8")
        own = {name: self.folder / name for name in (CARD, CONFIG, METRICS, WEIGHTS)}
        return {**own, **self.pictures}


@dataclass(frozen=True, slots=True)
class Published:
    """What the repository holds now, on the branch or, where that is yet to be made, on ``main``.

    Attributes:
        commit: the newest one; None where the repository is yet to be made.
        has_branch: whether the branch is there.
        private: whether only its owner sees it.
        files: as the Hub lists them, by path.
        metrics: its metrics.json, or None where it has none of this version.
    """

    commit: str | None = None
    has_branch: bool = False
    private: bool = False
    files: Mapping[str, RepoSibling] = field(default_factory=dict)
    metrics: Mapping[str, Any] | None = None


def look_up(api: HfApi, repository: str, branch: str) -> Published:
    """What the repository holds now.

    Raises:
        HfHubHTTPError: the Hub refuses to tell.
    """
    try:
        has_branch = True
        try:
            info = api.model_info(repository, revision=branch, files_metadata=True)
        except RevisionNotFoundError:
            has_branch = False
            info = api.model_info(repository, files_metadata=True)
    except HfHubHTTPError as error:
        # The Hub does not tell strangers what is missing and what is hidden from them.
        is_stranger = get_token() is None and error.response.status_code == 401
        if is_stranger or isinstance(error, RepositoryNotFoundError):
            return Published()
        raise
    files = {file.rfilename: file for file in info.siblings or []}
    metrics = None
    if METRICS in files:
        path = Path(hf_hub_download(repository, METRICS, revision=info.sha))
        metrics = read_metrics(path.parent)
    if metrics is not None and metrics.get("format") != FORMAT:
        metrics = None
    return Published(info.sha, has_branch, bool(info.private), files, metrics)


def refuse_worse(new: Mapping[str, Any], old: Mapping[str, Any] | None, repository: str) -> None:
    """Make sure that weights are not replaced by worse ones.

    Args:
        new: metrics.json of the candidate.
        old: that of the repository, if it has any.
        repository: ``owner/name``.

    Raises:
        CheckpointError: the KL is higher, on the same pictures.
    """
    if old is None or not are_comparable(new, old):
        return
    value, limit = (data["metrics"][_DECISIVE]["value"] for data in (new, old))
    if value > limit:
        raise CheckpointError(
            f"These weights are worse than those of {repository}: KL {value:.4f} instead of "
            f"{limit:.4f} on {new['split']['name']}; --allow-worse publishes them all the same."
        )


def are_comparable(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Figures can be compared on the same pictures, of which both or neither were learned from."""
    same = ("name", "size", "seen_in_training")
    return all(new["split"][key] == old["split"][key] for key in same)
