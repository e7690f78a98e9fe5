"""Pictures in object stores and on the Hub, through fsspec's file systems.

``hf://`` needs nothing more than MoodLens has; ``s3://`` and ``gs://`` need ``s3fs`` and ``gcsfs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from moodlens.errors import PictureError, SettingsError
from moodlens.scoring.sources.names import is_container, is_hidden, is_wanted

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in an object store, by its whole address."""

    url: str

    def read(self, most: int) -> bytes:
        system, path = file_system(self.url)
        try:
            return cast("bytes", system.cat_file(path, start=0, end=most))
        except FileNotFoundError:
            raise PictureError("No such file.") from None
        except Exception as error:  # each store has errors of its own
            raise PictureError("The store does not give this file.") from error


def is_remote(source: str) -> bool:
    """Whether a source is an address such as ``hf://...``, and not a name on this machine."""
    scheme, mark, _ = source.partition("://")
    return bool(mark) and scheme.isalnum() and scheme not in ("http", "https")


def is_web(source: str) -> bool:
    """Whether a source is an address that a browser would open."""
    return source.lower().startswith(("http://", "https://"))


def file_system(url: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        SettingsError: its package is not installed, or it is not known.
    """
    scheme = url.partition("://")[0]
    import fsspec

    try:
        if scheme == "hf":
            from huggingface_hub import HfFileSystem

            return HfFileSystem(), url.removeprefix("hf://")
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
    except ImportError:
        package = _PACKAGES.get(scheme)
        if package is None:
            raise SettingsError(f"{scheme}:// addresses cannot be read here.") from None
        raise SettingsError(
            f"{scheme}:// addresses need {package}; `pip install {package}` does it."
        ) from None
    except ValueError:
        raise SettingsError(f"{scheme}:// addresses cannot be read here.") from None


def listed(url: str) -> Iterator[tuple[str, str]]:
    """Names, relative to the address, and whole addresses of what holds pictures below it.

    An address that is a file itself is listed under its own name.

    Raises:
        SettingsError: there is nothing, or it may not be seen.
    """
    system, root = file_system(url)
    root = root.rstrip("/")
    scheme = url.partition("://")[0]
    try:
        found = sorted(system.find(root))
    except Exception as error:
        raise SettingsError(f"{url} cannot be listed.") from error
    if not found:
        raise SettingsError(f"There is nothing at {url}.")
    base = f"{system._strip_protocol(root)}/"
    for path in found:
        name = path.removeprefix(base) if path.startswith(base) else path.rpartition("/")[2]
        alone = path == base[:-1]
        if alone or (not is_hidden(name) and (is_wanted(name) or is_container(name))):
            yield name, f"{scheme}://{path}"


def opened(url: str) -> BinaryIO:
    """A remote file to be read piece by piece.

    Raises:
        OSError: the store does not give it.
    """
    system, path = file_system(url)
    return cast("BinaryIO", system.open(path, "rb"))
