"""campaign: what authors, approvers and operators do with campaigns, over the API."""

import json
import time
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

from cli.running import DataDir
from cli.talking import Key, Url, asked, connect

Campaign = Annotated[str, typer.Argument(help="Its id (cmp_…), as `list` shows it")]
Json = Annotated[bool, typer.Option("--json", help="For scripts")]
_OVER: Final = ("completed", "aborted", "rejected", "expired", "draft")
_NUMBERS: Final = ("sent", "waiting", "suppressed", "failed", "expired", "cancelled", "unknown")
_LOOK_SECONDS: Final = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    campaign = typer.Typer(help="Messages to an audience", no_args_is_help=True)
    campaign.command("list")(list_campaigns)
    campaign.command("show")(show)
    campaign.command("preview")(preview)
    campaign.command("watch")(watch)
    campaign.command("submit")(submit)
    campaign.command("approve")(approve)
    campaign.command("reject")(reject)
    campaign.command("pace")(pace)
    campaign.command("winner")(winner)
    for name, about in _STEPS.items():
        campaign.command(name, help=about)(_step(name))
    app.add_typer(campaign, name="campaign")


_STEPS: Final = {
    "pause": "Let nothing more leave until it is resumed.",
    "resume": "Go on where it was paused.",
    "abort": "End it; what was not sent is cancelled.",
    "resend-missed": "Ask for approval to send once more what failed, expired or was aborted.",
}


def submit(
    campaign: Campaign,
    approve_by: Annotated[
        str | None, typer.Option(help="When it expires unless approved: 2030-01-31T16:00:00Z")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Freeze a draft and ask for its approval."""
    _ask(campaign, "submit", {"approve_by": approve_by} if approve_by else None, url, key, data_dir)


def list_campaigns(
    state: Annotated[list[str] | None, typer.Option("--state", help="Repeatable")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the newest 50 campaigns."""
    with connect(url, key, data_dir) as client:
        items = asked(client, "GET", "/v1/campaigns", params={"state": state or []})["items"]
    if as_json:
        typer.echo(json.dumps(items))
        return
    table = Table("id", "state", "name", box=None)
    table.columns[0].no_wrap = True
    for one in items:
        table.add_row(one["id"], one["state"], one["name"])
    Console().print(table)


def show(
    campaign: Campaign,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show a campaign with its ledger, and the hash that an approval names."""
    with connect(url, key, data_dir) as client:
        found = asked(client, "GET", f"/v1/campaigns/{campaign}")
        ledger = asked(client, "GET", f"/v1/campaigns/{campaign}/ledger")
    if as_json:
        typer.echo(json.dumps({**found, "ledger": ledger}))
        return
    console = Console(highlight=False)
    console.print(f"[bold]{found['name']}[/]  {found['state']}")
    for name in ("id", "audience", "category", "priority", "created_by", "hash", "approve_by"):
        if found[name]:
            console.print(f"{name:<11} {found[name]}", soft_wrap=True)
    for name, value in {**(found["sender"] or {}), **(found["brand"] or {})}.items():
        if isinstance(value, str):
            label = "brand" if name == "name" else name
            console.print(f"{label:<11} {value}", soft_wrap=True, markup=False)
    console.print(f"pace        {_told_pace(found['pace'])}")
    if found["canary"] and found["canary"]["state"]:
        console.print(f"canary      {_told_canary(found['canary'])}")
    if found["ab_test"] and found["ab_test"]["state"]:
        for line in _told_test(found["ab_test"]):
            console.print(line, soft_wrap=True, markup=False)
    if found["problem"]:
        console.print(f"problem     {found['problem'].get('detail')}", style="red")
    console.print(f"asked       {ledger['asked']:,}")
    for name in _NUMBERS:
        if ledger[name]:
            why = ", ".join(f"{n:,} {r}" for r, n in ledger["reasons"].get(name, {}).items())
            console.print(f"{name:<11} {ledger[name]:,}{f'  ({why})' if why else ''}")
    _show_engagement(console, found["engagement"])


def _show_engagement(console: Console, done: dict[str, Any]) -> None:
    """Print what recipients did; programs are not among them."""
    for name, rate in done["rates"].items():
        if done[name]:
            share = "" if rate is None else f"  ({rate:.1%} of {done['sent']:,} mails)"
            console.print(f"{name:<11} {done[name]:,} people{share}")


def preview(
    campaign: Campaign, url: Url = None, key: Key = None, data_dir: DataDir = None
) -> None:  # fmt: skip
    """Try a campaign over its real audience, and print what came of it as JSON."""
    with connect(url, key, data_dir) as client:
        found = asked(
            client, "POST", f"/v1/campaigns/{campaign}/preview", json={"samples": 3},
            timeout=httpx.Timeout(60, read=600),
        )  # fmt: skip
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


def approve(
    campaign: Campaign,
    hash: Annotated[str, typer.Option("--hash", help="What you saw, as `show` tells it")],
    reason: Annotated[str, typer.Option("--reason")] = "",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Approve a campaign, with the key of a user who may."""
    body = {"hash": hash, "reason": reason}
    _ask(campaign, "approve", body, url, key, data_dir)


def reject(
    campaign: Campaign,
    reason: Annotated[str, typer.Option("--reason", help="What its author is to mend")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Send a campaign back to its author."""
    _ask(campaign, "reject", {"reason": reason}, url, key, data_dir)


def pace(
    campaign: Campaign,
    per_second: Annotated[str, typer.Argument(help="Messages a second, or `none`")],
    begin: Annotated[
        float | None, typer.Option("--from", help="Warm up: so many a second at first")
    ] = None,
    over: Annotated[
        float | None, typer.Option("--over", help="Warm up evenly over so many seconds")
    ] = None,
    doubles_every: Annotated[
        float | None, typer.Option("--doubles-every", help="Or twice as fast every so many seconds")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Change how fast a campaign sends, at any time."""
    asked_ramp = {
        "start_per_second": begin, "over_seconds": over, "doubles_every_seconds": doubles_every,
    }  # fmt: skip
    ramp = {name: value for name, value in asked_ramp.items() if value is not None}
    asked_pace = {"per_second": per_second, "ramp": ramp or None}
    body = {"pace": None if per_second == "none" else asked_pace}
    with connect(url, key, data_dir) as client:
        found = asked(client, "PATCH", f"/v1/campaigns/{campaign}", json=body)
    typer.echo(f"{found['state']}, {_told_pace(found['pace'])}")


def winner(
    campaign: Campaign,
    variant: Annotated[str, typer.Argument(help="a, b, c …, as `show` lists them")],
    reason: Annotated[str, typer.Option("--reason")] = "",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Choose which variant of a test all others get, as an administrator."""
    _ask(campaign, "winner", {"variant": variant, "reason": reason}, url, key, data_dir)


def watch(
    campaign: Campaign,
    as_json: Annotated[bool, typer.Option("--json", help="One look a line")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Follow a campaign until it is over: progress, rate, time left, and what became of it."""
    shown = Progress(
        TextColumn("{task.fields[state]:<17}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[told]}"), console=Console(stderr=True, highlight=False),
        disable=as_json,
    )  # fmt: skip
    with connect(url, key, data_dir) as client, shown as progress:
        task = progress.add_task("", total=None, state="", told="")
        before: tuple[float, int] | None = None
        while True:
            found = asked(client, "GET", f"/v1/campaigns/{campaign}")
            ledger = asked(client, "GET", f"/v1/campaigns/{campaign}/ledger")
            done = ledger["asked"] - ledger["waiting"]
            now = (time.monotonic(), done)
            rate = _rate(before, now)
            before = now
            if as_json:
                typer.echo(json.dumps({"state": found["state"], "rate": rate, **ledger}))
            progress.update(
                task, total=ledger["asked"] or None, completed=done, state=found["state"],
                told=_told(ledger, rate),
            )  # fmt: skip
            if found["state"] in _OVER:
                break
            time.sleep(_LOOK_SECONDS)
    if not as_json:
        numbers = ", ".join(f"{ledger[name]:,} {name}" for name in _NUMBERS if ledger[name])
        typer.echo(f"{found['state']}: {ledger['asked']:,} asked, {numbers or 'nothing sent'}")


def _told_pace(pace: dict[str, Any] | None) -> str:
    if pace is None:
        return "at the pace of its accounts"
    ramped = f", now {pace['now']:g}" if pace.get("ramp") else ""
    return f"{pace['per_second']:g} a second{ramped}"


def _told_canary(canary: dict[str, Any]) -> str:
    counts = ", ".join(f"{n:,} {name}" for name, n in (canary["counts"] or {}).items() if n)
    return f"{canary['state']}, {canary['recipients']:,} recipients{f': {counts}' * bool(counts)}"


def _told_test(test: dict[str, Any]) -> list[str]:
    end = f"{test['winner']} won ({test['decided_by']})" if test["winner"] else test["state"]
    measured = test["event_type"] if test.get("event_type") else test["measure"]
    return [
        f"test        {end}",
        *(
            f"  {one['variant']}         {one['template']}: {one['hits']:,} {measured}"
            f" of {one['sent']:,} sent"
            for one in test["variants"]
        ),
    ]


def _rate(before: tuple[float, int] | None, now: tuple[float, int]) -> float:
    if before is None or now[0] <= before[0]:
        return 0.0
    return round(max(0, now[1] - before[1]) / (now[0] - before[0]), 1)


def _told(ledger: dict[str, Any], rate: float) -> str:
    missed = ", ".join(
        f"{ledger[name]:,} {name}" for name in ("failed", "unknown", "expired") if ledger[name]
    )
    left = f", {ledger['waiting'] / rate:,.0f} s left" if rate and ledger["waiting"] else ""
    return f"{rate:,.0f}/s{left}{f' · {missed}' if missed else ''}"


def _step(name: str) -> Any:
    def command(
        campaign: Campaign, url: Url = None, key: Key = None, data_dir: DataDir = None
    ) -> None:  # fmt: skip
        _ask(campaign, name, None, url, key, data_dir)

    return command


def _ask(
    campaign: str, step: str, body: Any, url: str | None, key: str | None, data_dir: Any
) -> None:  # fmt: skip
    with connect(url, key, data_dir) as client:
        found = asked(client, "POST", f"/v1/campaigns/{campaign}/{step}", json=body)
    typer.echo(f"{found['id']} is {found['state']}")
