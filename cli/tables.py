"""Tables for a terminal, in which what is copied from them stays whole."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: str) -> None:
    """Print rows under their columns; the column `whole` is never cut nor wrapped.

    Into a pipe or a file everything is written on one line a row, whatever its length.
    """
    console = Console()
    longest = max((len(row[columns.index(whole)]) for row in rows), default=0)
    table = Table(box=None)
    for name in columns:
        kept = longest if name == whole else None
        table.add_column(name, no_wrap=name == whole, min_width=kept, overflow="fold")
    for row in rows:
        table.add_row(*row)
    needed = console.measure(table, options=console.options.update(max_width=100_000)).maximum
    if not console.is_terminal:
        console = Console(width=needed)
    console.print(table)
