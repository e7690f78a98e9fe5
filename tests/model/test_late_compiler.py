"""The app starts without PyTorch's compiler, and those who need it still find it."""

import subprocess
import sys

from tests.support.running_app import REPOSITORY


def run(program: str) -> str:
    """What a fresh interpreter prints; modules that other tests imported are not there."""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_neither_loading_nor_answering_imports_the_compiler() -> None:
    program = """
import sys
from moodlens.model.probe import probe_picture
from moodlens.weights.pretrained import from_pretrained
prediction = from_pretrained().predict([probe_picture()])[0]
print(round(sum(prediction.distribution.values()), 6), [
    name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules
])
"""
    assert run(program) == "1.0 []"


def test_the_compiler_is_there_for_those_who_ask() -> None:
    program = """
import torch
import moodlens.model.network
from timm.models.naflexvit import NaFlexRopeIterator
from torchvision.ops import roi_align

boxes = torch.tensor([[0.0, 0, 0, 4, 4]])
print(tuple(roi_align(torch.ones(1, 3, 8, 8), boxes, 2).shape), end=" ")

import torch._dynamo
print(torch._dynamo.is_compiling(), torch._dynamo.utils.is_compile_supported("meta"), end=" ")
print(torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(1)).item())
"""
    assert run(program) == "(1, 3, 2, 2) False False 1.0"


def test_what_was_marked_while_the_compiler_was_away_is_left_alone_by_it() -> None:
    program = """
import torch
from moodlens.model.late_compiler import compiler_imported_late

with compiler_imported_late():
    @torch.compiler.disable
    def inside() -> bool:
        return torch.compiler.is_compiling()

    assert inside.__name__ == "inside"

def outside(x):
    return x + 1, inside()

result, compiling = torch.compile(outside, backend="eager")(torch.zeros(1))
print(result.item(), compiling)
"""
    assert run(program) == "1.0 False"


def test_a_compiler_that_is_there_already_stays() -> None:
    program = """
import torch._dynamo as before
from moodlens.model.late_compiler import compiler_imported_late

with compiler_imported_late():
    import torch._dynamo as within
print(before is within)
"""
    assert run(program) == "True"
