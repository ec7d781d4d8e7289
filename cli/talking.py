"""send and tail: the API from a terminal."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from cli.embedded.data_folder import default_folder
from cli.embedded.trouble import Trouble
from cli.running import DataDir, settings_from

_FINAL = (
    "sent", "delivered", "read", "suppressed", "failed", "expired", "cancelled", "unknown",
)  # fmt: skip
COLOURS = {
    "accepted": "grey62", "scheduled": "grey62", "held": "grey62", "sending": "blue",
    "sent": "cyan", "delivered": "green", "read": "green", "suppressed": "magenta",
    "expired": "bright_black", "cancelled": "bright_black", "unknown": "yellow", "failed": "red",
}  # fmt: skip
Url = Annotated[str | None, typer.Option("--url", envvar="TOCSIN_URL", help="Where the API is")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="TOCSIN_API_KEY", help="An API key", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(send)
    app.command()(tail)


def send(
    text: Annotated[str, typer.Option("--text", help="What to say")],
    email: Annotated[str | None, typer.Option("--email", help="An e-mail address")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="A phone number, for SMS")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="A profile's id")] = None,
    subject: Annotated[str, typer.Option("--subject", help="Of the e-mail")] = "Notice",
    category: Annotated[str | None, typer.Option("--category")] = None,
    priority: Annotated[str | None, typer.Option("--priority")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is finished")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Send one notification and print its id."""
    content: dict[str, Any] = {}
    if email or profile:
        content["email"] = {"subject": subject, "text": text}
    if phone or profile:
        content["sms"] = {"text": text}
    recipient: Any = profile or {k: v for k, v in (("email", email), ("phone", phone)) if v}
    body = {
        "recipient": recipient, "content": content, "category": category, "priority": priority,
    }  # fmt: skip
    with connect(url, key, data_dir) as client:
        sent = asked(client, "POST", "/v1/notifications", json=body)
        typer.echo(sent["id"])
        if wait:
            _wait(client, sent["id"])


def tail(
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One event a line")] = False,
) -> None:
    """Print what happens as it happens, until Ctrl-C."""
    console = Console(highlight=False)
    seen: list[str] = []
    with connect(url, key, data_dir) as client, contextlib.suppress(KeyboardInterrupt):
        while True:
            try:
                for event in _events(client, seen):
                    if as_json:
                        typer.echo(json.dumps(event))
                    else:
                        _print(console, event)
            except httpx.TransportError:
                time.sleep(1)


def connect(url: str | None, key: str | None, data_dir: Any) -> httpx.Client:
    """Return a client of the API with a key; raises Trouble without one."""
    settings = settings_from(data_dir)
    state = default_folder(settings).read_state() or {}
    if key is None and settings.bootstrap_api_key is not None:
        key = settings.bootstrap_api_key.get_secret_value()
    if key is None:
        raise Trouble(
            "An API key is needed: --key or TOCSIN_API_KEY.",
            "`tocsin keys create NAME` makes one.",
        )
    base = url or state.get("url") or f"http://127.0.0.1:{settings.port}"
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False)


def asked(client: httpx.Client, method: str, path: str, **given: Any) -> dict[str, Any]:
    """Return the API's answer; raises Trouble with what it refused, field by field."""
    try:
        answer = client.request(method, path, **given)
    except httpx.TransportError as error:
        raise Trouble(
            f"The API at {client.base_url} cannot be reached ({error}).", "Is `tocsin up` running?"
        ) from None
    content = content_of(answer)
    if answer.is_error:
        errors = "; ".join(f"{e['field']} {e['message']}" for e in content.get("errors", []))
        raise Trouble(f"{content.get('title')}: {errors or content.get('detail')}")
    return content


def content_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the document of an answer; raises Trouble for what is none."""
    try:
        content: dict[str, Any] = answer.json()
    except ValueError:
        raise Trouble(
            f"{answer.url} answered {answer.status_code}, but not as Tocsin does.", "Check --url."
        ) from None
    return content


def _wait(client: httpx.Client, id: str) -> None:
    while True:
        found = asked(client, "GET", f"/v1/notifications/{id}")
        if found["state"] in _FINAL:
            why = f" ({found['reason']})" if found["reason"] else ""
            typer.echo(f"{found['state']}{why}")
            raise typer.Exit(0 if found["state"] in ("sent", "delivered", "read") else 1)
        time.sleep(0.2)


def _events(client: httpx.Client, seen: list[str]) -> Iterator[dict[str, Any]]:
    """Yield events after the last id in `seen`, and keep that up to date for a reconnect."""
    headers = {"Last-Event-ID": seen[-1]} if seen else {}
    with client.stream("GET", "/v1/live", headers=headers, timeout=60) as stream:
        if stream.is_error:
            stream.read()
            raise Trouble(f"The API refused: {content_of(stream).get('detail')}")
        for line in stream.iter_lines():
            if line.startswith("id: "):
                seen[:] = [line.removeprefix("id: ")]
            elif line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def _print(console: Console, event: dict[str, Any]) -> None:
    state = event.get("to") or event["type"]
    colour = COLOURS.get(state, "white")
    about = " ".join(
        str(event[name]) for name in ("channel", "event", "kind", "keyword") if event.get(name)
    )
    via = f" by {event['vendor']}" if event.get("vendor") else ""
    why = f" ({event['reason']})" if event.get("reason") else ""
    console.print(
        f"[dim]{event['at'][11:23]}[/] [{colour}]{state:<10}[/] {about:<9} "
        f"{event['notification'] or event.get('reply')}{via}{why}"
        f" [dim]{event.get('category', '')} {event.get('priority', '')}[/]"
    )
