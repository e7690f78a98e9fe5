"""Gradio's queue and its sessions."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

from gradio_client import Client, handle_file

from moodlens.feedback import FeedbackStore
from tests.soak.attack import (
    CAT,
    Meanwhile,
    Memory,
    Verdict,
    at_once,
    endpoint,
    feedback_function,
    name,
    page_answers,
    picture_function,
    post,
    upload,
)
from tests.support.page_queue import ask_queue, completed, file_data
from tests.support.picture_corpus import saved, scene
from tests.support.running_app import HTTP, RunningApp


def two_empty_sessions(app: RunningApp) -> Verdict:
    """Requests of sessions without a name, some at once, ended Gradio's queue for everybody."""
    body = {"data": [None], "fn_index": endpoint(app)["id"], "session_hash": ""}
    data = json.dumps(body).encode()
    statuses = Counter(at_once(lambda _: post(app, "queue/join", data), range(64), clients=16))
    held = page_answers(app)
    return Verdict(held, f"{dict(statuses)}, the page answers: {held}")


def sessions_that_pass(app: RunningApp) -> Verdict:
    """3,000 sessions pass while eight stay and ask; Gradio evicted one that waited, and ended."""
    function = endpoint(app)
    stayed: Counter[bool] = Counter()

    def page() -> Callable[[], None]:
        body = {"data": [None], "fn_index": function["id"], "session_hash": name()}
        data = json.dumps(body).encode()

        def stay() -> None:
            stayed[post(app, "queue/join", data) in (200, 503)] += 1

        return stay

    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(Meanwhile(page(), every=0.05))
        memory = stack.enter_context(Memory(app))
        at_once(lambda _: post(app, "call/predict", b'{"data":[null]}'), range(3000), clients=44)
    held = page_answers(app) and HTTP.get(f"{app.url}/healthz").status_code == 200
    return Verdict(
        held and memory.left < 150,
        f"the page answers: {held}, {stayed[True]} questions of those that stayed, "
        f"+{memory.left:.0f} MB",
    )


def long_names(app: RunningApp) -> Verdict:
    """300 names of sessions of almost 1 MB, which Gradio remembers."""
    function = endpoint(app)["id"]

    def ask(number: int) -> int:
        body = {"data": [None], "fn_index": function, "session_hash": f"{number:x<900000}"}
        return post(app, "queue/join", json.dumps(body).encode())

    with Memory(app) as memory:
        statuses = Counter(at_once(ask, range(300), clients=16))
    return Verdict(memory.left < 60, f"{dict(statuses)}, +{memory.left:.0f} MB")


def answers_kept(app: RunningApp) -> Verdict:
    """2,400 sessions with an answer each; a picture and six overlays were kept of each."""
    function, path = picture_function(app), upload(app, saved(scene().resize((1440, 960)), "JPEG"))

    def ask(_: int) -> bool:
        event = completed(ask_queue(app.url, function, [file_data(path)], http=HTTP))
        return event is not None and event["success"]

    at_once(ask, range(50), clients=4)
    with Memory(app) as memory:
        answered = at_once(ask, range(2400), clients=8)
    return Verdict(memory.left < 150, f"{answered.count(True)} answered, +{memory.left:.0f} MB")


def an_eager_viewer(app: RunningApp) -> Verdict:
    """One client feels something about 60 pictures, and clicks six times for each."""
    picture, feel = picture_function(app), feedback_function(app)
    click = {"felt": {"joy": 1}, "click": True}

    def answer(number: int) -> None:
        session = name()
        path = upload(app, CAT + bytes([number]))
        data = [file_data(path), "fixed"]
        ask_queue(app.url, picture, data, http=HTTP, session=session)

        def press(_: int) -> int:
            question = {"fn_index": feel["id"], "data": [None], "event_data": click}
            body = json.dumps({**question, "session_hash": session}).encode()
            return post(app, "queue/join", body)  # one stream would tell of all six

        at_once(press, range(6), clients=6)

    began = time.monotonic()
    at_once(answer, range(60), clients=4)
    time.sleep(2)  # the last ones are still kept
    allowed = 20 + (time.monotonic() - began) / 6 + 1
    records = FeedbackStore(app.folder / "feedback").read()
    felt = Counter(record["picture"] for record in records)
    return Verdict(
        0 < felt.total() == len(felt) <= allowed,
        f"{felt.total()} answers stored of 60, {allowed:.0f} allowed, for {len(felt)} pictures",
    )


def jobs_half_cancelled(app: RunningApp) -> Verdict:
    """200 jobs of ten of Gradio's clients, of which each second one is cancelled."""
    path = app.folder / "cat.jpg"
    path.write_bytes(CAT)
    clients = [Client(app.url, verbose=False) for _ in range(10)]
    jobs = [
        client.submit(handle_file(str(path)), api_name="/predict")
        for _ in range(20)
        for client in clients
    ]
    time.sleep(0.1)
    for number, job in enumerate(jobs):
        if number % 20 < 10:  # in turn, half of each client's
            job.cancel()
    kept = [job for number, job in enumerate(jobs) if number % 20 >= 10]
    endings = Counter(_ending(job) for job in kept)
    return Verdict(set(endings) == {"success"} and page_answers(app), f"{dict(endings)} of 100")


def _ending(job: Future[Any]) -> str:
    try:
        return str(job.result(timeout=120)["status"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:60]
