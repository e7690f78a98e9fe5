"""The MoodLens Space: settings -> checkpoint -> predictor -> interface -> launch."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from moodlens.errors import SettingsError
from moodlens.service import PredictionService
from moodlens.settings import read_settings


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings()
    except SettingsError as error:
        sys.exit(f"MoodLens cannot start: {error}")
    service = PredictionService(settings)
    service.start()

    from moodlens.interface import build, launch_options  # Gradio takes seconds; torch loads meanwhile
    from moodlens.rest import build_router

    demo = build(service)
    demo.launch(
        server_name=settings.host,
        server_port=settings.port or None,
        app_kwargs={"routes": build_router(service).routes},
        ssr_mode=False,
        prevent_thread_lock=True,
        **launch_options(settings),
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    demo.close()
    service.close()


if __name__ == "__main__":
    main()
