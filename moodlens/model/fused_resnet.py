"""What ResNets have beside convolutions and norms: activations of their own, and residual sums."""

from __future__ import annotations

from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import Tensor, nn

from moodlens.model.fused_convolution import FusedConvolution


class FusedBlock(nn.Module):
    """A residual block of which each convolution does all that follows it.

    The sum is written over the shortcut. That is the block's input where nothing else makes the
    shortcut, so no one may need this input afterwards; within a stage of a ResNet no one does.

    Args:
        steps: all convolutions but the last, each with its activation.
        last: adds its result to the shortcut and has the block's last activation.
        shortcut: what the block's input goes through before the sum.
    """

    def __init__(
        self, steps: list[FusedConvolution], last: FusedConvolution, shortcut: nn.Module
    ) -> None:
        super().__init__()
        self.steps = nn.Sequential(*steps)
        self.last = last
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.last.added_to(self.shortcut(x), self.steps(x))


def fuse_blocks(backbone: nn.Module) -> None:
    """Fuse activations and residual sums of a ResNet, in place; nothing in other backbones.

    Args:
        backbone: whose convolutions are fused with their norms already.
    """
    if not isinstance(backbone, ResNet):
        return
    stem = backbone.conv1
    if isinstance(stem, FusedConvolution) and stem.activate(backbone.act1):
        backbone.act1 = nn.Identity()
    for name, block in list(backbone.named_modules()):
        fused = _fuse_block(block) if isinstance(block, BasicBlock | Bottleneck) else None
        if fused is not None:
            backbone.set_submodule(name, fused)


def _fuse_block(block: BasicBlock | Bottleneck) -> FusedBlock | None:
    """None for blocks that do more, such as attention or smoothing."""
    count = 3 if isinstance(block, Bottleneck) else 2
    convs = [getattr(block, f"conv{i}") for i in range(1, count + 1)]
    activations = [getattr(block, f"act{i}") for i in range(1, count + 1)]
    more = (block.se, block.drop_path, block.drop_block, block.aa)
    if any(not isinstance(module, (nn.Identity, type(None))) for module in more):
        return None
    if not all(isinstance(conv, FusedConvolution) for conv in convs):
        return None
    if not all(conv.activate(act) for conv, act in zip(convs, activations, strict=True)):
        return None
    *steps, last = convs
    return FusedBlock(steps, last, block.downsample or nn.Identity())
