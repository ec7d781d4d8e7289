"""What `tocsin up` shows: progress while parts start, then where everything is."""

import shlex

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.embedded.parts import Part, reach
from config.settings import Settings
from services.bootstrap import Bootstrap

_MARKS = {
    "preparing": ("…", "dim"),
    "starting": ("…", "dim"),
    "ready": ("✓", "green"),
    "restarting": ("↻", "yellow"),
    "crashing": ("!", "red"),
    "stopped": ("·", "dim"),
}


class Progress:
    """Prints a line whenever a part's state changes in a way people want to know."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, str] = {}

    def tell(self, part: Part, state: str) -> None:
        """Print a part's new state; `starting` only where preparing takes time."""
        if self._last.get(part.name) == state or state == "starting":
            return
        self._last[part.name] = state
        mark, style = _MARKS[state]
        words = {
            "crashing": "keeps ending; it is tried again and again, its log says why",
            "restarting": "ended and is started again",
        }
        where = f" on port {part.port}" if part.port and state == "ready" else ""
        self._console.print(
            f"  [{style}]{mark}[/] {part.title}{where} [dim]{words.get(state, state)}[/]"
        )


def base_url(settings: Settings) -> str:
    """Return where people find API and dashboard."""
    return f"http://{reach(settings.host)}:{settings.port}"


def curl(settings: Settings, key: str) -> str:
    """Return a line to paste that sends an e-mail."""
    body = (
        '{"recipient": {"email": "you@example.com"}, "content": {"email": '
        '{"subject": "Hello from Tocsin", "text": "It rang."}}}'
    )
    return (
        f"curl -X POST {base_url(settings)}/v1/notifications \\\n"
        f'  -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def show(console: Console, settings: Settings, made: Bootstrap) -> None:
    """Print the panel with addresses, the first sign-in, the first key and the line to paste."""
    url = base_url(settings)
    table = Table.grid(padding=(0, 2))
    table.add_row("Dashboard", url)
    table.add_row("API", f"{url}/docs")
    table.add_row("Temporal UI", settings.temporal_ui)
    if made.admin_password:
        table.add_row("Sign in", f"{made.admin_email}  {made.admin_password}  (change it there)")
    else:
        table.add_row("Sign in", f"{made.admin_email}  (tocsin users reset-password makes it anew)")
    table.add_row("API key", made.api_key or "made earlier (tocsin keys create makes another)")
    console.print(Panel(table, title="Tocsin is ready", border_style="green", expand=False))
    console.print("Send an e-mail and see it on the Outbox page:\n")
    # Printed as it is, so that it can be copied from a narrow window too.
    print(curl(settings, made.api_key or "$TOCSIN_API_KEY"), flush=True)  # noqa: T201
    console.print("\n[dim]Ctrl-C stops everything; started again it goes on where it was.[/]")
