"""Broken feeds, inventories and tables of contents: `python -m benchmarks.fuzz_catalogue [--bodies N] [--seed K]`.

Each body is a legal one damaged by chance, N of every kind. The reader must end in time and in bounded memory, with an
`Unreadable` or with rows, of which

- every item or line that the damage did not touch is there, with what it says (a damaged header may cost all of them);
- no dataset is there whose code is not in the text;
- no untouched dataset lies under another folder than it did: under its own, or under one that is not known.
"""

from __future__ import annotations

import html
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from benchmarks.fuzzing import (
    Tally,
    Wrong,
    arguments,
    cut,
    flipped,
    fuzzed,
    inserted,
    judged,
    repeated,
    without,
)
from eurostat_assets.eurostat.errors import Unreadable
from eurostat_assets.eurostat.feed import FeedItem, parse_feed
from eurostat_assets.eurostat.inventory import InventoryEntry, parse_inventory
from eurostat_assets.eurostat.toc import parse_toc
from eurostat_assets.eurostat.tree import UNKNOWN

NOW = datetime(2026, 4, 25, 12, tzinfo=UTC)
ROWS = "rows"
FRAGMENTS = [
    *(
        b'"',
        b'""',
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b" ",
        b"    ",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
    ),
    *(
        b"&",
        b"&amp;",
        b"&a9;",
        b"&#0;",
        b"<",
        b">",
        b"</",
        b"/>",
        b"<item>",
        b"</item>",
        b"<title>",
        b"]]>",
        b"<![CDATA[",
    ),
    *(
        b"<!--",
        b"-->",
        b"<!DOCTYPE x [",
        b'<!ENTITY a "b">',
        b"<?xml?>",
        b"</channel>",
        b"</rss>",
        b"\xe2\x80\xae",
    ),
    *(
        b"folder",
        b'"folder"',
        b"dataset",
        b"-",
        b"$",
        b"..",
        b"%2F",
        b"9999-12-31",
        b"\t" * 300,
        b'"' * 501,
        b" " * 2000,
    ),
    *(b"<item>" * 300, b"<title>" * 300, b"<a>" * 3000, b"&" * 1000, b"\n" * 1000, b"9" * 400),
]
DAMAGES = [flipped, flipped, cut, without, without, repeated, inserted(FRAGMENTS), inserted(FRAGMENTS)]


class Kind(NamedTuple):
    """Something to fuzz: legal bodies, and what one may become when it was damaged."""

    name: str
    legal: Callable[[random.Random], bytes]
    judge: Callable[[bytes, bytes], str]


def run(kind: str, seed: int, count: int) -> Tally:
    """Judge that many bodies of a kind."""
    chance = random.Random(f"{kind} {seed}")
    name, legal, judge = KINDS[kind]
    pairs: dict[bytes, bytes] = {}

    def bodies() -> Iterator[bytes]:
        originals = [legal(chance) for _ in range(40)]
        while True:
            original = body = chance.choice(originals)
            for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
                body = chance.choice(DAMAGES)(chance, body)
            pairs.clear()
            pairs[body] = original
            yield body

    return judged(itertools.islice(bodies(), count), lambda body: judge(pairs[body], body), suffix=f".{name}")


def _codes(chance: random.Random, count: int) -> list[str]:
    begin = ["HLTH_", "EDUC_", "NAMA_10_", "DS-", "1A_"]
    return [f"{chance.choice(begin)}{chance.randrange(10**6):06}{chance.choice('ABC')}" for _ in range(count)]


# The feed


def legal_feed(chance: random.Random) -> bytes:
    items = "".join(_item(chance, code) for code in _codes(chance, chance.randrange(1, 12)))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel><title>Eurostat</title>\n'
    return f"{head}{items}</channel></rss>\n".encode()


def _item(chance: random.Random, code: str) -> str:
    links = (
        "databrowser/product/page/{}",
        "databrowser/view/{}/default/table?lang=en",
        "databrowser/product/view/{}",
    )
    date = NOW - timedelta(minutes=chance.randrange(10_000))
    members = [
        f'<title>{code} - "Dataset: updated data"</title>',
        f"<link>https://ec.europa.eu/eurostat/{chance.choice(links).format(code)}</link>",
        f"<pubDate>{date:%Y-%m-%d %H:%M:%S}.0</pubDate>",
        f"<description>{html.escape(chance.choice(['Deaths', 'Lits à lit', 'R&D <1']))}</description>",
    ]
    if chance.random() < 0.8:
        members.append("<category>UPDATED_DATASET_DATA</category>")
    chance.shuffle(members)
    return f"<item>{''.join(members)}</item>\n"


def judge_feed(original: bytes, body: bytes) -> str:
    whole = re.compile(rb"<item>.*?</item>", re.DOTALL)
    shown = re.sub(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", b"", body, flags=re.DOTALL)
    untouched = [item for item in whole.findall(original) if item in shown]
    prologue = original.partition(b"\n")[0]
    try:
        feed = parse_feed(body, NOW)
    except Unreadable:
        # Entities of a document's own are never read, and what is declared to be in another encoding is believed.
        if untouched and prologue in body and not re.search(rb"<!(DOCTYPE|ENTITY)", body):
            raise Wrong(f"{len(untouched)} whole items, and yet it was unreadable") from None
        return "unreadable"
    found = {(item.code, item.published) for item in feed}
    for item in untouched:
        expected = _read_alone(item)
        if (expected.code, expected.published) not in found:
            raise Wrong(f"lost {expected}")
    _nothing_invented((item.code for item in feed), body)
    return ROWS if feed else "empty"


@cache
def _read_alone(item: bytes) -> FeedItem:
    [read] = parse_feed(b"<rss><channel>%s</channel></rss>" % item, NOW)
    return read


# The inventory


def legal_inventory(chance: random.Random) -> bytes:
    columns = [
        "Code",
        "Type",
        "Source dataset",
        "Last data change",
        "Last structural change",
        "Url (tsv)",
        "Url (csv)",
    ]
    if chance.random() < 0.5:
        columns.insert(chance.randrange(len(columns)), "Label")
    if chance.random() < 0.3:
        chance.shuffle(columns)
    quote = '"' if chance.random() < 0.3 else ""
    lines = [
        columns,
        *(
            [_cell(chance, code, name) for name in columns]
            for code in _codes(chance, chance.randrange(1, 15))
        ),
    ]
    return "".join("\t".join(f"{quote}{cell}{quote}" for cell in line) + "\n" for line in lines).encode()


def _cell(chance: random.Random, code: str, column: str) -> str:
    day = f"20{chance.randrange(10, 27)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}T23:00:00+0100"
    cells = {
        "Code": code,
        "Type": "DATASET",
        "Source dataset": "-",
        "Label": chance.choice(["Deaths", "Beds, in ‰"]),
    }
    return cells.get(column, day if column.startswith("Last") else f"https://x/{code}?format=TSV")


def judge_inventory(original: bytes, body: bytes) -> str:
    header, *lines = original.splitlines(keepends=True)
    try:
        inventory = parse_inventory(body)
    except Unreadable:
        inventory = None
    if not body.startswith(header):
        return "another header"
    untouched = _untouched(lines, body)
    if inventory is None:
        if untouched:
            raise Wrong(f"{len(untouched)} whole lines, and yet it was unreadable")
        return "unreadable"
    for line in untouched:
        expected = _line_alone(header, line)
        found = inventory.get(expected.code)
        if found is None or found.release.updated < expected.release.updated:
            raise Wrong(f"{expected} became {found}")
    _nothing_invented(inventory, body)
    return ROWS


@cache
def _line_alone(header: bytes, line: bytes) -> InventoryEntry:
    [read] = parse_inventory(header + line).values()
    return read


# The table of contents


def legal_toc(chance: random.Random) -> bytes:
    names = (
        "title",
        "code",
        "type",
        "last update of data",
        "last table structure change",
        "data start",
        "data end",
    )
    header = "\t".join(f'"{name}"' for name in (*names, "values")) + "\n"
    codes = iter([f"{place}_{name.lower()}" for place, name in enumerate(_codes(chance, 200))])
    lines = ["".join(_branch(chance, depth=0, codes=codes)) for _ in range(chance.randrange(1, 3))]
    return (header + "".join(lines)).encode()


def _branch(chance: random.Random, depth: int, codes: Iterator[str]) -> Iterator[str]:
    """A folder with datasets in it, folders, or both, as in the real one: never with nothing."""
    indent = " " * 4
    yield f'"{indent * depth}{_title(chance)}"\t"{next(codes)}"\t"folder"\t" "\t" "\t" "\t" "\t\n'
    leaves = chance.randrange(1, 4) if depth else 0
    for _ in range(leaves):
        cells = (next(codes), "dataset", "06.02.2026", "07.01.2026", "2004", "2025")
        yield (
            f'"{indent * (depth + 1)}{_title(chance)}"\t'
            + "\t".join(f'"{cell}"' for cell in cells)
            + "\t12\n"
        )
    if depth < 3:
        for _ in range(chance.randrange(0 if leaves else 1, 3)):
            yield from _branch(chance, depth + 1, codes)


def _title(chance: random.Random) -> str:
    return chance.choice(["Health", "Deaths by cause", "Beds ‰ of 100 000", "Éducation", "Youth (15 to 29)"])


_LINE = re.compile(r'"((?:    )*)[^ "\t][^"\t]*"\t"([A-Za-z0-9_$-]+)"\t"(folder|dataset|table)"\t.*')


def judge_toc(original: bytes, body: bytes) -> str:
    header, *lines = original.splitlines(keepends=True)
    try:
        toc = parse_toc(body)
    except Unreadable:
        toc = None
    if not body.startswith(header):
        return "another header"
    untouched = _untouched(lines, body)
    datasets = [line for line in untouched if b'"dataset"' in line]
    if toc is None:
        if datasets:
            raise Wrong(f"{len(datasets)} whole datasets, and yet it was unreadable")
        return "unreadable"
    found = {entry.code: entry for entry in toc if entry.type != "folder"}
    truth, folders_before = _truth(original)
    renamed = {entry.code for entry in toc if entry.type == "folder"} - folders_before
    another = bool(renamed) or _another_tree(lines, body)
    for line in datasets:
        code = line.split(b"\t")[1].strip(b'"').decode().upper()
        if code not in found:
            raise Wrong(f"lost {code}")
        folders = found[code].folders
        if UNKNOWN not in folders and folders != truth[code] and not another:
            raise Wrong(f"{code} is filed under {folders} instead of {truth[code]}")
    _nothing_invented(found, body)
    return "another tree" if another else ROWS


@cache
def _truth(original: bytes) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """The folders of each dataset, and the codes of all folders."""
    toc = parse_toc(original)
    folders = {entry.code for entry in toc if entry.type == "folder"}
    return {entry.code: entry.folders for entry in toc if entry.type != "folder"}, folders


def _another_tree(lines: list[bytes], body: bytes) -> bool:
    """Whether the damage made a line that is legal, but has another code, depth or type than any had: nobody can tell."""
    legal = {_legal(line) for line in lines}
    return any((found := _legal(line)) and found not in legal for line in body.split(b"\n"))


@lru_cache(100_000)
def _legal(line: bytes) -> tuple[str, ...] | None:
    match = _LINE.fullmatch(line.rstrip(b"\n").decode(errors="replace"))
    return match.groups() if match else None


def _untouched(lines: list[bytes], body: bytes) -> list[bytes]:
    """The lines that are still there, as lines and as often as before."""
    left = Counter(body.split(b"\n"))
    return [line for line in lines if left[line.rstrip(b"\n")] == 1]


def _nothing_invented(codes: Iterable[str], body: bytes) -> None:
    text = body.decode(errors="replace")
    # What XML allows within a text, and is none of it.
    bare = re.sub(r"<!\[CDATA\[|\]\]>|<!--.*?-->|<\?.*?\?>", "", text, flags=re.DOTALL)
    bare, text = (unquote(html.unescape(one)).upper() for one in (bare, text))
    for code in codes:
        if code not in text and code not in bare:
            raise Wrong(f"{code} is not in the text")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("feed", legal_feed, judge_feed),
        Kind("inventory", legal_inventory, judge_inventory),
        Kind("toc", legal_toc, judge_toc),
    )
}


def run_feed(seed: int, count: int) -> Tally:
    return run("feed", seed, count)


def run_inventory(seed: int, count: int) -> Tally:
    return run("inventory", seed, count)


def run_toc(seed: int, count: int) -> Tally:
    return run("toc", seed, count)


def main() -> int:
    chosen = arguments("benchmarks.fuzz_catalogue", __doc__, bodies=100_000)
    well = True
    for name, runner in (("feed", run_feed), ("inventory", run_inventory), ("table of contents", run_toc)):
        print(f"\n{name}")
        well = fuzzed(runner, chosen, ROWS) and well
    if well:
        print("\nno readable row lost, none invented, no dataset under a foreign folder")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
