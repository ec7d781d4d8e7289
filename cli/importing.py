"""import: profiles by the file, with progress."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import httpx
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from cli.embedded.trouble import Trouble
from cli.running import DataDir
from cli.talking import Key, Url, asked, connect, content_of

_KINDS = {
    ".csv": "text/csv", ".tsv": "text/csv", ".txt": "text/csv", ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}  # fmt: skip
_PIECE = 262_144


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_profiles)


def import_profiles(
    file: Annotated[Path, typer.Argument(help="NDJSON (.ndjson, .jsonl) or CSV (.csv, .tsv)")],
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Where refused rows go, with their reasons")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Import profiles from a file; exit code 1 when rows were refused."""
    kind = _KINDS.get(file.suffix.lower())
    if kind is None:
        raise Trouble(f"{file.name} does not say what it is.", f"Name it {', '.join(_KINDS)}.")
    console = Console(stderr=True, highlight=False)
    shown = Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with connect(url, key, data_dir) as client, shown as progress:
        made = _upload(client, file, kind, progress)
        done = _follow(client, made, progress)
        if rejected is not None and done["rejected"]:
            _keep_rejected(client, done["id"], rejected)
    if done["state"] != "finished":
        raise Trouble(f"The import {done['id']} {done['state']}: {done['detail']}.")
    typer.echo(
        f"{done['id']}: {done['created']:,} created, {done['updated']:,} updated,"
        f" {done['unchanged']:,} unchanged, {done['rejected']:,} refused"
    )
    if done["rejected"]:
        where = rejected or "--rejected FILE"
        typer.echo(f"Why: {where}, or GET /v1/imports/{done['id']}/rejected", err=True)
        raise typer.Exit(1)


def _upload(client: httpx.Client, file: Path, kind: str, progress: Progress) -> dict[str, Any]:
    try:
        opened = file.open("rb")
    except OSError as error:
        raise Trouble(f"{file} cannot be read: {error.strerror}.") from None
    with opened:
        task = progress.add_task("uploading", total=file.stat().st_size)

        def pieces(source: BinaryIO) -> Iterator[bytes]:
            while piece := source.read(_PIECE):
                yield piece
                progress.advance(task, len(piece))

        return asked(
            client,
            "POST",
            "/v1/profiles/import",
            content=pieces(opened),
            headers={"Content-Type": kind},
            timeout=httpx.Timeout(60, read=600),
        )


def _follow(client: httpx.Client, made: dict[str, Any], progress: Progress) -> dict[str, Any]:
    task = progress.add_task("importing", total=made["rows"])
    while made["finished_at"] is None:
        time.sleep(0.3)
        made = asked(client, "GET", f"/v1/imports/{made['id']}")
        progress.update(task, completed=made["imported"] + made["rejected"])
    return made


def _keep_rejected(client: httpx.Client, id: str, path: Path) -> None:
    with client.stream("GET", f"/v1/imports/{id}/rejected", timeout=60) as answer:
        if answer.is_error:
            answer.read()
            raise Trouble(f"The API refused: {content_of(answer).get('detail')}")
        with path.open("wb") as kept:
            for piece in answer.iter_bytes():
                kept.write(piece)
