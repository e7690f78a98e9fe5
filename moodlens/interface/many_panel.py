"""The tab for up to fifty files at once: gallery, table, CSV."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from moodlens.emotions import EMOTIONS
from moodlens.errors import BusyError, MoodLensError, PictureError
from moodlens.interface.answer import answer_file
from moodlens.interface.many_results import BatchItem, gallery_of, progress_bar, summary, table_of
from moodlens.interface.own_parts import own_html, static_part
from moodlens.interface.picture_input import AS_SENT, SentFile, build_files_input, sent_files
from moodlens.interface.translations import errors_as_toasts, translate, wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling.batch_table import BatchRow, to_csv
from moodlens.telling.wording import Wording

MOST_FILES = 50

_AT_ONCE = 4
_TRIES_WHEN_BUSY = 5
_THUMBNAIL = (240, 240)
_ORDERS = ("given", *EMOTIONS, "ambiguity")


def build_many_panel(service: PredictionService) -> None:
    """Lay the tab out and connect it."""
    static_part("part.many")
    uploads = build_files_input(label=translate("many.files"), elem_id="many-files", height=170)
    progress = own_html(elem_id="many-progress")
    items = gr.State([], time_to_live=1800.0)
    with gr.Column(visible=False, elem_classes="ml-card") as results:
        order = gr.Dropdown(
            [(translate(f"many.by_{name}"), name) for name in _ORDERS],
            value="given",
            label=translate("many.order"),
            elem_id="many-order",
            filterable=False,
        )
        gallery = gr.Gallery(
            show_label=False,
            columns=5,
            object_fit="cover",
            height="auto",
            elem_id="many-gallery",
            allow_preview=False,
            interactive=False,
            buttons=[],
        )
        table = gr.Dataframe(
            interactive=False,
            elem_id="many-table",
            show_label=False,
            max_height=360,
            buttons=["fullscreen"],
            datatype="str",
            wrap=True,
        )
        download = gr.DownloadButton(translate("many.csv"), elem_id="many-csv", size="md")

    def analyse(
        sent: list[dict[str, Any]] | None, order: str, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        wording = wording_of(request)
        files = sent_files(sent)
        if not files:
            yield {progress: "", results: gr.Column(visible=False), items: []}
            return
        with errors_as_toasts(wording):
            if len(files) > MOST_FILES:
                raise PictureError(wording("many.too_many", most=MOST_FILES))
        found: list[BatchItem | None] = [None] * len(files)
        yield {progress: progress_bar(0, len(files), wording), results: gr.Column(visible=False)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            places = {
                pool.submit(_analyse_one, service, file, wording): place
                for place, file in enumerate(files)
            }
            for done, future in enumerate(as_completed(places), start=1):
                found[places[future]] = future.result()
                yield {progress: progress_bar(done, len(files), wording)}
        finished = [item for item in found if item is not None]
        csv = to_csv([item.row for item in finished])
        yield {
            progress: summary(finished, wording),
            items: finished,
            results: gr.Column(visible=True),
            gallery: gallery_of(finished, order, wording),
            table: table_of(finished, wording),
            download: save_bytes_to_cache(csv, "moodlens.csv", download.GRADIO_CACHE),
        }

    uploads.change(
        analyse,
        [uploads, order],
        [progress, results, items, gallery, table, download],
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
        concurrency_limit=2,
        **AS_SENT,
    )

    def reorder(items: list[BatchItem], order: str, request: gr.Request) -> Any:
        return gallery_of(items, order, wording_of(request))

    order.input(
        reorder,
        [items, order],
        gallery,
        show_progress="hidden",
        api_visibility="private",
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
