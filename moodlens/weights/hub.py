"""Where weights come from: the Hugging Face Hub, its local cache, a folder, or this package.

What a person asks for is a :class:`CheckpointReference`; what comes back is a :class:`Located`
folder, named by the exact commit it holds. Weights are never half there: a branch in the cache
points to a commit only once all files of the checkpoint have arrived with the hashes that the Hub
lists. No other file is ever downloaded, and nothing here opens one; that is the business of
:func:`moodlens.model.checkpoint.load_checkpoint`.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from moodlens.errors import CheckpointError, HubError, MoodLensError, SettingsError
from moodlens.model.checkpoint_files import file_sha256
from moodlens.weights.reference import COMMIT_ID, CheckpointReference, Located, locate_bundled

if TYPE_CHECKING:  # huggingface_hub is imported late: a bundled checkpoint does without it
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

logger = logging.getLogger(__name__)

_WEIGHTS = "model.safetensors"
_REQUIRED = ("config.json", _WEIGHTS)
_OPTIONAL = ("metrics.json", "README.md")
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")

_MAX_WEIGHTS_BYTES = 3 * 10**9
_MAX_TEXT_BYTES = 4 * 2**20

_BUNDLED = "The bundled checkpoint"
_PATIENCE = 3.0
_ANSWER_TIMEOUT = 10.0


def locate(text: str, *, patience: float = _PATIENCE) -> Located:
    """Find the checkpoint that a setting asks for or the next best one: soon, and never silently.

    The order is: the revision on the Hub, the same one in the cache, the bundled checkpoint. A
    commit that is in the cache already costs no request.

    Args:
        text: see :meth:`CheckpointReference.parse`.
        patience: seconds to wait for the Hub. A download that takes longer goes on into the cache,
            where :mod:`moodlens.weights.following` finds it.
    """
    try:
        reference = CheckpointReference.parse(text)
    except SettingsError as error:
        logger.warning("using the bundled checkpoint: %s", error)
        return locate_bundled(notice=f"{error} {_BUNDLED} answers instead.")
    at_hand = _at_hand(reference)
    if at_hand is not None:
        return at_hand
    try:
        return _within(patience, reference, lambda: fetch(reference))
    except MoodLensError as error:
        cached = find_cached(reference)
        stand_in = f"The copy in the cache, {cached.folder.name[:12]}," if cached else _BUNDLED
        logger.warning("%s is not to be had: %s %s answers", reference, error, stand_in)
        notice = f"{error} {stand_in} answers instead."
        return replace(cached, notice=notice) if cached else locate_bundled(notice=notice)


def _at_hand(reference: CheckpointReference) -> Located | None:
    """What costs no request: a folder, the bundled checkpoint, a commit that is in the cache."""
    if reference.folder is not None:
        return Located(reference.folder, None, None, "local")
    if reference.repository is None:
        return locate_bundled()
    return find_cached(reference) if reference.is_pinned else None


def locate_exactly(reference: CheckpointReference) -> Located:
    """Find just the weights that were asked for, however long it takes.

    Where the Hub cannot be reached, the cache's copy of the same revision is used, with a warning
    in the log; other weights than those asked for never are.

    Raises:
        HubError: the Hub does not have it or cannot be reached, nor has the cache.
        CheckpointError: what the Hub has is no checkpoint.
    """
    at_hand = _at_hand(reference)
    if at_hand is not None:
        return at_hand
    try:
        return fetch(reference)
    except HubError as error:
        cached = find_cached(reference)
        if cached is None:
            raise
        logger.warning("%s The cache's copy, %s, is used.", error, cached.revision)
        return cached


def find_cached(reference: CheckpointReference) -> Located | None:
    """What the cache holds of a revision, without any request; None if that is not a checkpoint."""
    from huggingface_hub import try_to_load_from_cache

    if reference.repository is None:
        return None
    folders = set()
    for name in _REQUIRED:
        path = try_to_load_from_cache(reference.repository, name, revision=reference.revision)
        if not isinstance(path, str):
            return None
        folders.add(Path(path).parent)
    folder = folders.pop()
    return Located(folder, reference.repository, folder.name, "cache")


def newest_commit(reference: CheckpointReference) -> str:
    """The commit id that a revision means on the Hub at this moment, for one request.

    Raises:
        HubError: the Hub cannot be reached, or has no such repository or revision.
    """
    return _commit(_ask(reference))


def fetch(reference: CheckpointReference, *, trust_cache: bool = True) -> Located:
    """Ask the Hub for a revision and download what the cache lacks of it.

    Args:
        reference: a revision on the Hub.
        trust_cache: False compares the files that are in the cache already with the hashes on the
            Hub too, and replaces those that do not fit.

    Raises:
        HubError: the Hub cannot be reached, has no such repository or revision, or what it sends
            does not have the hash that it lists.
        CheckpointError: the repository holds no checkpoint, or one of unreasonable size.
    """
    info = _ask(reference)
    repository = _repository(reference)
    commit = _commit(info)
    folder = Path()
    for file in _checkpoint_files(reference, info):
        with _sentences(reference):
            folder = _download(repository, commit, file, trust_cache=trust_cache).parent
    if not reference.is_pinned:
        with suppress(OSError):  # a cache that is read-only holds the files all the same
            _remember(folder, reference.revision)
    return Located(folder, repository, commit, "hub")


def _repository(reference: CheckpointReference) -> str:
    if reference.repository is None:
        raise ValueError(f"{reference} is not on the Hub")
    return reference.repository


def _ask(reference: CheckpointReference) -> ModelInfo:
    from huggingface_hub import HfApi

    repository = _repository(reference)
    with _sentences(reference):
        return HfApi().model_info(
            repository,
            revision=reference.revision,
            files_metadata=True,
            timeout=_ANSWER_TIMEOUT,
        )


def _commit(info: ModelInfo) -> str:
    if not isinstance(info.sha, str) or not COMMIT_ID.fullmatch(info.sha):
        raise HubError("The Hub's answer names no commit.")
    return info.sha


def _checkpoint_files(reference: CheckpointReference, info: ModelInfo) -> list[RepoSibling]:
    """The files to download, weights last, after a look at their sizes."""
    listed = {file.rfilename: file for file in info.siblings or []}
    for name in _REQUIRED:
        if name not in listed:
            pickled = any(other.endswith(_PICKLED) for other in listed)
            reason = (
                " It only holds pickled weights, which MoodLens never opens." if pickled else ""
            )
            raise CheckpointError(f"{reference} has no {name}.{reason}")
    files = [listed[name] for name in (*_OPTIONAL, *_REQUIRED) if name in listed]
    for file in files:
        limit = _MAX_WEIGHTS_BYTES if file.rfilename == _WEIGHTS else _MAX_TEXT_BYTES
        if file.size is None or file.size > limit:
            raise CheckpointError(
                f"{file.rfilename} of {reference} is larger than the {limit / 1e6:.0f} MB that "
                "MoodLens downloads."
            )
    return files


def _download(repository: str, commit: str, file: RepoSibling, *, trust_cache: bool) -> Path:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(repository, file.rfilename, revision=commit)
    if isinstance(cached, str) and trust_cache:
        return Path(cached)
    path = Path()
    for force in (False, True):
        path = Path(
            hf_hub_download(repository, file.rfilename, revision=commit, force_download=force)
        )
        if has_listed_hash(path, file):
            return path
        logger.warning("%s of %s does not have the hash that the Hub lists", file.rfilename, commit)
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    raise HubError(f"{file.rfilename} of {repository} arrives damaged from the Hub.")


def has_listed_hash(path: Path, file: RepoSibling) -> bool:
    """Whether a local file is the one that a repository lists.

    Large files are listed by SHA-256, the others as git names them.
    """
    if file.lfs is not None:
        return file_sha256(path) == file.lfs.sha256
    content = path.read_bytes()
    blob = f"blob {len(content)}\0".encode() + content
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == file.blob_id


def _remember(folder: Path, revision: str) -> None:
    """Note in the cache which commit a branch or tag means, now that all of its files are there.

    The place is the one that the Hub's client reads, ``refs/<revision>`` beside ``snapshots``.
    """
    reference = folder.parent.parent / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    partial = reference.with_name(f".{reference.name}.{threading.get_ident()}")
    partial.write_text(folder.name, encoding="ascii")
    partial.replace(reference)


def _within(seconds: float, reference: CheckpointReference, work: Callable[[], Located]) -> Located:
    """Do the work in a thread that is left to itself when it takes too long."""
    outcome: queue.SimpleQueue[Located | MoodLensError] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(work())
        except MoodLensError as error:
            outcome.put(error)

    threading.Thread(target=run, name="moodlens-hub", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except queue.Empty:
        raise HubError(f"The Hub has not yet sent {reference}.") from None
    if isinstance(result, MoodLensError):
        raise result
    return result


@contextmanager
def _sentences(reference: CheckpointReference) -> Iterator[None]:
    """Turn what the Hub's client raises into a sentence, and leave the rest to the log."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except MoodLensError:
        raise
    except RevisionNotFoundError:
        sentence = f"{reference.repository} has no revision {reference.revision!r} on the Hub."
        raise HubError(sentence) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        logger.info("the Hub answered %s", error)
        if isinstance(error, RepositoryNotFoundError) or status in (401, 403):
            sentence = (
                f"The Hub has no {reference.repository}, or hides it from the token in HF_TOKEN."
            )
        else:
            sentence = f"The Hub answered {reference} with error {status}."
        raise HubError(sentence) from None
    except OfflineModeIsEnabled:
        raise HubError(f"HF_HUB_OFFLINE keeps {reference} from being fetched.") from None
    except Exception as error:  # the client lets through what its HTTP and file libraries raise
        logger.info("the Hub's client failed: %r", error)
        raise HubError(f"The Hub cannot be reached for {reference}.") from None
