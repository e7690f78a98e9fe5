"""Every ``MOODLENS_*`` variable, from the environment or a ``.env`` file, checked at the start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from moodlens.errors import SettingsError
from moodlens.model.backends import Backend, Device, parse_backend, parse_device
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits

_MEGA = 1_000_000
_HOST = ("MOODLENS_HOST", "GRADIO_SERVER_NAME")
_PORT = ("MOODLENS_PORT", "GRADIO_SERVER_PORT", "PORT")
"""The second is Gradio's convention, the third that of platforms which run containers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this MoodLens runs. Each field names the variable it comes from.

    Attributes:
        checkpoint: ``MOODLENS_CHECKPOINT``; ``owner/name``, ``owner/name@revision``, a folder, or
            empty for the bundled one.
        follow_seconds: ``MOODLENS_FOLLOW_SECONDS``; pause between two looks at the Hub for newer
            weights, where ``checkpoint`` names a branch.
        host: ``MOODLENS_HOST``, else ``GRADIO_SERVER_NAME``; the address to listen on.
        port: ``MOODLENS_PORT``, else ``GRADIO_SERVER_PORT``, else ``PORT``; 0 takes any free one.
        hosts: ``MOODLENS_HOSTS``; the only names, separated by commas, under which the app answers;
            empty for any.
        threads: ``MOODLENS_THREADS``; processor threads for one prediction.
        backend: ``MOODLENS_BACKEND``; what runs the network, ``torch`` or ``openvino``.
        device: ``MOODLENS_DEVICE``; where PyTorch computes, ``auto``, ``cpu``, ``cuda`` or ``mps``.
        zero_gpu: ``MOODLENS_ZERO_GPU``; whether a ZeroGPU Space answers on the lent processor.
        max_queue: ``MOODLENS_MAX_QUEUE``; predictions that may wait before new ones are refused.
        limits: ``MOODLENS_MAX_MEGABYTES`` and ``MOODLENS_MAX_MEGAPIXELS``.
        max_upload_bytes: ``MOODLENS_MAX_UPLOAD_MEGABYTES``; all files that the page sends at once.
        max_uploads: ``MOODLENS_MAX_UPLOADS``; uploads that may be arriving at the same time.
        upload_seconds: ``MOODLENS_UPLOAD_SECONDS``; in which an upload has to arrive, beside the
            time that its bytes earn it.
        keep_uploads_seconds: ``MOODLENS_KEEP_UPLOADS_SECONDS``; after which the files of the page
            are deleted.
        max_stored_bytes: ``MOODLENS_MAX_STORED_MEGABYTES``; all files of the page that lie here at
            once; at least one upload's.
        feedback_folder: ``MOODLENS_FEEDBACK_FOLDER``; where answers of viewers are kept.
        feedback_dataset: ``MOODLENS_FEEDBACK_DATASET``; the Hub dataset they are pushed to, or
            empty.
        feedback_salt: ``MOODLENS_FEEDBACK_SALT``; a secret for the hashes of pictures, or empty for
            a random one in the folder.
        feedback_max_bytes: ``MOODLENS_FEEDBACK_MAX_MEGABYTES``; of all that the folder may hold.
        show_agreement: ``MOODLENS_SHOW_AGREEMENT``; whether the page tells how far viewers and
            model agree.
    """

    checkpoint: str = ""
    follow_seconds: float = 300.0
    host: str = "127.0.0.1"
    port: int = 7860
    hosts: frozenset[str] = frozenset()
    threads: int = 2
    backend: Backend = "torch"
    device: Device = "auto"
    zero_gpu: bool = False
    max_queue: int = 256
    limits: PictureLimits = DEFAULT_LIMITS
    max_upload_bytes: int = 300 * _MEGA
    max_uploads: int = 64
    upload_seconds: int = 30
    keep_uploads_seconds: int = 300
    max_stored_bytes: int = 2000 * _MEGA
    feedback_folder: Path = Path("feedback")
    feedback_dataset: str = ""
    feedback_salt: str = field(default="", repr=False)
    feedback_max_bytes: int = 500 * _MEGA
    show_agreement: bool = False


def read_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> Settings:
    """Read the settings; real environment variables win over the file.

    Args:
        environ: the process's own environment by default.
        env_file: ``.env`` in the working directory by default.

    Raises:
        SettingsError: naming the variable and what it may be.
    """
    environ = os.environ if environ is None else environ
    file_values = dotenv_values(env_file or Path(".env"))
    values = {k: v for k, v in file_values.items() if v is not None} | dict(environ)
    # A Space's container is reached from outside; anywhere else the page is one's own.
    default_host = "0.0.0.0" if "SPACE_ID" in values else "127.0.0.1"  # noqa: S104
    cores = os.cpu_count() or 1
    megabytes = _number(values, "MOODLENS_MAX_MEGABYTES", 20, 1, 1000)
    upload_megabytes = _number(values, "MOODLENS_MAX_UPLOAD_MEGABYTES", 300, 1, 100_000)
    megapixels = _number(values, "MOODLENS_MAX_MEGAPIXELS", 100, 1, 1000)
    return Settings(
        checkpoint=values.get("MOODLENS_CHECKPOINT", "").strip(),
        follow_seconds=_number(values, "MOODLENS_FOLLOW_SECONDS", 300, 1, 86_400),
        host=values.get(_first_set(values, *_HOST), "").strip().strip("[]") or default_host,
        port=_number(values, _first_set(values, *_PORT), 7860, 0, 65535),
        hosts=_hosts(values, "MOODLENS_HOSTS"),
        threads=_number(values, "MOODLENS_THREADS", min(cores, 4), 1, 256),
        backend=_backend(values, "MOODLENS_BACKEND"),
        device=_device(values, "MOODLENS_DEVICE"),
        zero_gpu=_switch(values, "MOODLENS_ZERO_GPU"),
        max_queue=_number(values, "MOODLENS_MAX_QUEUE", 256, 1, 10_000),
        limits=PictureLimits(max_bytes=megabytes * _MEGA, max_pixels=megapixels * _MEGA),
        max_upload_bytes=upload_megabytes * _MEGA,
        max_uploads=_number(values, "MOODLENS_MAX_UPLOADS", 64, 1, 10_000),
        upload_seconds=_number(values, "MOODLENS_UPLOAD_SECONDS", 30, 1, 3600),
        keep_uploads_seconds=_number(values, "MOODLENS_KEEP_UPLOADS_SECONDS", 300, 1, 86_400),
        max_stored_bytes=_MEGA
        * max(upload_megabytes, _number(values, "MOODLENS_MAX_STORED_MEGABYTES", 2000, 1, 10**7)),
        feedback_folder=Path(values.get("MOODLENS_FEEDBACK_FOLDER", "").strip() or "feedback"),
        feedback_dataset=_repository(values, "MOODLENS_FEEDBACK_DATASET"),
        feedback_salt=values.get("MOODLENS_FEEDBACK_SALT", "").strip(),
        feedback_max_bytes=_MEGA
        * _number(values, "MOODLENS_FEEDBACK_MAX_MEGABYTES", 500, 1, 10**6),
        show_agreement=_switch(values, "MOODLENS_SHOW_AGREEMENT"),
    )


def _first_set(values: Mapping[str, str], *names: str) -> str:
    return next((name for name in names if values.get(name, "").strip()), names[0])


def _number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}.")
    return int(text)


def _switch(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "").strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("", "0", "false", "no", "off"):
        return False
    raise SettingsError(f"{name} must be yes or no.")


def _hosts(values: Mapping[str, str], name: str) -> frozenset[str]:
    hosts = {host.strip().lower() for host in values.get(name, "").split(",")} - {""}
    if not all(re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", host) for host in hosts):
        raise SettingsError(f"{name} must be names of hosts, separated by commas, without ports.")
    return frozenset(hosts)


def _backend(values: Mapping[str, str], name: str) -> Backend:
    try:
        return parse_backend(values.get(name, "").strip().lower() or "torch")
    except SettingsError as error:
        raise SettingsError(f"{name}: {error.message}") from None


def _device(values: Mapping[str, str], name: str) -> Device:
    try:
        return parse_device(values.get(name, "").strip().lower() or "auto")
    except SettingsError as error:
        raise SettingsError(f"{name}: {error.message}") from None


def _repository(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "").strip()
    if text and not re.fullmatch(r"[\w.-]+/[\w.-]+", text, re.ASCII):
        raise SettingsError(f"{name} must have the form owner/name.")
    return text
