"""The tab for up to fifty files at once, or a folder of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.errors import BusyError, MoodLensError, PictureError
from moodlens.interface.answer import answer_file
from moodlens.interface.many_results import BatchItem, progress_bar, results, summary
from moodlens.interface.model_facts import base_rates
from moodlens.interface.own_parts import own_html, static_part
from moodlens.interface.picture_input import AS_SENT, SentFile, build_files_input, sent_files
from moodlens.interface.translations import errors_as_toasts, translate, wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling.batch_table import BatchRow
from moodlens.telling.wording import Wording

MOST_FILES = 50

_AT_ONCE = 4
_TRIES_WHEN_BUSY = 5
_THUMBNAIL = (240, 240)
_SCRIPT = Path(__file__).with_name("many.js")
_FOLDER = Path(__file__).with_name("folder.js")


def build_many_panel(service: PredictionService) -> None:
    """Lay the tab out and connect it."""
    static_part("part.many", js_on_load=_FOLDER.read_text(encoding="utf-8"))
    uploads = build_files_input(label=translate("many.files"), elem_id="many-files", height=170)
    progress = own_html(elem_id="many-progress")
    shown = own_html(elem_id="many-results", js_on_load=_SCRIPT.read_text(encoding="utf-8"))

    def analyse(sent: list[dict[str, Any]] | None, request: gr.Request) -> Iterator[dict[Any, Any]]:
        wording = wording_of(request)
        files = sent_files(sent)
        if not files:
            yield {progress: "", shown: ""}
            return
        with errors_as_toasts(wording):
            if len(files) > MOST_FILES:
                raise PictureError(wording("many.too_many", most=MOST_FILES))
        found: list[BatchItem | None] = [None] * len(files)
        yield {progress: progress_bar(0, len(files), wording), shown: ""}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            places = {
                pool.submit(_analyse_one, service, file, wording): place
                for place, file in enumerate(files)
            }
            for done, future in enumerate(as_completed(places), start=1):
                found[places[future]] = future.result()
                yield {progress: progress_bar(done, len(files), wording)}
        rates = base_rates(service)
        finished = [item for item in found if item is not None]
        yield {progress: summary(finished, wording), shown: results(finished, rates, wording)}

    uploads.change(
        analyse,
        uploads,
        [progress, shown],
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
        concurrency_limit=2,
        **AS_SENT,
    )


def _analyse_one(service: PredictionService, file: SentFile, wording: Wording) -> BatchItem:
    for attempt in range(_TRIES_WHEN_BUSY):
        try:
            answer = answer_file(service, file.path)
        except BusyError as error:
            if attempt == _TRIES_WHEN_BUSY - 1:
                return BatchItem(BatchRow(file.name, problem=wording.problem(error)), None)
            time.sleep(error.retry_after)
        except MoodLensError as error:
            return BatchItem(BatchRow(file.name, problem=wording.problem(error)), None)
        else:
            thumbnail = answer.picture.copy()
            thumbnail.thumbnail(_THUMBNAIL)
            return BatchItem(BatchRow(file.name, answer.prediction), thumbnail)
    raise AssertionError("unreachable")
