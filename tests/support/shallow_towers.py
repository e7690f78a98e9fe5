"""The large towers of the recipes at a depth of one block, under names of their own in timm.

What is particular about them (patches, width, norms, pooling, preprocessing) is that of the real
ones; their weights are random.
"""

from __future__ import annotations

from typing import Any

import timm
from timm.models import generate_default_cfgs, register_model

SHALLOW = {
    "clip": "shallow_clip",
    "clip-tuned": "shallow_clip",
    "siglip": "shallow_siglip",
    "siglip-tuned": "shallow_siglip",
}
"""By recipe."""

default_cfgs = generate_default_cfgs(
    {
        "shallow_clip.random": timm.get_pretrained_cfg(
            "vit_large_patch14_clip_224.openai"
        ).to_dict(),
        "shallow_siglip.random": timm.get_pretrained_cfg(
            "vit_large_patch16_siglip_256.webli"
        ).to_dict(),
    }
)


@register_model
def shallow_clip(pretrained: bool = False, **more: Any) -> Any:
    """CLIP's image tower ViT-L/14, one block deep."""
    return timm.create_model("vit_large_patch14_clip_224", pretrained=False, depth=1, **more)


@register_model
def shallow_siglip(pretrained: bool = False, **more: Any) -> Any:
    """SigLIP's image tower ViT-L/16, one block deep."""
    return timm.create_model("vit_large_patch16_siglip_256", pretrained=False, depth=1, **more)
