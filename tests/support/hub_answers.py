"""What the test Hub answers: one method for each thing that huggingface_hub asks for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from tests.support.hub_store import Blob, Commit, Repository

WRITE_TOKEN = "hf_writeTokenOfTheTests"
READ_TOKEN = "hf_readTokenOfTheTests"
USER = "owner"

_KINDS = {None: "models", "model": "models", "dataset": "datasets", "space": "spaces"}
_FRONT_MATTER = re.compile(r"^---\n(.*?)\n---", re.DOTALL)
_LICENSES = {"apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "cc0-1.0", "mit", "other", "unknown"}


@dataclass(slots=True)
class Site:
    """All that the Hub holds, and where it is.

    Attributes:
        url: the endpoint.
        storage_url: where large files are handed out: another host, as far as a client can see.
        repositories: by kind and name.
    """

    url: str = ""
    storage_url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)

    def create(self, kind: str, name: str, *, private: bool = False) -> Repository:
        repository = Repository(kind, name, private=private)
        self.repositories[kind, name] = repository
        return repository


@dataclass(slots=True)
class Answer:
    """What goes back to the client."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any, status: int = 200, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps(data).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8", **named})


class Answers:
    """The answers to one request's token.

    Args:
        site: what there is to tell.
        token: what the request brought along.
    """

    def __init__(self, site: Site, token: str | None) -> None:
        self.site = site
        self.token = token

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        if self.token not in (None, WRITE_TOKEN, READ_TOKEN):
            return error_answer(401, "", "Invalid credentials in Authorization header")
        url = urlsplit(target)
        for routed_method, pattern, handle in _ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and routed_method in (method, "GET" if method == "HEAD" else ""):
                parts = {name: unquote(part or "") for name, part in match.groupdict().items()}
                call = Call(parts, parse_qs(url.query), headers, body)
                try:
                    return handle(self, call)
                except _RefusalError as refusal:
                    return refusal.answer
        return error_answer(404, "", f"The test Hub has no {method} {url.path}")

    # Accounts

    def whoami(self, _: Call) -> Answer:
        if self.token is None:
            return error_answer(401, "", "Invalid username or password.")
        role = "write" if self.token == WRITE_TOKEN else "read"
        return Answer.of(
            {
                "type": "user",
                "id": "0" * 24,
                "name": USER,
                "fullname": "The owner",
                "orgs": [],
                "auth": {
                    "type": "access_token",
                    "accessToken": {"displayName": "tests", "role": role},
                },
            }
        )

    def validate_yaml(self, call: Call) -> Answer:
        """Check a card's metadata about as strictly as the Hub does."""
        errors = _metadata_errors(json.loads(call.body)["content"])
        data = {"errors": [{"message": message} for message in errors], "warnings": []}
        return Answer.of(data, 400 if errors else 200)

    # Repositories

    def create(self, call: Call) -> Answer:
        data = json.loads(call.body)
        kind = _KINDS[data.get("type")]
        owner = data.get("organization") or USER
        self._require_write(owner)
        name = f"{owner}/{data['name']}"
        url = self._web_url(kind, name)
        if (kind, name) in self.site.repositories:
            return Answer.of({"error": "You already created this repo", "url": url}, 409)
        private = data.get("visibility") == "private" or data.get("private") is True
        repository = self.site.create(kind, name, private=private)
        for variable in data.get("variables") or []:
            repository.variables[variable["key"]] = {"value": variable["value"]}
        return Answer.of({"url": url, "name": name})

    def delete(self, call: Call) -> Answer:
        data = json.loads(call.body)
        owner = data.get("organization") or USER
        self._require_write(owner)
        name = f"{owner}/{data['name']}"
        if self.site.repositories.pop((_KINDS[data.get("type")], name), None) is None:
            return error_answer(404, "RepoNotFound", "Repository not found")
        return Answer.of({})

    def auth_check(self, call: Call) -> Answer:
        repository = self._repository(call)
        if call.parts["write"]:
            self._require_write(repository.name.split("/")[0])
        return Answer.of({})

    def info(self, call: Call) -> Answer:
        repository = self._repository(call)
        commit = self._commit(repository, call.parts.get("revision") or "main")
        siblings: list[dict[str, Any]] = []
        for path, blob in sorted(commit.files.items()):
            sibling: dict[str, Any] = {"rfilename": path}
            if "blobs" in call.query:
                sibling |= {"size": blob.size, "blobId": blob.oid, **_large_info(blob, "sha256")}
            siblings.append(sibling)
        data = {
            "_id": "0" * 24,
            "id": repository.name,
            "author": repository.name.split("/")[0],
            "sha": commit.sha,
            "lastModified": _date(commit),
            "createdAt": _date(repository.history("main")[-1]),
            "private": repository.private,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "cardData": _card_data(commit),
            "siblings": siblings,
        }
        if repository.kind == "spaces":
            data |= {"sdk": "gradio", "runtime": _runtime(repository)}
        return Answer.of(data)

    def refs(self, call: Call) -> Answer:
        repository = self._repository(call)
        return Answer.of(
            {
                "branches": _refs("refs/heads", repository.branches),
                "tags": _refs("refs/tags", repository.tags),
                "converts": [],
            }
        )

    def commits(self, call: Call) -> Answer:
        repository = self._repository(call)
        revision = self._commit(repository, call.parts["revision"]).sha
        return Answer.of(
            [
                {
                    "id": commit.sha,
                    "title": commit.title,
                    "message": commit.message,
                    "authors": [{"user": USER}],
                    "date": _date(commit),
                }
                for commit in repository.history(revision)
            ]
        )

    def tree(self, call: Call) -> Answer:
        repository = self._repository(call)
        commit = self._commit(repository, call.parts["revision"])
        recursive = call.query.get("recursive", ["false"])[0].lower() == "true"
        under = f"{call.parts['folder']}/" if call.parts["folder"] else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, blob in sorted(commit.files.items()):
            if not path.startswith(under):
                continue
            folders = path.removeprefix(under).split("/")[:-1]
            for depth in range(1, len(folders) + 1):
                folder = under + "/".join(folders[:depth])
                if recursive or depth == 1:
                    entries[folder] = {
                        "type": "directory",
                        "oid": commit.sha,
                        "size": 0,
                        "path": folder,
                    }
            if recursive or not folders:
                entries[path] = _file_entry(path, blob)
        if under and not entries:
            return error_answer(404, "EntryNotFound", f"{under} does not exist on this revision")
        return Answer.of(list(entries.values()))

    def paths_info(self, call: Call) -> Answer:
        commit = self._commit(self._repository(call), call.parts["revision"])
        paths = parse_qs(call.body.decode()).get("paths", [])
        return Answer.of(
            [_file_entry(path, commit.files[path]) for path in paths if path in commit.files]
        )

    def create_branch(self, call: Call) -> Answer:
        repository = self._writable(call)
        if call.parts["branch"] in repository.branches:
            return error_answer(409, "", "Reference already exists")
        start = json.loads(call.body or b"{}").get("startingPoint", "main")
        repository.branches[call.parts["branch"]] = self._commit(repository, start).sha
        return Answer.of({})

    def delete_branch(self, call: Call) -> Answer:
        repository = self._writable(call)
        if repository.branches.pop(call.parts["branch"], None) is None:
            return error_answer(404, "RevisionNotFound", "Invalid rev id")
        return Answer.of({})

    def create_tag(self, call: Call) -> Answer:
        repository = self._writable(call)
        tag = json.loads(call.body)["tag"]
        if tag in repository.tags:
            return error_answer(409, "", "Tag reference exists already")
        repository.tags[tag] = self._commit(repository, call.parts["revision"]).sha
        return Answer.of({})

    def delete_tag(self, call: Call) -> Answer:
        repository = self._writable(call)
        if repository.tags.pop(call.parts["revision"], None) is None:
            return error_answer(404, "RevisionNotFound", "Invalid rev id")
        return Answer.of({})

    # Uploads

    def preupload(self, call: Call) -> Answer:
        repository = self._writable(call)
        commit = self._commit(repository, call.parts["revision"])
        files = []
        for file in json.loads(call.body)["files"]:
            path, size = file["path"], file["size"]
            large = repository.stores_large(path, size)
            known = commit.files.get(path)
            files.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": known.etag if known else None,
                }
            )
        return Answer.of({"files": files, "commitOid": commit.sha})

    def large_file_batch(self, call: Call) -> Answer:
        repository = self._writable(call)
        objects = []
        for wanted in json.loads(call.body)["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in repository.large_objects:
                upload = f"{self.site.storage_url}/{repository.kind}/{repository.name}"
                verify = f"{self.site.url}/api/{repository.kind}/{repository.name}/lfs-verify"
                entry["actions"] = {
                    "upload": {"href": f"{upload}/{wanted['oid']}"},
                    "verify": {"href": verify},
                }
            objects.append(entry)
        return Answer.of({"transfer": "basic", "objects": objects})

    def put_large_object(self, call: Call) -> Answer:
        """The address is secret and signed on the real Hub, so it takes no token."""
        repository = self.site.repositories[call.parts["kind"], call.parts["name"]]
        if Blob(call.body).sha256 != call.parts["oid"]:
            return error_answer(400, "", "The SHA-256 you specified did not match what we received")
        repository.large_objects[call.parts["oid"]] = call.body
        return Answer(200, headers={"ETag": f'"{call.parts["oid"]}"'})

    def get_large_object(self, call: Call) -> Answer:
        repository = self.site.repositories[call.parts["kind"], call.parts["name"]]
        content = repository.large_objects[call.parts["oid"]]
        return _ranged(content, call.headers, {"ETag": f'"{call.parts["oid"]}"'})

    def verify_large_object(self, call: Call) -> Answer:
        repository = self._writable(call)
        wanted = json.loads(call.body)
        stored = repository.large_objects.get(wanted["oid"])
        if stored is None or len(stored) != wanted["size"]:
            return error_answer(400, "", "The object was not uploaded")
        return Answer.of({})

    def commit(self, call: Call) -> Answer:
        """All of a commit's operations, or none."""
        repository = self._writable(call)
        branch = call.parts["revision"]
        if branch not in repository.branches:
            return error_answer(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        head = repository.commits[repository.branches[branch]]
        header, *operations = [json.loads(line) for line in call.body.splitlines() if line]
        wanted_parent = header["value"].get("parentCommit")
        if wanted_parent and not head.sha.startswith(wanted_parent):
            return error_answer(
                412, "", "A commit has happened since. Please refresh and try again."
            )
        files = dict(head.files)
        for operation in operations:
            _apply(operation, files, repository)
        commit = repository.commit(
            branch,
            files,
            title=header["value"]["summary"],
            message=header["value"].get("description", ""),
        )
        url = f"{self._web_url(repository.kind, repository.name)}/commit/{commit.sha}"
        return Answer.of(
            {"success": True, "commitOid": commit.sha, "commitUrl": url, "hookOutput": ""}
        )

    # Downloads

    def resolve(self, call: Call) -> Answer:
        repository = self._repository(call)
        commit = self._commit(repository, call.parts["revision"])
        headers = {"X-Repo-Commit": commit.sha}
        blob = commit.files.get(call.parts["path"])
        if blob is None:
            answer = error_answer(404, "EntryNotFound", "Entry not found")
            answer.headers |= headers
            return answer
        if blob.is_large:
            where = f"{self.site.storage_url}/{repository.kind}/{repository.name}/{blob.sha256}"
            headers |= {
                "Location": where,
                "X-Linked-Etag": f'"{blob.sha256}"',
                "X-Linked-Size": str(blob.size),
            }
            return Answer(302, headers=headers)
        return _ranged(blob.content, call.headers, {**headers, "ETag": f'"{blob.oid}"'})

    # Spaces

    def variables(self, call: Call) -> Answer:
        return Answer.of(self._writable(call).variables)

    def add_variable(self, call: Call) -> Answer:
        repository = self._writable(call)
        data = json.loads(call.body)
        variable = {key: data[key] for key in ("value", "description") if key in data}
        repository.variables[data["key"]] = variable
        repository.restarts += 1
        return Answer.of(repository.variables)

    def delete_variable(self, call: Call) -> Answer:
        repository = self._writable(call)
        repository.variables.pop(json.loads(call.body)["key"], None)
        return Answer.of(repository.variables)

    def restart(self, call: Call) -> Answer:
        repository = self._writable(call)
        repository.restarts += 1
        return Answer.of({**_runtime(repository), "stage": "RUNNING_BUILDING"})

    def runtime(self, call: Call) -> Answer:
        return Answer.of(_runtime(self._repository(call)))

    # What many of them need

    def _repository(self, call: Call) -> Repository:
        kind = (call.parts.get("kind") or "models").rstrip("/")
        repository = self.site.repositories.get((kind, call.parts["name"]))
        if repository is None or (repository.private and self.token is None):
            if self.token is None:  # the Hub does not tell strangers what exists
                raise _RefusalError(error_answer(401, "", "Invalid username or password."))
            raise _RefusalError(error_answer(404, "RepoNotFound", "Repository not found"))
        return repository

    def _commit(self, repository: Repository, revision: str) -> Commit:
        commit = repository.find(revision)
        if commit is None:
            raise _RefusalError(
                error_answer(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            )
        return commit

    def _writable(self, call: Call) -> Repository:
        repository = self._repository(call)
        self._require_write(repository.name.split("/")[0])
        return repository

    def _require_write(self, owner: str) -> None:
        if self.token is None:
            raise _RefusalError(error_answer(401, "", "Invalid username or password."))
        if self.token != WRITE_TOKEN:
            message = "Forbidden: you must use a write token to upload to a repository."
            raise _RefusalError(error_answer(403, "", message))
        if owner != USER:
            message = f'You don\'t have the rights to write under the namespace "{owner}"'
            raise _RefusalError(error_answer(403, "", message))

    def _web_url(self, kind: str, name: str) -> str:
        return f"{self.site.url}/{'' if kind == 'models' else kind + '/'}{name}"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, taken apart by its route."""

    parts: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Message
    body: bytes


class _RefusalError(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _routes() -> Iterator[tuple[str, str, Callable[[Answers, Call], Answer]]]:
    repo = r"/api/(?P<kind>models|datasets|spaces)/(?P<name>[^/]+/[^/]+)"
    at = r"(?P<revision>[^/]+)"
    stored = r"/storage/(?P<kind>[^/]+)/(?P<name>[^/]+/[^/]+)/(?P<oid>[0-9a-f]{64})"
    yield "GET", r"/api/whoami-v2", Answers.whoami
    yield "POST", r"/api/validate-yaml", Answers.validate_yaml
    yield "POST", r"/api/repos/create", Answers.create
    yield "DELETE", r"/api/repos/delete", Answers.delete
    yield "GET", rf"{repo}/auth-check(?P<write>/write)?", Answers.auth_check
    yield "GET", repo, Answers.info
    yield "GET", rf"{repo}/revision/{at}", Answers.info
    yield "GET", rf"{repo}/refs", Answers.refs
    yield "GET", rf"{repo}/commits/{at}", Answers.commits
    yield "GET", rf"{repo}/tree/{at}(?:/(?P<folder>.+))?", Answers.tree
    yield "POST", rf"{repo}/paths-info/{at}", Answers.paths_info
    yield "POST", rf"{repo}/branch/(?P<branch>[^/]+)", Answers.create_branch
    yield "DELETE", rf"{repo}/branch/(?P<branch>[^/]+)", Answers.delete_branch
    yield "POST", rf"{repo}/tag/{at}", Answers.create_tag
    yield "DELETE", rf"{repo}/tag/{at}", Answers.delete_tag
    yield "POST", rf"{repo}/preupload/{at}", Answers.preupload
    yield "POST", rf"{repo}/commit/{at}", Answers.commit
    yield "POST", rf"{repo}/lfs-verify", Answers.verify_large_object
    yield "GET", rf"{repo}/variables", Answers.variables
    yield "POST", rf"{repo}/variables", Answers.add_variable
    yield "DELETE", rf"{repo}/variables", Answers.delete_variable
    yield "POST", rf"{repo}/restart", Answers.restart
    yield "GET", rf"{repo}/runtime", Answers.runtime
    yield "PUT", stored, Answers.put_large_object
    yield "GET", stored, Answers.get_large_object
    web = r"/(?P<kind>datasets/|spaces/)?(?P<name>[^/]+/[^/]+)"
    yield "POST", rf"{web}\.git/info/lfs/objects/batch", Answers.large_file_batch
    yield "GET", rf"{web}/resolve/{at}/(?P<path>.+)", Answers.resolve


_ROUTES = tuple(_routes())


def _apply(operation: Mapping[str, Any], files: dict[str, Blob], repository: Repository) -> None:
    value = operation["value"]
    path = value["path"]
    match operation["key"]:
        case "file":
            content = base64.b64decode(value["content"], validate=True)
            if repository.stores_large(path, len(content)) and content:
                message = f"Your file {path} must be uploaded through large file storage"
                raise _RefusalError(error_answer(400, "", message))
            files[path] = Blob(content)
        case "lfsFile":
            if value["oid"] not in repository.large_objects:
                raise _RefusalError(
                    error_answer(400, "", f"LFS pointer of {path} refers to no object")
                )
            files[path] = Blob(repository.large_objects[value["oid"]], is_large=True)
        case "deletedFile":
            if files.pop(path, None) is None:
                message = "A file with this name doesn't exist"
                raise _RefusalError(error_answer(404, "EntryNotFound", message))
        case "deletedFolder":
            for inside in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
                del files[inside]
        case key:
            raise _RefusalError(error_answer(400, "", f"Unknown operation {key}"))


def _ranged(content: bytes, headers: Message, extra: dict[str, str]) -> Answer:
    """The whole body, or the part that a Range header asks for."""
    extra = {"Accept-Ranges": "bytes", **extra}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range") or "")
    if not asked:
        return Answer(200, content, extra)
    first = int(asked[1])
    last = min(int(asked[2]), len(content) - 1) if asked[2] else len(content) - 1
    if first >= len(content):
        return Answer(416, headers={"Content-Range": f"bytes */{len(content)}"})
    where = f"bytes {first}-{last}/{len(content)}"
    return Answer(206, content[first : last + 1], {**extra, "Content-Range": where})


def error_answer(status: int, code: str, message: str) -> Answer:
    answer = Answer.of({"error": message}, status, X_Error_Message=message)
    if code:
        answer.headers["X-Error-Code"] = code
    return answer


def _file_entry(path: str, blob: Blob) -> dict[str, Any]:
    return {
        "type": "file",
        "oid": blob.oid,
        "size": blob.size,
        "path": path,
        **_large_info(blob, "oid"),
    }


def _large_info(blob: Blob, hash_key: str) -> dict[str, Any]:
    if not blob.is_large:
        return {}
    return {
        "lfs": {hash_key: blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)},
    }


def _refs(prefix: str, names: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": f"{prefix}/{name}", "targetCommit": sha}
        for name, sha in names.items()
    ]


def _runtime(repository: Repository) -> dict[str, Any]:
    hardware = {"current": "cpu-basic", "requested": "cpu-basic"}
    return {"stage": "RUNNING", "hardware": hardware, "storage": None, "gcTimeout": 172800}


def _date(commit: Commit) -> str:
    return commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _card_data(commit: Commit) -> dict[str, Any] | None:
    card = commit.files.get("README.md")
    match = _FRONT_MATTER.match(card.content.decode("utf-8", "replace")) if card else None
    data = yaml.safe_load(match[1]) if match else None
    return data if isinstance(data, dict) else None


def _metadata_errors(card: str) -> list[str]:
    match = _FRONT_MATTER.match(card)
    if not match:
        return []
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"Failed to parse the YAML metadata: {error}"]
    if not isinstance(data, dict):
        return ["The metadata must be a mapping"]
    errors = []
    if data.get("license", "mit") not in _LICENSES:
        errors.append('"license" must be one of the licenses that the Hub knows')
    for name in ("tags", "datasets", "metrics", "language"):
        values = data.get(name, [])
        if not isinstance(values, str | list) or any(not isinstance(v, str) for v in values):
            errors.append(f'"{name}" must be a list of strings')
    for index, model in enumerate(data.get("model-index") or []):
        for result in model.get("results", [{}]):
            metrics = result.get("metrics") or [{}]
            if not result.get("task", {}).get("type") or not result.get("dataset", {}).get("type"):
                errors.append(
                    f'"model-index[{index}].results" needs a task type and a dataset type'
                )
            if any("type" not in metric or "value" not in metric for metric in metrics):
                errors.append(f'"model-index[{index}].results.metrics" need a type and a value')
    return errors
