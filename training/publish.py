"""Publish a checkpoint, or the app, on the Hugging Face Hub: ``python -m training.publish``.

::

    python -m training.publish --checkpoint DIR --repo owner/name [--revision BRANCH] [--private]
                               [--space owner/name] [--allow-worse] [--dry-run]
    python -m training.publish space owner/name     # the app; see training.publishing.space

One commit takes model.safetensors, config.json, metrics.json, the evaluation's pictures and a model
card to the Hub, all or nothing, and is tagged. A checkpoint goes there only as it was evaluated,
and only if its KL is no worse than that of the weights it replaces, on the same split.

``CHECKPOINT_DIR``, in the environment or in ``.env``, stands in for the option. The token comes
from ``HF_TOKEN`` or from ``hf auth login``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
)
from huggingface_hub.constants import DEFAULT_REVISION
from rich import box
from rich.console import Console
from rich.table import Table

from moodlens.errors import HubError, MoodLensError, SettingsError
from training.judging.metrics import METRICS as FACTS
from training.judging.metrics_document import PICTURES
from training.judging.report import console
from training.options import add_checkpoint_option
from training.publishing import space as to_space
from training.publishing.hub_sentences import check_token, hub_sentences
from training.publishing.listing import print_files
from training.publishing.publication import (
    CARD,
    Candidate,
    are_comparable,
    look_up,
    refuse_worse,
)

VARIABLE = "MOODLENS_CHECKPOINT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, check, compare, upload, tag; 0 when all of it went well."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if arguments[:1] == ["space"]:
            return to_space.main(arguments[1:], out=console())
        args = _parse(arguments)
        return publish(
            args.checkpoint,
            args.repo,
            branch=args.revision,
            private=args.private,
            space=args.space,
            allow_worse=args.allow_worse,
            dry_run=args.dry_run,
            out=console(),
        )
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def publish(
    folder: Path,
    repository: str,
    *,
    branch: str,
    private: bool,
    space: str | None,
    allow_worse: bool,
    dry_run: bool,
    out: Console,
) -> int:
    """Take a checkpoint to the Hub.

    Args:
        folder: the checkpoint.
        repository: ``owner/name``; made if it is missing.
        branch: made from ``main`` if it is missing.
        private: a new repository is visible to its owner only.
        space: whose variable is to name the new commit.
        allow_worse: go on even if the weights that are replaced have a lower KL.
        dry_run: stop before anything is changed.
        out: where to print.

    Returns:
        0, or 1 where the weights are published but the tag or the Space is not as asked for.

    Raises:
        CheckpointError: unusable, not evaluated as it is, or worse than what it would replace.
        HubError: the Hub cannot be reached or refuses; nothing was committed.
        SettingsError: no name on the Hub, or a public repository where a private one is wanted.
    """
    for name in filter(None, (repository, space)):
        if name.count("/") != 1:
            raise SettingsError(f"{name!r} is not of the form owner/name.")
    candidate = Candidate.read(folder)
    api = HfApi()
    with hub_sentences(repository):
        if not dry_run:
            check_token(api)
        published = look_up(api, repository, branch)
    if space and not dry_run:
        with hub_sentences(space):
            api.get_space_variables(space)
    if private and published.commit and not published.private:
        raise SettingsError(f"{repository} is public already; --private only makes new ones so.")
    files = candidate.files(repository)
    stale = [p for p in published.files if p.startswith(f"{PICTURES}/") and p not in files]
    _print_figures(candidate.metrics, published.metrics, out)
    print_files(files, stale, published.files, out)
    if not allow_worse:
        refuse_worse(candidate.metrics, published.metrics, repository)
    if dry_run:
        out.print(f"Dry run: nothing was uploaded. The card is in {CARD} in the checkpoint.")
        return 0
    with hub_sentences(repository):
        if published.commit is None:
            api.create_repo(repository, private=private or None)
        if branch != DEFAULT_REVISION and not published.has_branch:
            api.create_branch(repository, branch=branch)
        commit = api.create_commit(
            repository,
            [
                *(CommitOperationAdd(name, path) for name, path in files.items()),
                *(CommitOperationDelete(name) for name in stale),
            ],
            commit_message=f"Publish {candidate.metrics['name']}",
            revision=branch,
            parent_commit=published.commit,
        ).oid
    if commit == published.commit:
        out.print("The repository holds exactly this already.")
    setting = f"{repository}@{commit}"
    out.print(f"Commit: {commit}", f"{VARIABLE}={setting}", sep="\n", soft_wrap=True)
    return _tag_and_deploy(api, repository, commit, space, out)


def _print_figures(new: Mapping[str, Any], old: Mapping[str, Any] | None, out: Console) -> None:
    for warning in new["warnings"]:
        out.print(f"[bold red]WARNING[/]: {warning}", highlight=False)
    split = new["split"]
    comparable = old is not None and are_comparable(new, old)
    if old is not None and not comparable:
        other = old["split"]
        out.print(
            f"The repository's figures are those of {other['size']} pictures of {other['name']}: "
            "not to be compared with these."
        )
    title = f"{new['name']} on {split['name']}, {split['size']} pictures"
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("metric")
    for title in ("on the Hub", "new", "change"):
        table.add_column(title, justify="right")
    for name, metric in FACTS.items():
        value = new["metrics"][name]["value"]
        if value is None:  # a scale that no viewer was asked about
            continue
        before = old["metrics"][name]["value"] if old is not None and comparable else None
        change = "" if before is None else f"{value - before:+.4f}"
        worse = before not in (None, value) and (value < before) == metric.higher_is_better
        table.add_row(
            metric.heading,
            "" if before is None else f"{before:.4f}",
            f"{value:.4f}",
            f"[red]{change}[/]" if worse else change,
        )
    out.print(table)


def _tag_and_deploy(
    api: HfApi, repository: str, commit: str, space: str | None, out: Console
) -> int:
    """What comes after the commit; a failure here leaves the commit as it is."""
    tag = f"{datetime.now(timezone.utc):%Y-%m-%d}-{commit[:8]}"
    setting = f"{repository}@{commit}"
    problems = 0
    try:
        with hub_sentences(repository):
            api.create_tag(repository, tag=tag, revision=commit, exist_ok=True)
        out.print(f"Tag: {tag}", highlight=False)
    except HubError as error:
        problems += 1
        out.print(f"The commit is there, but not its tag. {error}")
    if space:
        try:
            with hub_sentences(space):
                current = api.get_space_variables(space).get(VARIABLE)
                if current and current.value == setting:
                    api.restart_space(space)
                else:
                    api.add_space_variable(space, VARIABLE, setting)
            out.print(f"The Space {space} restarts with these weights.", highlight=False)
        except HubError as error:
            problems += 1
            out.print(f"The commit is there, but the Space {space} was not told. {error}")
    return 1 if problems else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.publish",
        description="Publish an evaluated checkpoint on the Hugging Face Hub.",
    )
    add_checkpoint_option(parser)
    parser.add_argument(
        "--repo", required=True, metavar="OWNER/NAME", help="model repository, made if missing"
    )
    parser.add_argument(
        "--revision", default=DEFAULT_REVISION, metavar="BRANCH", help="branch, made if missing"
    )
    parser.add_argument(
        "--private", action="store_true", help="a new repository is visible to its owner only"
    )
    parser.add_argument(
        "--space",
        metavar="OWNER/NAME",
        help=f"Space whose {VARIABLE} is set to the new commit",
    )
    parser.add_argument(
        "--allow-worse", action="store_true", help="publish even if the KL is worse than now"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
