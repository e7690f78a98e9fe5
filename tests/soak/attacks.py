"""What an attack from outside found, each with the bound that holds since."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client, handle_file

from moodlens.feedback import FeedbackStore
from moodlens.serving.connections import raise_descriptor_limit
from tests.soak.attack import (
    CAT,
    Attack,
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
from tests.support.picture_corpus import costly, png, saved, scene
from tests.support.raw_http import connect, form_head, request_head
from tests.support.running_app import HTTP, RunningApp

_NORMAL_WITHIN = 2.0
_COME_BACK_UNTIL = 120.0


def two_empty_sessions(app: RunningApp) -> Verdict:
    """Requests of sessions without a name, some at once, ended Gradio's queue for everybody."""
    body = {"data": [None], "fn_index": endpoint(app)["id"], "session_hash": ""}
    data = json.dumps(body).encode()
    statuses = Counter(at_once(lambda _: post(app, "queue/join", data), range(64), clients=16))
    held = page_answers(app)
    return Verdict(held, f"{dict(statuses)}, the page answers: {held}")


def sessions_that_pass(app: RunningApp) -> Verdict:
    """3,000 sessions pass while eight stay and ask; Gradio evicted one that waited, and ended."""
    function, stop = endpoint(app), threading.Event()
    stayed: Counter[bool] = Counter()

    def stay() -> None:
        body = {"data": [None], "fn_index": function["id"], "session_hash": name()}
        while not stop.is_set():
            with suppress(httpx.HTTPError):
                status = post(app, "queue/join", json.dumps(body).encode())
                stayed[status in (200, 503)] += 1
            time.sleep(0.05)

    pages = [threading.Thread(target=stay) for _ in range(8)]
    for page in pages:
        page.start()
    with Memory(app) as memory:
        at_once(lambda _: post(app, "call/predict", b'{"data":[null]}'), range(3000), clients=44)
    stop.set()
    for page in pages:
        page.join()
    held = page_answers(app) and HTTP.get(f"{app.url}/healthz").status_code == 200
    return Verdict(
        held and memory.left < 150,
        f"the page answers: {held}, {stayed[True]} questions of those that stayed, "
        f"+{memory.left:.0f} MB",
    )


def worst_pictures(make: Callable[[], bytes], app: RunningApp) -> Verdict:
    """64 clients with one small file that takes much memory, and normal pictures between them.

    Who is told to come back does so; in the end all are answered.
    """
    data = make()
    slowest, normal, done = 0.0, Counter[int](), threading.Event()
    told_to_come_back: Counter[int] = Counter()

    def ask_normally() -> None:
        nonlocal slowest
        while not done.wait(0.3):
            began = time.monotonic()
            with suppress(httpx.HTTPError):
                normal[app.predict(CAT).status_code] += 1
            slowest = max(slowest, time.monotonic() - began)

    def ask(_: int) -> int:
        until = time.monotonic() + _COME_BACK_UNTIL
        while True:
            answer = app.predict(data)
            if answer.status_code != 503 or time.monotonic() > until:
                return answer.status_code
            told_to_come_back[503] += 1
            time.sleep(float(answer.headers["retry-after"]))

    with Memory(app) as memory:
        asking = threading.Thread(target=ask_normally)
        asking.start()
        began = time.monotonic()
        statuses = Counter(at_once(ask, range(64)))
        seconds = time.monotonic() - began
        done.set()
        asking.join()
    held = memory.peak < 1000 and set(statuses) == {200} == set(normal)
    return Verdict(
        held and slowest < _NORMAL_WITHIN,
        f"+{memory.peak:.0f} MB, then {memory.left:+.0f}; {dict(statuses)} after {seconds:.0f} s, "
        f"told {told_to_come_back[503]} times to come back; "
        f"normal pictures: {dict(normal)} in {slowest:.1f} s at most",
    )


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


def long_names(app: RunningApp) -> Verdict:
    """300 names of sessions of almost 1 MB, which Gradio remembers."""
    function = endpoint(app)["id"]

    def ask(number: int) -> int:
        body = {"data": [None], "fn_index": function, "session_hash": f"{number:x<900000}"}
        return post(app, "queue/join", json.dumps(body).encode())

    with Memory(app) as memory:
        statuses = Counter(at_once(ask, range(300), clients=16))
    return Verdict(memory.left < 60, f"{dict(statuses)}, +{memory.left:.0f} MB")


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
    stop, slowest = threading.Event(), 0.0

    def look() -> None:
        nonlocal slowest
        while not stop.wait(0.02):
            began = time.monotonic()
            HTTP.get(f"{app.url}/hello")
            slowest = max(slowest, time.monotonic() - began)

    def ask(number: int) -> int:
        files = [file_data(f"/tmp/{number}-{i}.jpg") for i in range(4000)]
        body = {"data": [files], "fn_index": function, "session_hash": name()}
        return post(app, "queue/join", json.dumps(body).encode())

    looking = threading.Thread(target=look)
    looking.start()
    with Memory(app) as memory:
        statuses = Counter(at_once(ask, range(40), clients=2))
    stop.set()
    looking.join()
    return Verdict(
        slowest < 0.5 and memory.left < 30,
        f"{dict(statuses)}, /hello in {slowest:.2f} s at most, +{memory.left:.0f} MB",
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


def page_loads(app: RunningApp) -> Verdict:
    """Thousands who load the page do not keep those waiting who ask."""
    stop, slowest = threading.Event(), 0.0

    def ask() -> None:
        nonlocal slowest
        while not stop.wait(0.1):
            began = time.monotonic()
            app.predict(CAT)
            slowest = max(slowest, time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    at_once(lambda _: HTTP.get(app.url).status_code, range(3000), clients=100)
    stop.set()
    asking.join()
    return Verdict(slowest < 5, f"/predict in {slowest:.1f} s at most")


def a_log_of_json(app: RunningApp) -> Verdict:
    """After all of this, every line of the log is one short JSON object."""
    lines = app.log.read_text().splitlines()
    told = [line for line in lines if not line.startswith("MoodLens is at")]
    broken = [line for line in told if not _is_json(line)]
    longest = max(map(len, lines), default=0)
    held = not broken and longest < 8000 and app.log.stat().st_size < 10_000_000
    return Verdict(
        held, f"{len(lines)} lines, {len(broken)} not JSON, the longest of {longest} characters"
    )


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


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


def a_cleaner_that_lives(app: RunningApp) -> Verdict:
    """Paths that nobody can remove ended Gradio's cleaner."""
    function = endpoint(app)
    uploaded = Path(upload(app))
    folder = uploaded.parent
    for path in (str(folder), str(folder / ("x" * 300)), f"{uploaded}\0.jpg"):
        with suppress(httpx.HTTPError):
            ask_queue(app.url, function, [file_data(path)])
    for number in range(100):
        upload(app, CAT + bytes([number]))
    began = time.monotonic()
    while _files(app) and time.monotonic() - began < 60:
        time.sleep(0.2)
    seconds = time.monotonic() - began
    return Verdict(seconds < 8, f"all is gone after {seconds:.1f} s, of 4 promised")


def full_disk(app: RunningApp) -> Verdict:
    """The kernel takes no more than 1 MB of a file; the half file is gone at once."""
    import resource

    assert app.process is not None
    unlimited = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
    files = {"files": ("a.jpg", bytes(1_900_000))}
    before = set(_files(app))
    try:
        answer = HTTP.post(f"{app.url}/gradio_api/upload", files=files)
        left = set(_files(app)) - before
    finally:
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, unlimited)
    return Verdict(
        answer.status_code == 507 and not left and "disk" in answer.text,
        f"{answer.status_code}, {len(left)} files left, {answer.text[:60]!r}",
    )


def _files(app: RunningApp) -> list[Path]:
    return [path for path in (app.folder / "uploads").rglob("*") if path.is_file()]


def idle_connections(app: RunningApp) -> Verdict:
    """1,100 idle connections where the app may open 1,024 files."""
    raise_descriptor_limit()  # of the attacker
    with ExitStack() as stack:
        for _ in range(1100):
            with suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", app.port), timeout=5))
        began = time.monotonic()
        with suppress(httpx.HTTPError):
            status = 0
            status = app.predict(CAT).status_code
        seconds = time.monotonic() - began
    size = app.log.stat().st_size
    return Verdict(
        status == 200 and size < 1_000_000,
        f"{status} in {seconds:.1f} s, a log of {size / 1000:.0f} kB",
    )


def uploads_without_pause(app: RunningApp) -> Verdict:
    """What lay on the disk until it was deleted had no end."""
    most, stop = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not stop.wait(0.02):
            with suppress(OSError):  # it is gone already
                most = max(most, sum(path.stat().st_size for path in _files(app)))

    def send(_: int) -> int:
        files = {"files": ("a.jpg", os.urandom(1_900_000))}
        return HTTP.post(f"{app.url}/gradio_api/upload", files=files).status_code

    looking = threading.Thread(target=look)
    looking.start()
    statuses = Counter(at_once(send, range(200), clients=2))
    stop.set()
    looking.join()
    began = time.monotonic()
    while send(0) != 200 and time.monotonic() - began < 30:
        time.sleep(0.2)
    seconds = time.monotonic() - began
    return Verdict(
        most <= 20_000_000 and seconds < 10,
        f"{dict(statuses)}, {most / 1e6:.1f} MB at most of 20 allowed, room after {seconds:.1f} s",
    )


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


def _cost(wanted: str) -> bytes:
    return next(case for case in costly() if case.name == wanted).build()


def _long_png() -> bytes:
    return png((65_535, 381), 8, 6, bytes((4 * 65_535 + 1) * 381), level=9)


WORST: dict[str, Callable[[], bytes]] = {
    "64 x a PNG of 25 megapixels with alpha": partial(_cost, "png-25-megapixels-rgba"),
    "64 x a WebP of 38 bytes": partial(_cost, "webp-17-megapixels-alpha"),
    "64 x a TIFF of floats": partial(_cost, "tiff-25-megapixels-float"),
    "64 x a PNG of 65,535 x 381": _long_png,
    "64 x a progressive JPEG in CMYK": partial(_cost, "jpeg-cmyk-progressive-25-megapixels"),
    "64 x an AVIF with alpha": partial(_cost, "avif-17-megapixels-alpha"),
    "64 x a GIF of 25 megapixels": partial(_cost, "gif-25-megapixels"),
}

ATTACKS: dict[str, Attack] = {
    "two sessions without a name": two_empty_sessions,
    "3,000 sessions pass, eight stay": sessions_that_pass,
    "360 bodies of junk as values": junk_values,
    "300 names of 1 MB": long_names,
    "1,000 unfinished bodies of 0.9 MB": unfinished_bodies,
    "70 uploads in capitals": capitals,
    "40 requests naming 4,000 files": thousands_of_files,
    "16 uploads with fields of 40 MB": fields_for_files,
    "3,000 page loads beside /predict": page_loads,
    **{title: partial(worst_pictures, make) for title, make in WORST.items()},
    "60 pictures and one eager viewer": an_eager_viewer,
    "200 jobs, half of them cancelled": jobs_half_cancelled,
    "300 large bodies that are refused": large_and_refused,
    "2,400 sessions with an answer": answers_kept,
    "the log of all this": a_log_of_json,
}
"""On the app as it is."""

NARROW: dict[str, Attack] = {
    "3 MB and then silence": silence,
    "paths that nobody can remove": a_cleaner_that_lives,
    "200 uploads without pause": uploads_without_pause,
    "a full disk": full_disk,
}
"""On an app with little room and little patience."""

FEW_DESCRIPTORS: dict[str, Attack] = {"1,100 idle connections": idle_connections}
"""On an app that may open 1,024 files."""
