"""An evaluation's figures as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from training.judging.metrics import METRICS, PER_EMOTION

_WIDTH_WITHOUT_TERMINAL = 150
_ABSENT = "–"


def console() -> Console:
    """Where tables go: as wide as the terminal, and wide enough for them where there is none."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)


def print_evaluation(document: Mapping[str, Any], out: Console) -> None:
    """Print what metrics.json holds, warnings first.

    Args:
        document: as ``training.evaluate`` writes it.
        out: where to.
    """
    for warning in document["warnings"]:
        out.print(f"[bold red]WARNING[/]: {warning}", highlight=False)
    for table in (
        overall_table(document),
        per_emotion_table(document),
        coverage_table(document),
        worst_table(document),
    ):
        out.print(table)


def overall_table(document: Mapping[str, Any]) -> Table:
    """Every metric beside the baselines and the human ceiling."""
    split = document["split"]
    table = Table(
        title=f"{document['name']} on {split['name']}, {split['size']} pictures",
        caption="in brackets: bootstrap 95 % intervals; the reference is judged on reference_val; "
        "the panels of viewers are simulated",
        box=box.SIMPLE_HEAD,
    )
    columns: dict[str, Mapping[str, Any]] = {
        "uniform": document["baselines"]["uniform"]["metrics"],
        "class prior": document["baselines"]["class_prior"]["metrics"],
        "reference": document["baselines"]["reference"]["metrics"],
    }
    for voters, comparisons in document["human_ceiling"].items():
        for comparison, figures in comparisons.items():
            columns[f"{voters} viewers\nto {comparison.removeprefix('against_')}"] = figures
    table.add_column("metric", no_wrap=True)
    table.add_column("network", style="bold", justify="right", no_wrap=True)
    for title in columns:
        table.add_column(title, justify="right")
    for name, metric in METRICS.items():
        table.add_row(
            metric.heading,
            _with_interval(document["metrics"][name]),
            *(_value(figures.get(name)) for figures in columns.values()),
        )
    return table


def per_emotion_table(document: Mapping[str, Any]) -> Table:
    """Each emotion by itself."""
    table = Table(title="Per emotion", box=box.SIMPLE_HEAD)
    table.add_column("emotion")
    table.add_column("pictures", justify="right")
    for name in PER_EMOTION:
        table.add_column(name, justify="right")
    for emotion, figures in document["per_emotion"].items():
        cells = (_with_interval(figures[name]) for name in PER_EMOTION)
        table.add_row(emotion, str(figures["support"]), *cells)
    return table


def coverage_table(document: Mapping[str, Any]) -> Table:
    """Accuracy when the least certain are set aside."""
    by, certainty = document["coverage"]["by"], document["certainty"]
    caption = "the checkpoint has no certainty yet: ordered by the share of viewers instead"
    if certainty:
        caption = (
            f"certainty: calibration error {certainty['ece']:.3f}, Brier {certainty['brier']:.3f} "
            f"(stating the accuracy alone: {certainty['brier_of_constant']:.3f})"
        )
    table = Table(
        title="Accuracy when the least certain are set aside", caption=caption, box=box.SIMPLE_HEAD
    )
    for title in ("kept", "dominant emotion right", f"{by} from"):
        table.add_column(title, justify="right")
    for row in document["coverage"]["rows"]:
        table.add_row(f"{row['coverage']:.0%}", f"{row['accuracy']:.1%}", f"{row['threshold']:.2f}")
    return table


def worst_table(document: Mapping[str, Any]) -> Table:
    """The pictures that were judged worst, by name."""
    table = Table(title="Worst pictures", box=box.SIMPLE_HEAD)
    for title in ("picture", "KL", "viewers", "predicted"):
        table.add_column(title, justify="right" if title == "KL" else "left")
    for row in document["worst"]:
        table.add_row(
            row["name"], f"{row['kl']:.2f}", _leading(row["viewers"]), _leading(row["predicted"])
        )
    return table


def _leading(shares: Mapping[str, float]) -> str:
    """The two largest shares: ``joy 0.61, surprise 0.20``."""
    first = sorted(shares.items(), key=lambda item: -item[1])[:2]
    return ", ".join(f"{name} {share:.2f}" for name, share in first if share)


def _value(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return _ABSENT
    return f"{figure['value']:.3f}"


def _with_interval(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:  # of a scale that no viewer was asked about
        return _ABSENT
    return f"{figure['value']:.3f} \\[{figure['low']:.3f}, {figure['high']:.3f}]"
