"""The result of a query as tables that fit the terminal: nothing is lost, only one column of long texts may be cut.

Where the columns do not fit beside each other, the rest of them follows in another table below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from eurostat_assets.cli.terminal import shown
from eurostat_assets.model.characters import clean

GAP = 3  # characters that the box puts between two columns
SHORTEST_CUT = 20


def result_tables(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, width: int, cut: str = ""
) -> Iterator[Table]:
    """Yield tables of at most `width` characters with all columns and rows; long texts of the column `cut` end in “…”."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in cells)]) for at, name in enumerate(columns)]
    if cut in columns:
        at = columns.index(cut)
        others = sum(widths) - widths[at] + GAP * (len(columns) - 1)
        widths[at] = min(widths[at], max(SHORTEST_CUT, width - others))
    numbers = [all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(columns))]
    for number, block in enumerate(_blocks(widths, width)):
        table = Table(
            title=title if number == 0 else f"{title} (continued)",
            title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False,
        )  # fmt: skip
        for at in block:
            table.add_column(shown(columns[at]), no_wrap=True, justify="right" if numbers[at] else "left")
        for row in cells:
            table.add_row(*(shown(_cut(row[at], widths[at])) for at in block))
        yield table


def _blocks(widths: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand beside each other."""
    blocks: list[list[int]] = []
    left = 0
    for at, needed in enumerate(widths):
        if not blocks or needed + GAP > left:
            blocks.append([at])
            left = width - needed
        else:
            blocks[-1].append(at)
            left -= needed + GAP
    return blocks


def _shown(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else clean(str(value))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
