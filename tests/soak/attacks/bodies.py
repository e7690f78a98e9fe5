"""Requests that are large, many, slow or full of junk."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from contextlib import ExitStack, suppress

from tests.soak.attack import (
    CAT,
    Meanwhile,
    Memory,
    Verdict,
    at_once,
    endpoint,
    name,
    picture_function,
    post,
)
from tests.support.page_queue import file_data
from tests.support.raw_http import connect, form_head, request_head
from tests.support.running_app import HTTP, RunningApp


def junk_values(app: RunningApp) -> Verdict:
    """Bodies of 1 MB full of empty lists in place of a picture, each of a session of its own."""
    function = picture_function(app)["id"]
    junk = b"[" + b"[]," * 320_000 + b"[]]"

    def ask(_: int) -> int:
        body = b'{"fn_index":%d,"session_hash":"%s","data":[%s]}'
        return post(app, "queue/join", body % (function, name().encode(), junk))

    with Memory(app) as memory:
        statuses = Counter(at_once(ask, range(360), clients=16))
    return Verdict(memory.left < 100, f"{dict(statuses)}, +{memory.left:.0f} MB")


def unfinished_bodies(app: RunningApp) -> Verdict:
    """1,000 senders that stop after 0.9 MB, at addresses that take no upload."""
    head = request_head(
        "/gradio_api/queue/join", "Content-Length: 950000", content_type="application/json"
    )
    body = head + b"[" * 900_000
    with Memory(app) as memory, ExitStack() as stack:
        for _ in range(1000):
            with suppress(OSError):
                sender = stack.enter_context(connect(app))
                sender.sendall(body)
        began = time.monotonic()
        answered = HTTP.get(f"{app.url}/hello").status_code
        seconds = time.monotonic() - began
    return Verdict(
        memory.peak < 350 and answered == 200,
        f"+{memory.peak:.0f} MB, /hello in {seconds:.1f} s",
    )


def capitals(app: RunningApp) -> Verdict:
    """70 uploads that call themselves Multipart/Form-Data: they are counted as others are."""
    head = request_head(
        "/gradio_api/upload",
        "Content-Length: 5000",
        content_type="Multipart/Form-Data; boundary=raw",
    )
    with ExitStack() as stack:
        for _ in range(70):
            sender = stack.enter_context(connect(app))
            sender.sendall(head + form_head("files") + b"\xff\xd8")
        time.sleep(1)
        status = app.predict(CAT).status_code
    return Verdict(status == 503, f"the next upload: {status}")


def thousands_of_files(app: RunningApp) -> Verdict:
    """Requests that name 4,000 files held up every route for seconds."""
    function = endpoint(app)["id"]

    def ask(number: int) -> int:
        files = [file_data(f"/tmp/{number}-{i}.jpg") for i in range(4000)]
        body = {"data": [files], "fn_index": function, "session_hash": name()}
        return post(app, "queue/join", json.dumps(body).encode())

    def look() -> None:
        HTTP.get(f"{app.url}/hello")

    with Meanwhile(look, every=0.02) as looking, Memory(app) as memory:
        statuses = Counter(at_once(ask, range(40), clients=2))
    return Verdict(
        looking.slowest < 0.5 and memory.left < 30,
        f"{dict(statuses)}, /hello in {looking.slowest:.2f} s at most, +{memory.left:.0f} MB",
    )


def fields_for_files(app: RunningApp) -> Verdict:
    """Uploads whose fields, which are kept in memory, are 40 MB long."""

    def ask(_: int) -> int:
        text, files = {"text": "x" * 40_000_000}, {"files": ("a.jpg", CAT)}
        address = f"{app.url}/gradio_api/upload"
        return HTTP.post(address, data=text, files=files).status_code

    with Memory(app) as memory:
        statuses = Counter(map(str, at_once(ask, range(16), clients=16)))
    return Verdict(memory.peak < 100, f"{dict(statuses)}, +{memory.peak:.0f} MB")


def large_and_refused(app: RunningApp) -> Verdict:
    """300 bodies of 15 MB that are no pictures, in four ways in."""
    junk, before = os.urandom(15_000_000), app.log.stat().st_size
    function = endpoint(app)["id"]
    text = b'{"data":["data:image/jpeg;base64,' + b"A" * 15_000_000 + b'"]'

    def ask(number: int) -> int:
        if number % 4 == 0:
            return app.predict(junk).status_code
        if number % 4 == 1:
            return post(app, "run/predict", text + b"}")
        session = b',"fn_index":%d,"session_hash":"%s"}' % (function, name().encode())
        return post(app, "queue/join", text + session if number % 4 == 2 else junk)

    with Memory(app) as memory:
        statuses = Counter(at_once(ask, range(300), clients=8))
    written = app.log.stat().st_size - before
    return Verdict(
        memory.left < 60 and written < 200_000,
        f"{dict(statuses)}, +{memory.peak:.0f} MB, then {memory.left:+.0f}; "
        f"{written / 1000:.0f} kB in the log",
    )


def silence(app: RunningApp) -> Verdict:
    """3 MB at once and then nothing held a place for a minute."""
    with ExitStack() as stack:
        senders = [stack.enter_context(connect(app, timeout=60)) for _ in range(2)]
        for sender in senders:
            sender.sendall(request_head("/predict", "Content-Length: 9000000") + form_head())
            sender.sendall(bytes(3_000_000))
        began = time.monotonic()
        while app.predict(CAT).status_code != 200 and time.monotonic() - began < 60:
            time.sleep(0.1)
        seconds = time.monotonic() - began
    return Verdict(seconds < 10, f"a place is free after {seconds:.1f} s")
