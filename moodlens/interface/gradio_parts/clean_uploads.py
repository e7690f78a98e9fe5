"""Gradio's way to take uploads, such that a failed one leaves no file, no entry and no memory.

Gradio removes what it has stored so far only where its own parser refuses the form. A full disk, or
a field where it expects a file, left half files that kept the disk full.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gradio import route_utils, routes
from gradio.route_utils import FileUploadProgress, GradioMultiPartParser
from starlette.formparsers import MultiPartException

from moodlens.errors import DiskFullError, MissingPictureError
from moodlens.serving.failures import disk_is_full
from moodlens.serving.questions import MOST_FILES

_MOST_FIELDS = 16
_FIELD_BYTES = 10_000
_UPLOADS_WATCHED = 256

_stored: ContextVar[list[Any]] = ContextVar("stored")


class CarefulParser(GradioMultiPartParser):
    """Bounded in files, in fields and in the bytes of a field, which Gradio keeps in memory."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "max_files": MOST_FILES, "max_fields": _MOST_FIELDS})
        self._files_to_close_on_error = _stored.get([])

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._current_part
        if part.file is not None:
            super().on_part_data(data, start, end)
            return
        if len(part.data) + end - start > _FIELD_BYTES:
            raise MultiPartException("A field of this form is too long.")
        part.data += data[start:end]


class BoundedProgress(FileUploadProgress):
    """How far uploads have come, of the newest ones."""

    def __init__(self) -> None:
        super().__init__()
        self._statuses: OrderedDict[str, Any] = OrderedDict()

    def track(self, upload_id: str) -> None:
        """Remember an upload, and forget the oldest."""
        super().track(upload_id)
        while len(self._statuses) > _UPLOADS_WATCHED:
            self.stop_tracking(next(iter(self._statuses)))
        for waiting in list(self._signals)[: -2 * _UPLOADS_WATCHED]:
            del self._signals[waiting]

    async def is_tracked(self, upload_id: str) -> bool:
        """Wait for an upload to begin, and remember nothing where it does not."""
        try:
            return bool(await super().is_tracked(upload_id))
        finally:
            if upload_id not in self._statuses:
                self._signals.pop(upload_id, None)

    def stop_tracking(self, upload_id: str) -> None:
        """Forget an upload."""
        super().stop_tracking(upload_id)
        self._signals.pop(upload_id, None)


_take = route_utils.upload_fn


async def take_uploads(*args: Any, **settings: Any) -> Any:
    """In place of Gradio's ``upload_fn``: where it fails, its files are removed at once.

    Raises:
        DiskFullError: the disk took no more.
        MissingPictureError: the field is no file.
    """
    stored: list[Any] = []
    _stored.set(stored)
    try:
        return await _take(*args, **settings)
    except BaseException as error:
        for file in stored:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink()
        if disk_is_full(error):
            raise DiskFullError from error
        if isinstance(error, TypeError) and "UploadFile" in str(error):  # Gradio's, for a text
            raise MissingPictureError("Send files in the field 'files'.") from None
        raise


def take_uploads_carefully() -> None:
    """Use these from now on."""
    route_utils.GradioMultiPartParser = CarefulParser
    routes.upload_fn = take_uploads
    routes.file_upload_statuses = BoundedProgress()
