"""What viewers say they felt, kept on disk for good and pushed to a Hub dataset where one is set.

One line of JSON for each answer, flushed to the disk before the viewer is thanked::

    {"time": "2026-11-23T04:00:00+00:00", "way": "click" | "sliders",
     "felt": {seven shares}, "predicted": {seven shares},
     "model": {"name", "revision", "source"}, "picture": salted SHA-256, "kept": file name or null}

Every process writes a file of its own under ``records/``. A killed process can therefore damage no
more than the one line it was writing, nothing ever needs mending, and a Space that starts with an
empty disk never overwrites what its dataset holds already.
"""

from __future__ import annotations

import atexit
import hashlib
import hmac
import json
import logging
import math
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from moodlens.emotions import LABELS
from moodlens.errors import MoodLensError
from moodlens.prediction import Prediction

logger = logging.getLogger(__name__)

Way = Literal["click", "sliders"]

_RECORDS = "records"
_PICTURES = "pictures"
_SALT = "salt"
_SALT_BYTES = 32
_PUSH_MINUTES = 5
_RETRY_SECONDS = 300.0
_LAST_PUSH_SECONDS = 5.0
_MAX_BYTES = 500_000_000
_LOOK_SECONDS = 60.0
_SMALLEST_SHARE = 1e-4
_LARGEST_WEIGHT = 1e6


class FeedbackError(MoodLensError):
    """An answer that cannot be stored."""


class TooManyAnswersError(FeedbackError):
    """One client has given so many answers that it is hardly one viewer."""

    status = 429

    def __init__(self) -> None:
        super().__init__("These were many answers; please wait a minute.")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far viewers and model agree.

    Attributes:
        answers: number of answers.
        pictures: number of different pictures.
        mean_kl: mean KL(felt || predicted) of the seven shares in nats. An answer given by one
            click is a distribution too, so 0 is out of reach where viewers disagree.
        felt: mean share of each of ``LABELS`` among the viewers.
        predicted: mean share of each of ``LABELS`` in the predictions for the same pictures.
    """

    answers: int
    pictures: int
    mean_kl: float
    felt: Mapping[str, float]
    predicted: Mapping[str, float]


class FeedbackStore:
    """Where answers are kept. Safe to use from several threads and several processes.

    Args:
        folder: made at the first answer.
        salt: for the hashes of pictures; without one, a random one is made and kept in the folder.
        dataset: ``owner/name`` of the Hub dataset to push to, or empty.
        max_bytes: of all that the folder may hold; further answers are refused.
    """

    def __init__(
        self, folder: Path, *, salt: str = "", dataset: str = "", max_bytes: int = _MAX_BYTES
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._size = 0
        self._size_known_until = 0.0
        self._tally = Tally()
        self._configured_salt = salt.encode()
        self._lock = threading.Lock()
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        self._file = folder / _RECORDS / f"feedback-{stamp}-{secrets.token_hex(4)}.jsonl"
        self._scheduler: Any = None
        self._closing = threading.Event()
        if dataset:
            threading.Thread(
                target=self._push_to, args=[dataset], name="moodlens-feedback", daemon=True
            ).start()

    def add(
        self,
        felt: Mapping[str, float],
        prediction: Prediction,
        *,
        way: Way,
        sha256: bytes,
        picture: Image.Image | None = None,
    ) -> None:
        """Store one answer; on return it has reached the disk.

        Args:
            felt: weights of some of ``LABELS``, normalised here.
            prediction: what the model said.
            way: how the viewer answered.
            sha256: of the picture's file. Only its salted hash is stored.
            picture: the picture itself, only where the viewer asked for it to be kept.

        Raises:
            FeedbackError: the answer makes no sense, or the disk does not take it.
        """
        shares = normalise(felt)
        try:
            self._refuse_when_full()
            hashed = hmac.new(self._salt(), sha256, hashlib.sha256).hexdigest()
            kept = self._keep(picture, hashed) if picture else None
            record = {
                "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "way": way,
                "felt": _rounded(shares),
                "predicted": _rounded(predicted_shares(prediction)),
                "model": prediction.model.to_json(),
                "picture": hashed,
                "kept": kept,
            }
            line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
            with self._lock:
                self._make_private(_RECORDS)
                _append_durably(self._file, line.encode())
                self._size += len(line)
        except OSError:
            logger.exception("an answer could not be stored")
            raise FeedbackError(
                "Your answer could not be stored here; please try again later."
            ) from None

    def read(self) -> Iterator[dict[str, Any]]:
        """All answers of all processes, oldest file first; damaged lines are passed over."""
        for path in self._files():
            yield from _read_records(path)

    def agreement(self) -> Agreement | None:
        """How far viewers and model agree so far; None without any answer.

        What was read before is not read again.
        """
        with self._lock:
            self._tally.read(self._files())
            return self._tally.agreement()

    def _files(self) -> list[Path]:
        found = (self._folder / _RECORDS).glob("feedback-*.jsonl")
        return sorted(path for path in found if path.is_file())  # a pipe would be waited for

    def close(self) -> None:
        """Push what the dataset lacks, but do not wait for long."""
        self._closing.set()
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is None:
            return
        try:
            scheduler.trigger().result(_LAST_PUSH_SECONDS)
        except Exception as error:
            logger.warning("the last push of feedback failed: %s", type(error).__name__)
        scheduler.stop()

    def _salt(self) -> bytes:
        if self._configured_salt:
            return self._configured_salt
        path = self._folder / _SALT
        if not path.exists():
            self._make_private()
            partial = self._folder / f".{_SALT}.{secrets.token_hex(4)}"
            try:
                _append_durably(partial, secrets.token_bytes(_SALT_BYTES))
                with suppress(FileExistsError):  # never replaces that of a process that was faster
                    os.link(partial, path)
            finally:
                partial.unlink(missing_ok=True)
        if not path.is_file():  # a pipe would be waited for
            raise OSError("the salt is no file")
        salt = path.read_bytes()
        if len(salt) < _SALT_BYTES // 2:
            raise OSError("the salt is too short to hide anything")
        return salt

    def _keep(self, picture: Image.Image, hashed: str) -> str:
        folder = self._make_private(_RECORDS, _PICTURES)
        path = folder / f"{hashed}.jpg"
        if not path.exists():
            partial = folder / f".{secrets.token_hex(8)}"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with os.fdopen(os.open(partial, flags, 0o600), "wb") as file:
                    picture.save(file, "JPEG", quality=90)
                    self._size += file.tell()
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return f"{_PICTURES}/{path.name}"

    def _make_private(self, *names: str) -> Path:
        """The folder, or one inside it; what is new is open to this user alone."""
        folder = self._folder
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            folder /= name
            folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def _refuse_when_full(self) -> None:
        with self._lock:
            if time.monotonic() >= self._size_known_until:  # other processes write here too
                self._size = sum(
                    _size_of_files(self._folder / name) for name in ("", _RECORDS, _PICTURES)
                )
                self._size_known_until = time.monotonic() + _LOOK_SECONDS
            if self._size >= self._max_bytes:
                raise FeedbackError("No more answers are kept here; thank you all the same.")

    def _push_to(self, dataset: str) -> None:
        from huggingface_hub import CommitScheduler

        while not self._closing.is_set():
            try:
                self._scheduler = CommitScheduler(
                    repo_id=dataset,
                    repo_type="dataset",
                    folder_path=self._folder / _RECORDS,
                    every=_PUSH_MINUTES,
                    private=True,
                    ignore_patterns=[".*", "**/.*"],
                )
            except Exception as error:
                logger.warning("feedback cannot be pushed yet: %s", type(error).__name__)
                self._closing.wait(_RETRY_SECONDS)
            else:
                # Registered after the scheduler's own hook, so it runs before that one can block.
                atexit.register(self.close)
                return


def normalise(felt: Mapping[str, float]) -> dict[str, float]:
    """Weights of some of ``LABELS`` as seven shares that sum to 1.

    Raises:
        FeedbackError: unknown names, values that are no weights, or nothing but zeros.
    """
    values = list(felt.values())
    if not set(felt) <= set(LABELS) or not all(_is_weight(value) for value in values):
        raise FeedbackError("That answer cannot be read.")
    total = math.fsum(values)
    if total <= 0:
        raise FeedbackError("Move at least one slider before you send your answer.")
    return {name: felt.get(name, 0.0) / total for name in LABELS}


def predicted_shares(prediction: Prediction) -> dict[str, float]:
    """The prediction as seven shares, neutral among them, as viewers vote."""
    feeling = 1 - prediction.neutral
    six = {name: share * feeling for name, share in prediction.distribution.items()}
    return {**six, LABELS[-1]: prediction.neutral}


def agreement(records: Iterable[Mapping[str, Any]]) -> Agreement | None:
    """Compare what was felt with what was predicted; None without any answer."""
    tally = Tally()
    for record in records:
        tally.add(record)
    return tally.agreement()


class Tally:
    """Sums over all answers, which grow as the files do."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}
        self._felt: list[float] = []
        self._predicted: list[float] = []
        self._forget()

    def read(self, paths: Sequence[Path]) -> None:
        """Add what files hold beyond the last look; all of them anew where one became shorter."""
        sizes = {path: path.stat().st_size for path in paths}
        if any(sizes.get(path, 0) < done for path, done in self._read.items()):
            self._read = {}
            self._forget()
        for path, size in sizes.items():
            done = self._read.get(path, 0)
            if size > done:
                with path.open("rb") as file:
                    file.seek(done)
                    lines = file.read(size - done)
                whole = lines[: lines.rfind(b"\n") + 1]
                self._read[path] = done + len(whole)
                for record in _records_in(whole):
                    self.add(record)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add one answer."""
        felt, predicted = ([record[key][name] for name in LABELS] for key in ("felt", "predicted"))
        self._answers += 1
        self._pictures.add(hash(record["picture"]))
        self._kl += _kl(felt, predicted)
        self._felt = [total + share for total, share in zip(self._felt, felt, strict=True)]
        self._predicted = [
            total + share for total, share in zip(self._predicted, predicted, strict=True)
        ]

    def agreement(self) -> Agreement | None:
        """What the sums say; None without any answer."""
        if not self._answers:
            return None
        return Agreement(
            answers=self._answers,
            pictures=len(self._pictures),
            mean_kl=self._kl / self._answers,
            felt=self._means(self._felt),
            predicted=self._means(self._predicted),
        )

    def _forget(self) -> None:
        self._answers = 0
        self._pictures: set[int] = set()
        self._kl = 0.0
        self._felt = [0.0] * len(LABELS)
        self._predicted = [0.0] * len(LABELS)

    def _means(self, totals: Sequence[float]) -> dict[str, float]:
        return {name: total / self._answers for name, total in zip(LABELS, totals, strict=True)}


def _size_of_files(folder: Path) -> int:
    """Bytes of the files right in a folder, which may be a link; other processes work there too."""
    size = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                size += entry.stat().st_size if entry.is_file() else 0
    return size


def _append_durably(path: Path, line: bytes) -> None:
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
            if written < len(line):  # what a nearly full disk does instead of failing
                raise OSError("short write")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or the file's name could be lost although its content is not
        finally:
            os.close(folder)


def _read_records(path: Path) -> Iterator[dict[str, Any]]:
    return _records_in(path.read_bytes())


def _records_in(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        try:
            record = json.loads(line)
            shares = [record[key][name] for key in ("felt", "predicted") for name in LABELS]
        except (ValueError, KeyError, TypeError):
            continue
        if all(_is_weight(share) for share in shares) and isinstance(record.get("picture"), str):
            yield record


def _is_weight(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= _LARGEST_WEIGHT


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}


def _kl(true: Sequence[float], predicted: Sequence[float]) -> float:
    return math.fsum(
        p * math.log(p / max(q, _SMALLEST_SHARE))
        for p, q in zip(true, predicted, strict=True)
        if p > 0
    )
