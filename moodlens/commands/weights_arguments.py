"""The arguments that say which weights answer, and what runs them."""

from __future__ import annotations

import argparse


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """Checkpoint, revision, back end and device; the settings count where they are left out."""
    parser.add_argument(
        "--checkpoint",
        help="owner/name, owner/name@revision or a folder; else MOODLENS_CHECKPOINT, else the "
        "bundled one",
    )
    parser.add_argument("--revision", help="a branch, tag or commit id on the Hub")
    parser.add_argument("--backend", help="torch or openvino; else MOODLENS_BACKEND")
    parser.add_argument("--device", help="auto, cpu, cuda or mps; else MOODLENS_DEVICE")
