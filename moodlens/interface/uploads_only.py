"""Inputs take files that were uploaded here, and nothing that would have to be fetched.

Gradio downloads the address that a client may send in a file's place, onto this disk and however
large it is. It checks that the address is public; MoodLens needs no address at all.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.blocks import Block
from gradio_client.utils import is_http_url_like


def refuse_addresses(page: gr.Blocks) -> None:
    """Do so for every part of a page that is complete."""
    for block in page.blocks.values():
        if hasattr(block, "async_move_resource_to_block_cache"):
            _refuse_addresses(block)


def _refuse_addresses(block: Block) -> None:
    keep = block.async_move_resource_to_block_cache

    async def keep_file(path: str | Path | None) -> str | None:
        if path is not None and is_http_url_like(str(path)):
            raise gr.Error("Send the picture as a file, not as an address.", print_exception=False)
        kept: str | None = await keep(path)
        return kept

    block.async_move_resource_to_block_cache = keep_file
