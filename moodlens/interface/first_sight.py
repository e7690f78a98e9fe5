"""What stands in the document itself, until Gradio's scripts have built the page over it."""

from __future__ import annotations

from moodlens.interface import markup
from moodlens.interface.static_parts import bars_waiting, header, subjective
from moodlens.telling.wording import Wording

_GONE_WHEN_BUILT = """
new MutationObserver((changes, watcher) => {
  const parts = ['.ml-header', '#picture', '#subjective p'];
  if (!parts.every((part) => document.querySelector(`gradio-app ${part}`))) return;
  document.getElementById('ml-first').remove();
  watcher.disconnect();
}).observe(document.querySelector('gradio-app'), { childList: true, subtree: true });
"""


def first_sight(wording: Wording) -> str:
    """The header, the frame for a picture and the waiting answer, where the page has them.

    Nothing that the page paints later is larger, so that the largest paint is this one.

    Screen readers are spared it: they would read everything twice.
    """
    return (
        f'<div id="ml-first" class="gradio-container" aria-hidden="true">{header(wording)}'
        '<div class="ml-first-stage"><div></div>'
        f'<div class="ml-card"><div class="ml-headline">{markup.waiting(wording)}</div>'
        f"{bars_waiting(wording)}{subjective(wording)}</div></div></div>"
        "<script>addEventListener('DOMContentLoaded', () => {" + _GONE_WHEN_BUILT + "});</script>"
    )
