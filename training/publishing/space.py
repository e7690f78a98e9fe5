"""Take the app to a Space: ``python -m training.publish space owner/name``.

::

    python -m training.publish space owner/name [--create] [--private] [--hardware NAME]
                                     [--model owner/name[@revision]] [--set NAME=VALUE ...]
                                     [--dry-run]

One commit makes the Space hold the app's own files and nothing else. A plain git push of them would
be refused: what is binary goes to the Hub outside git, and its client takes care of that.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import HfApi, RepoCard, SpaceHardware
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import SpaceInfo
from rich.console import Console

from moodlens.errors import HubError, SettingsError
from training.publishing.hub_sentences import check_token, hub_sentences
from training.publishing.listing import print_files
from training.publishing.space_files import README, app_files

CHECKPOINT = "MOODLENS_CHECKPOINT"

_ROOT = Path(__file__).parents[2]
_KEPT = ".gitattributes"
"""The Hub's own, which says what it stores outside git."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PAGE = "https://huggingface.co/spaces"


def main(arguments: Sequence[str], *, out: Console) -> int:
    """Parse, show what changes, upload, set variables; 0 when all of it went well."""
    args = _parse(arguments)
    variables = dict(_variable(text) for text in args.set)
    if args.model:
        variables[CHECKPOINT] = args.model
    for name in filter(None, (args.space, args.model)):
        if name.partition("@")[0].count("/") != 1:
            raise SettingsError(f"{name!r} is not of the form owner/name.")
    publish_space(
        args.space,
        variables,
        create=args.create,
        private=args.private,
        hardware=args.hardware,
        dry_run=args.dry_run,
        out=out,
    )
    return 0


def publish_space(
    space: str,
    variables: Mapping[str, str],
    *,
    create: bool,
    private: bool,
    hardware: str | None,
    dry_run: bool,
    out: Console,
    root: Path = _ROOT,
) -> None:
    """Make a Space hold this app.

    Args:
        space: ``owner/name``.
        variables: to set; they are public. That of the checkpoint also links the Space to it.
        create: make the Space if it is missing.
        private: a new Space is visible to its owner only.
        hardware: of a new Space; by default what the Hub gives.
        dry_run: stop before anything is changed.
        out: where to print.
        root: of the repository.

    Raises:
        HubError: the Hub cannot be reached or refuses, or the Space is missing and not to be made.
    """
    api = HfApi()
    with hub_sentences(space), tempfile.TemporaryDirectory() as folder:
        if not dry_run:
            check_token(api)
        found = _find(api, space)
        if found is None and not create:
            raise HubError(f"There is no Space {space}, or it is hidden; --create makes one.")
        staged = _stage(root, Path(folder), space, variables.get(CHECKPOINT, ""))
        listed = {file.rfilename: file for file in (found.siblings or [] if found else [])}
        stale = sorted(set(listed) - set(staged) - {_KEPT})
        print_files(staged, stale, listed, out)
        if dry_run:
            out.print("Dry run: nothing was changed.")
            return
        if found is None:
            api.create_repo(
                space,
                repo_type="space",
                space_sdk="gradio",
                space_hardware=SpaceHardware(hardware) if hardware else None,
                private=private or None,
            )
        commit = api.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=folder,
            commit_message="Publish MoodLens",
            parent_commit=found.sha if found else None,
            delete_patterns="*",
        ).oid
        out.print(f"Commit: {commit}", highlight=False)
        _set_variables(api, space, variables, out)
    out.print(f"The Space builds now: {_PAGE}/{space}", highlight=False)


def _find(api: HfApi, space: str) -> SpaceInfo | None:
    try:
        return api.space_info(space, files_metadata=True)
    except RepositoryNotFoundError:
        return None


def _stage(root: Path, folder: Path, space: str, model: str) -> dict[str, Path]:
    """Copy the app's files into a folder, and fit the README's metadata to the Space."""
    staged = {name: folder / name for name in app_files(root)}
    for name, copy in staged.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, copy)
    card = RepoCard(staged[README].read_text(encoding="utf-8"))
    for key, view in (("thumbnail", "resolve"), ("license_link", "blob")):
        if key in card.data:
            card.data[key] = f"{_PAGE}/{space}/{view}/main/{card.data[key]}"
    if model:
        card.data["models"] = [model.partition("@")[0], *card.data.get("models", [])]
    staged[README].write_text(str(card), encoding="utf-8")
    return staged


def _set_variables(api: HfApi, space: str, variables: Mapping[str, str], out: Console) -> None:
    """Those that are not set so already, since each change restarts the Space."""
    current = {name: known.value for name, known in api.get_space_variables(space).items()}
    for name, value in variables.items():
        if current.get(name) != value:
            api.add_space_variable(space, name, value)
        out.print(f"{name}={value}", highlight=False, soft_wrap=True)


def _variable(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not _VARIABLE.fullmatch(name):
        raise SettingsError(f"--set takes NAME=VALUE, not {text!r}.")
    if re.search("TOKEN|SECRET|SALT|PASSWORD", name, re.IGNORECASE):
        raise SettingsError(f"{name} is a secret, and variables are public; set it on the Hub.")
    return name, value


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.publish space", description="Take the app to a Space."
    )
    parser.add_argument("space", metavar="OWNER/NAME", help="the Space")
    parser.add_argument("--create", action="store_true", help="make the Space if it is missing")
    parser.add_argument(
        "--private", action="store_true", help="a new Space is visible to its owner only"
    )
    parser.add_argument(
        "--hardware",
        choices=[hardware.value for hardware in SpaceHardware],
        metavar="NAME",
        help="of a new Space, such as zero-a10g",
    )
    parser.add_argument(
        "--model",
        metavar="OWNER/NAME[@REVISION]",
        help=f"model repository whose weights answer: {CHECKPOINT} and the Space's link to it",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="variable of the Space, which everyone can see; may be given again",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    return parser.parse_args(arguments)
