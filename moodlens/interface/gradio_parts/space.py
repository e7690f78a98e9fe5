"""What Gradio adds by itself on a Space, and this app does without."""

from __future__ import annotations

import gradio as gr
from gradio import http_server


def leave_space_extras_out(page: gr.Blocks) -> None:
    """Ask no other host, and start no second server; to be called before the launch.

    No option of ``Blocks.launch`` and no variable turns either off.

    - Opened outside of huggingface.co, the page would lay a header over itself, whose fonts come
      from Google and whose figures from the Hub: both would learn of every visitor.
    - A server for changing the app's code while it runs, brought by the package ``spaces``, would
      listen on all addresses, port 7887, ask for no password, and write what it is sent into the
      app's files.
    """
    page.space_id = None
    http_server.watchfn_spaces = lambda reloader: None
