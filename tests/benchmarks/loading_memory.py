"""Memory by the number of pictures: ``python -m tests.benchmarks.loading_memory [COUNT ...]``.

Twice for each number, in processes of their own and on small generated pictures, of which a few
hundred may be kept decoded: an epoch of fine-tuning, in which pictures are decoded, augmented and
learned from; and ``training.train`` as a whole, where reading the data and fitting the heads on the
features of all pictures come before. The network is tiny, so that what grows would show.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from moodlens.emotions import EMOTIONS
from tests.support.emotion6_factory import make_emotion6
from tests.support.running_app import REPOSITORY

_EPOCH = """
import sys
from pathlib import Path
import psutil
import torch
from tests.support.memory import peak_memory
from training.data.emotion6 import Emotion6
from training.learning.backbones import pretrained_network
from training.learning.config import load_config
from training.learning.decoding import DecodedPictures
from training.learning.fit import Examples, fine_tune
torch.set_num_threads(1)
pictures = Emotion6.read(Path(sys.argv[1]))
config = load_config(overrides={
    "backbone": "test_efficientnet", "pretrained": "none", "input_size": 32,
    "finetune.epochs": 1, "finetune.precision": "fp32", "finetune.batch_size": 64})
decoded = DecodedPictures(pictures, 120, 10_000_000)
examples = Examples(decoded, pictures.ratings, range(len(pictures)))
fine_tune(pretrained_network(config), examples, config, Path(sys.argv[2]))
print(peak_memory(psutil.Process()))
"""
_WHOLE = """
import sys
from pathlib import Path
import psutil
from tests.support.memory import peak_memory
from training.train import main
out = Path(sys.argv[2])
assert not main([
    "--data", sys.argv[1], "--out", str(out), "--cache", str(out.parent / "cache"),
    "--backbone", "test_efficientnet", "--pretrained", "none", "--set", "input_size=32",
    "--epochs", "1", "--precision", "fp32", "--batch-size", "64", "--threads", "1",
    "--set", "heads.l2=[0.3]", "--set", "heads.affect_l2=[1.0]", "--picture-cache", "10"])
print(peak_memory(psutil.Process()))
"""


def main() -> None:
    """Print one line for each number."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.loading_memory")
    parser.add_argument("counts", type=int, nargs="*", default=[2_000, 20_000], metavar="COUNT")
    print("| pictures | an epoch of fine-tuning | the whole run |\n|---|---|---|")
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as folder:
            data = small_pictures(count, Path(folder) / "data")
            peaks = [
                _peak_of(_EPOCH, data, Path(folder) / "epoch"),
                _peak_of(_WHOLE, data, Path(folder) / "run"),
            ]
        print(f"| {count:,} | {' | '.join(f'{peak / 1e6:.0f} MB' for peak in peaks)} |", flush=True)


def small_pictures(count: int, folder: Path) -> Path:
    """About so many, of which each takes 58 kB decoded; the folder."""
    return make_emotion6(folder, per_keyword=round(count / len(EMOTIONS)), size=(160, 120))


def peak_of_epoch(data: Path, run: Path) -> int:
    """Bytes that a process takes at most in which a tiny network learns for an epoch.

    Args:
        data: in the form of Emotion6, small pictures.
        run: a new folder.
    """
    return _peak_of(_EPOCH, data, run)


def _peak_of(script: str, data: Path, out: Path) -> int:
    command = [sys.executable, "-c", script, str(data), str(out)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
