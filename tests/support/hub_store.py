"""The repositories behind :mod:`tests.support.hub_server`: commits, branches, tags, in memory.

Like git, but only what the Hub shows of it: a commit is an immutable set of files with a parent, a
branch or a tag is a name for a commit.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property

_LARGE_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".pkl", ".onnx", ".parquet", ".zip")
_LARGE_SIZE = 10 * 2**20


@dataclass(frozen=True)
class Blob:
    """The contents of one file, in git itself or in large file storage."""

    content: bytes
    is_large: bool = False

    @property
    def size(self) -> int:
        return len(self.content)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def oid(self) -> str:
        """The id that git gives the blob, which for a large file is that of its pointer."""
        return _git_hash("blob", self.pointer if self.is_large else self.content)

    @property
    def pointer(self) -> bytes:
        """What git holds in the place of a large file."""
        return (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{self.sha256}\nsize {self.size}\n"
        ).encode()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_large else self.oid


@dataclass(frozen=True, slots=True)
class Commit:
    """One state of a repository."""

    sha: str
    files: Mapping[str, Blob]
    parent: str | None
    title: str
    message: str = ""
    date: datetime = field(default_factory=lambda: datetime.now(timezone.utc))


class Repository:
    """One model, dataset or Space.

    Args:
        kind: ``models``, ``datasets`` or ``spaces``.
        name: ``owner/name``.
        private: hidden from whoever brings no token.
    """

    _serial = itertools.count()

    def __init__(self, kind: str, name: str, *, private: bool = False) -> None:
        self.kind = kind
        self.name = name
        self.private = private
        self.created = datetime.now(timezone.utc)
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.large_objects: dict[str, bytes] = {}
        self.variables: dict[str, dict[str, str]] = {}
        self.restarts = 0
        attributes = "".join(
            f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in _LARGE_SUFFIXES
        )
        self.commit("main", {".gitattributes": Blob(attributes.encode())}, title="initial commit")

    def commit(
        self, branch: str, files: Mapping[str, Blob], *, title: str, message: str = ""
    ) -> Commit:
        """Make ``files`` the whole content of the branch's new head."""
        parent = self.branches.get(branch)
        listing = "".join(f"{path} {blob.oid}\n" for path, blob in sorted(files.items()))
        serial = next(self._serial)
        sha = _git_hash("commit", f"{serial} {parent} {title}\n{listing}".encode())
        commit = Commit(sha, dict(files), parent, title, message)
        self.commits[sha] = commit
        self.branches[branch] = sha
        return commit

    def put(self, files: Mapping[str, bytes], branch: str = "main") -> Commit:
        """Add or replace files as a test sees fit, past every check of the client."""
        head = self.commits[self.branches[branch]]
        changed = {
            path: Blob(content, self.stores_large(path, len(content)))
            for path, content in files.items()
        }
        self.large_objects |= {b.sha256: b.content for b in changed.values() if b.is_large}
        return self.commit(branch, {**head.files, **changed}, title="Put by a test")

    def find(self, revision: str) -> Commit | None:
        """The commit that a branch, a tag or a commit id names."""
        sha = self.branches.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(sha)

    def history(self, revision: str) -> list[Commit]:
        """A commit and its ancestors, newest first."""
        commit = self.find(revision)
        commits = []
        while commit is not None:
            commits.append(commit)
            commit = self.commits.get(commit.parent) if commit.parent else None
        return commits

    @staticmethod
    def stores_large(path: str, size: int) -> bool:
        """Whether the Hub would keep the file outside git."""
        return path.endswith(_LARGE_SUFFIXES) or size > _LARGE_SIZE


def _git_hash(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
