"""Inputs take what their components send: files that were uploaded here, and values of their kind.

Gradio downloads the address that a client may send in a file's place, onto this disk and however
large it is. It checks that the address is public; MoodLens needs no address at all.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.state_holder import SessionState
from gradio_client.utils import is_file_obj, is_http_url_like, traverse

_KINDS: dict[type[Any], tuple[type[Any], ...]] = {
    gr.Radio: (str,),
    gr.Dropdown: (str,),
    gr.Checkbox: (bool,),
    gr.Image: (dict,),
    gr.File: (list,),
}
"""What JSON may give as the value of a component; Gradio looks at its choices only later."""


def refuse_addresses(page: gr.Blocks) -> None:
    """Do so for every event of a page, before Gradio looks at what was sent.

    On the page and not on its components: a session gets new ones as soon as they are updated.
    """
    keep = page.preprocess_data

    async def take_files(
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        traverse(inputs, _refuse_address, is_file_obj)
        for block, value in zip(block_fn.inputs, inputs, strict=False):
            kinds = _KINDS.get(type(block))
            if kinds is not None and value is not None and not isinstance(value, kinds):
                raise gr.Error("This request cannot be read.", print_exception=False)
        return await keep(block_fn, inputs, state, explicit_call)

    page.preprocess_data = take_files


def _refuse_address(file: dict[str, Any]) -> dict[str, Any]:
    if is_http_url_like(file["path"]):
        raise gr.Error("Send the picture as a file, not as an address.", print_exception=False)
    return file
