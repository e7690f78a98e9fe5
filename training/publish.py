"""Publish a checkpoint on the Hugging Face Hub: ``python -m training.publish``.

::

    python -m training.publish --checkpoint DIR --repo owner/name [--revision BRANCH] [--private]
                               [--space owner/name] [--allow-worse] [--dry-run]

One commit takes model.safetensors, config.json, metrics.json, the evaluation's pictures and a model
card to the Hub, all or nothing, and is tagged. A checkpoint goes there only as it was evaluated,
and only if its KL is no worse than that of the weights it replaces, on the same split.

``CHECKPOINT_DIR``, in the environment or in ``.env``, stands in for the option. The token comes
from ``HF_TOKEN`` or from ``hf auth login``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_token,
)
from huggingface_hub.constants import DEFAULT_REVISION
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
)
from rich import box
from rich.console import Console
from rich.table import Table

from moodlens.errors import HubError, MoodLensError, SettingsError
from moodlens.weights.hub import has_listed_hash
from training.judging.metrics import METRICS as FACTS
from training.judging.metrics_document import PICTURES
from training.judging.report import console
from training.learning.config import read_environment
from training.publishing.publication import (
    CARD,
    Candidate,
    Published,
    are_comparable,
    look_up,
    refuse_worse,
)

VARIABLE = "MOODLENS_CHECKPOINT"

logger = logging.getLogger(__name__)

_TOKENS = "https://huggingface.co/settings/tokens"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, check, compare, upload, tag; 0 when all of it went well."""
    args = _parse(arguments)
    try:
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
    with _sentences(repository):
        if not dry_run:
            _check_token(api)
        published = look_up(api, repository, branch)
    if space and not dry_run:
        with _sentences(space):
            api.get_space_variables(space)
    if private and published.commit and not published.private:
        raise SettingsError(f"{repository} is public already; --private only makes new ones so.")
    files = candidate.files(repository)
    stale = [p for p in published.files if p.startswith(f"{PICTURES}/") and p not in files]
    _print_figures(candidate.metrics, published.metrics, out)
    _print_files(files, stale, published, out)
    if not allow_worse:
        refuse_worse(candidate.metrics, published.metrics, repository)
    if dry_run:
        out.print(f"Dry run: nothing was uploaded. The card is in {CARD} in the checkpoint.")
        return 0
    with _sentences(repository):
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


def _print_files(
    files: Mapping[str, Path], stale: Sequence[str], published: Published, out: Console
) -> None:
    table = Table(title="Files", box=box.SIMPLE_HEAD)
    table.add_column("file")
    table.add_column("bytes", justify="right")
    table.add_column("")
    for name, path in files.items():
        listed = published.files.get(name)
        same = listed is not None and has_listed_hash(path, listed)
        state = "new" if listed is None else "unchanged" if same else "changed"
        table.add_row(name, f"{path.stat().st_size:,}", state)
    for name in stale:
        table.add_row(name, "", "removed")
    out.print(table)


def _tag_and_deploy(
    api: HfApi, repository: str, commit: str, space: str | None, out: Console
) -> int:
    """What comes after the commit; a failure here leaves the commit as it is."""
    tag = f"{datetime.now(timezone.utc):%Y-%m-%d}-{commit[:8]}"
    setting = f"{repository}@{commit}"
    problems = 0
    try:
        with _sentences(repository):
            api.create_tag(repository, tag=tag, revision=commit, exist_ok=True)
        out.print(f"Tag: {tag}", highlight=False)
    except HubError as error:
        problems += 1
        out.print(f"The commit is there, but not its tag. {error}")
    if space:
        try:
            with _sentences(space):
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


def _check_token(api: HfApi) -> None:
    """Find out before the upload what a missing or read-only token would spoil after it."""
    if get_token() is None:
        raise HubError("There is no Hugging Face token: set HF_TOKEN, or run `hf auth login`.")
    access = api.whoami().get("auth", {}).get("accessToken", {})
    if access.get("role") == "read":
        raise HubError(
            f"The Hugging Face token may only read; make one that may write at {_TOKENS}."
        )


@contextmanager
def _sentences(repository: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a sentence."""
    try:
        yield
    except MoodLensError:
        raise
    except HFValidationError:
        raise SettingsError(f"{repository!r} is not of the form owner/name.") from None
    except RepositoryNotFoundError:
        sentence = f"The Hub has no {repository}, or hides it from this token."
    except HfHubHTTPError as error:
        sentence = _SENTENCES.get(error.response.status_code, "").format(repository)
        sentence = sentence or f"The Hub answered with error {error.response.status_code}."
    except ValueError as error:
        sentence = f"The Hub refuses the model card: {' '.join(str(error).split())}"
    except Exception as error:  # the client lets through what its HTTP and file libraries raise
        logger.info("the Hub's client failed: %r", error)
        sentence = "The Hub cannot be reached, or the connection to it broke."
    else:
        return
    raise HubError(sentence)


_SENTENCES = {
    401: "The Hub does not accept the Hugging Face token; make a new one at " + _TOKENS + ".",
    403: "The Hugging Face token may not write to {}; check its permissions at " + _TOKENS + ".",
    404: "{} is not there, or has no such branch; weights are published on a branch.",
    412: "{} has changed in the meantime; run this again to compare with what it holds now.",
}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    default = read_environment().get("CHECKPOINT_DIR")
    parser = argparse.ArgumentParser(
        prog="python -m training.publish",
        description="Publish an evaluated checkpoint on the Hugging Face Hub.",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=default,
        required=default is None,
        metavar="DIR",
        help="folder of the checkpoint (or CHECKPOINT_DIR)",
    )
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
