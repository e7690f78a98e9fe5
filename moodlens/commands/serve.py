"""``moodlens serve``, and app.py: settings -> service -> interface -> launch."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading

from moodlens.commands.environment import give_a_home, refuse_openings, tell_gradio
from moodlens.commands.listening import refuse_taken, taken
from moodlens.errors import SettingsError
from moodlens.serving.connections import bound_connections, raise_descriptor_limit
from moodlens.serving.cores import keep_threads_apart
from moodlens.serving.library_pages import forget_library_pages
from moodlens.serving.logs import configure_logging, logged_instead_of_printed, speak_for_others
from moodlens.serving.memory import give_memory_back
from moodlens.serving.service import PredictionService
from moodlens.serving.uploads import UploadFolder
from moodlens.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None: everything is a ``MOODLENS_*`` variable."""
    parser.epilog = "Settings are MOODLENS_* variables, from the environment or a .env file."


def run(options: argparse.Namespace) -> int:
    """Serve, and return the exit status."""
    serve()
    return 0


def serve() -> None:
    """Serve the page and the REST routes until the process is asked to end."""
    gc.disable()  # what the imports make stays; looking through it again and again takes time
    give_memory_back()
    configure_logging()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        refuse_openings(os.environ)
        settings = read_settings()
        refuse_taken(settings.host, settings.port)
        uploads = UploadFolder(settings.keep_uploads_seconds, settings.max_stored_bytes)
    except SettingsError as error:
        sys.exit(f"MoodLens cannot start: {error}")
    give_a_home()
    tell_gradio()
    keep_threads_apart(settings.threads)
    service = PredictionService(settings)
    service.start()

    # Importing Gradio takes seconds, which the checkpoint's own thread uses.
    from moodlens.interface import build, build_api_routes, call_problems, launch_options
    from moodlens.interface.document import OneLanguage
    from moodlens.interface.gradio_parts.gentle_scripts import gentle_routes
    from moodlens.interface.page_files import page_routes
    from moodlens.serving.caching import CacheControl
    from moodlens.serving.compression import Compression
    from moodlens.serving.gate import gate
    from moodlens.serving.rest import build_router
    from moodlens.serving.whole_answers import within

    forget_library_pages()
    demo = build(service)
    bound_connections(raise_descriptor_limit())
    try:
        with logged_instead_of_printed():
            _, url, _ = demo.launch(
                server_name=f"[{settings.host}]" if ":" in settings.host else settings.host,
                server_port=settings.port or None,
                app_kwargs={
                    "routes": [
                        *build_router(service).routes,
                        *build_api_routes(demo).routes,
                        *page_routes(),
                        *gentle_routes(),
                    ],
                    "lifespan": within(
                        gate(settings, service.telemetry, uploads.room),
                        OneLanguage,
                        Compression,
                        CacheControl,
                    ),
                    "exception_handlers": call_problems(),
                    "openapi_url": None,
                },
                prevent_thread_lock=True,
                **launch_options(settings),
            )
    except OSError:  # somebody took the port in the meantime
        service.close()
        uploads.close()
        sys.exit(f"MoodLens cannot start: {taken(settings.port)}")
    speak_for_others()  # the server has made its loggers now
    forget_library_pages()
    gc.freeze()
    gc.enable()
    print(f"MoodLens is at {url}", flush=True)
    stop.wait()
    demo.close()
    service.close()
    uploads.close()
