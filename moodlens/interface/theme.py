"""Colours, radii and fonts, on top of which style.css lays the page out."""

from __future__ import annotations

import gradio as gr

_VIOLET = gr.themes.Color(
    "#F5F0FF", "#ECE3FF", "#DAC8FF", "#C3A6FF", "#A97FFB", "#8F56F5", "#7434E0", "#5F23C0",
    "#4B1B99", "#37146F", "#230C49", name="violet",
)  # fmt: skip
_STONE = gr.themes.Color(
    "#FBFAF8", "#F4F2EF", "#E6E3DE", "#D0CCC6", "#9C978F", "#6B665F", "#524E48", "#3B3834",
    "#26242B", "#1B1A20", "#131217", name="stone",
)  # fmt: skip


def build_theme() -> gr.themes.Base:
    """The theme; its fonts are the system's own, so that no other host is asked for any."""
    theme = gr.themes.Base(
        primary_hue=_VIOLET,
        secondary_hue=_VIOLET,
        neutral_hue=_STONE,
        radius_size=gr.themes.sizes.radius_lg,
        font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    return theme.set(
        body_background_fill="#F7F5F2",
        body_background_fill_dark="#131217",
        body_text_color="#26242B",
        body_text_color_dark="#F1EFEC",
        body_text_color_subdued="#615C55",
        body_text_color_subdued_dark="#B4AFA8",
        background_fill_primary="#FFFFFF",
        background_fill_primary_dark="#1B1A20",
        background_fill_secondary="#F7F5F2",
        background_fill_secondary_dark="#232129",
        border_color_primary="#E6E3DE",
        border_color_primary_dark="#35323C",
        block_background_fill="#FFFFFF",
        block_background_fill_dark="#1B1A20",
        block_border_width="1px",
        block_label_background_fill="#FFFFFF",
        block_label_background_fill_dark="#1B1A20",
        block_label_text_color="#524E48",
        block_label_text_color_dark="#D0CCC6",
        block_info_text_color="#615C55",
        block_info_text_color_dark="#B4AFA8",
        block_title_text_color="#26242B",
        block_title_text_color_dark="#F1EFEC",
        block_shadow="0 1px 2px rgb(38 36 43 / 0.05)",
        block_shadow_dark="none",
        input_background_fill="#FBFAF8",
        input_background_fill_dark="#232129",
        input_placeholder_color="#6B665F",
        input_placeholder_color_dark="#A9A49D",
        checkbox_border_color="#7D786F",
        checkbox_border_color_dark="#8A8594",
        checkbox_background_color="#FFFFFF",
        checkbox_background_color_dark="#131217",
        button_border_width="1px",
        button_primary_background_fill="#5F23C0",
        button_primary_background_fill_dark="#7434E0",
        button_primary_background_fill_hover="#7434E0",
        button_primary_background_fill_hover_dark="#5F23C0",
        button_primary_text_color="#FFFFFF",
        button_secondary_background_fill="#FFFFFF",
        button_secondary_background_fill_dark="#26242B",
        button_secondary_border_color="#D0CCC6",
        button_secondary_border_color_dark="#47434F",
        button_secondary_background_fill_hover="#F5F0FF",
        button_secondary_background_fill_hover_dark="#322E3B",
        link_text_color="#5F23C0",
        link_text_color_dark="#C3A6FF",
        link_text_color_hover="#4B1B99",
        link_text_color_hover_dark="#DAC8FF",
        slider_color="#7434E0",
        slider_color_dark="#8F56F5",
    )
