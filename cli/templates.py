"""templates pull and push: templates kept in git, reviewed as files, sent by the API."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from cli import template_files
from cli.embedded.trouble import Trouble
from cli.running import DataDir
from cli.talking import Key, Url, asked, connect

_WORDS: Final = ("locale", "content", "locales", "schema", "escalation")
_FACTS: Final = ("name", "category", "priority", "digest")
Folder = Annotated[Path, typer.Argument(help="A folder, such as one of a git repository")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    templates = typer.Typer(help="Templates as files", no_args_is_help=True)
    templates.command()(pull)
    templates.command()(push)
    app.add_typer(templates, name="templates")


def pull(folder: Folder, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Write all templates and partials into a folder: their newest words, published or not."""
    with connect(url, key, data_dir) as client:
        partials = list(_listed(client, "/v1/partials"))
        found = _templates(client)
        documents = [_document(_whole(client, one)) for one in found.values()]
    for partial in partials:
        template_files.write_partial(folder, partial)
    for document in documents:
        template_files.write_template(folder, document)
    typer.echo(f"{len(documents)} templates and {len(partials)} partials are in {folder}.")


def push(
    folder: Folder,
    publish: Annotated[bool, typer.Option("--publish", help="Send what is pushed")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what differs")] = False,
    note: Annotated[str | None, typer.Option("--note", help="Why, for the history")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Make the API's templates what the folder says; what is not in the folder stays.

    A template whose words differ gets a new version. Pushing twice changes nothing.
    """
    if not folder.is_dir():
        raise Trouble(f"{folder} is no folder.", "`tocsin templates pull DIR` makes one.")
    partials = template_files.read_partials(folder)
    templates = template_files.read_templates(folder)
    if not partials and not templates:
        raise Trouble(f"{folder} holds no templates.", "Each is a folder with a template.yaml.")
    with connect(url, key, data_dir) as client:
        kept = {one["key"]: one for one in _listed(client, "/v1/partials")}
        for partial in partials:
            _push_partial(client, partial, kept.get(partial.key), dry_run=dry_run, note=note)
        known = _templates(client)
        for request in templates:
            one = _Push(client, request, dry_run=dry_run, publish=publish, note=note)
            one.run(known.get(request.key))


class _Push:
    """One template on its way to the API."""

    def __init__(
        self, client: httpx.Client, request: Any, *, dry_run: bool, publish: bool, note: str | None
    ) -> None:
        self._client, self._dry_run, self._publish = client, dry_run, publish
        self._key, self._note = request.key, note or request.note
        self._wanted = _wanted(request)

    def run(self, summary: Mapping[str, Any] | None) -> None:
        """Bring the template to what is wanted, and say what was done."""
        if summary is None:
            self._ask("POST", "", {**self._wanted, "note": self._note})
            self._say("new")
            self._send(1, None)
            return
        before = _whole(self._client, summary)
        said = self._change_facts(before)
        newest = before["version"]
        if changes := _differences(before, self._wanted):
            said = True
            words = {name: self._wanted[name] for name in _WORDS}
            self._ask("POST", f"/{self._key}/versions", {**words, "note": self._note})
            self._say("changed: " + ", ".join(one["field"] for one in changes), changes)
            newest += 1
        sent = self._send(newest, before["published_version"])
        if not said and not sent:
            typer.echo(f"{self._key}: unchanged")

    def _change_facts(self, before: Mapping[str, Any]) -> bool:
        patch = {name: self._wanted[name] for name in _FACTS if self._wanted[name] != before[name]}
        if patch:
            self._ask("PATCH", f"/{self._key}", patch)
            self._say("changed: " + ", ".join(patch))
        return bool(patch)

    def _send(self, version: int, published: int | None) -> bool:
        if not self._publish or version == published:
            return False
        body = {"version": version, "note": self._note}
        answer = self._ask("POST", f"/{self._key}/publish", body)
        self._say(f"published version {version}")
        for one in answer.get("problems", []):
            typer.echo(f"  {one['severity']}: {one['field']} {one['message']}")
        return True

    def _say(self, what: str, changes: list[dict[str, Any]] | None = None) -> None:
        typer.echo(f"{self._key}: {'would be ' if self._dry_run else ''}{what}")
        for one in changes or () if self._dry_run else ():
            typer.echo(f"--- {one['field']}\n+++ {one['field']}\n{one['diff']}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._dry_run:
            return {}
        try:
            return asked(self._client, method, f"/v1/templates{path}", json=body)
        except Trouble as trouble:
            raise Trouble(f"{self._key}: {trouble.what}", trouble.remedy) from None


def _push_partial(
    client: httpx.Client, partial: Any, kept: Mapping[str, Any] | None, *, dry_run: bool,
    note: str | None,
) -> None:  # fmt: skip
    wanted = {"source": partial.source, "locales": partial.locales}
    if kept is not None and all(kept[name] == value for name, value in wanted.items()):
        typer.echo(f"{partial.key}: unchanged")
        return
    would = "would be " if dry_run else ""
    typer.echo(f"{partial.key}: {would}{'new' if kept is None else 'changed'}")
    if dry_run:
        return
    body = {**wanted, "note": note or partial.note}
    if kept is None:
        asked(client, "POST", "/v1/partials", json={"key": partial.key, **body})
    else:
        asked(client, "PUT", f"/v1/partials/{partial.key}", json=body)


def _wanted(request: Any) -> dict[str, Any]:
    """Return what a file asks for in the words of the API's answers."""
    said = request.model_dump(mode="json", by_alias=True, exclude={"note"})
    given = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        **said,
        "name": request.name or request.key,
        "content": _given(given["content"]),
        "locales": {name: _given(words) for name, words in given["locales"].items()},
    }


def _given(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        channel: {name: value for name, value in fields.items() if value not in ("", [])}
        for channel, fields in content.items()
    }


def _differences(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    # Not at the top: most commands need neither the services nor the database's library.
    from services.template_diffs import compare

    return compare(before, wanted)


def _document(whole: Mapping[str, Any]) -> dict[str, Any]:
    return {name: whole[name] for name in ("key", *_FACTS, *_WORDS)}


def _templates(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """Return summaries by key; raises Trouble where a key sees those of several modules."""
    found: dict[str, dict[str, Any]] = {}
    for one in _listed(client, "/v1/templates"):
        if one["key"] in found:
            raise Trouble(
                f"The API key sees {one['key']} of several modules.", "Use a key of one module."
            )
        found[one["key"]] = one
    return dict(sorted(found.items()))


def _whole(client: httpx.Client, summary: Mapping[str, Any]) -> dict[str, Any]:
    return asked(client, "GET", f"/v1/templates/{summary['id']}")


def _listed(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        params = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = asked(client, "GET", path, params=params)
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
