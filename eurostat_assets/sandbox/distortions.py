"""Bodies that are not what they should be: each kind of fault as a change of a whole, good body.

They hold it in memory, unlike everything else here. Which requests meet which fault is decided in faults.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType

from eurostat_assets.sandbox.body import dumps
from eurostat_assets.sandbox.feed import PRODUCT

_EVERY = 16
"""One cell in so many is missing, and at least the first."""
# Nine levels of ten: a thousand million times three letters.
_BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE rss [\n<!ENTITY a0 "lol">\n'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">\n' for n in range(1, 10))
    + "]>\n<rss><channel><item><title>&a9;</title></item></channel></rss>\n"
)


def distorted(fault: str | None, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The body after the fault, and untouched where the fault is none of its contents."""
    if fault not in _DISTORTIONS:
        return chunks
    return _whole(_DISTORTIONS[fault], chunks)


def without_lines(body: bytes) -> bytes:
    """CSV or TSV that lacks some of its rows."""
    header, *lines = body.splitlines(keepends=True)
    return header + b"".join(line for place, line in enumerate(lines) if place % _EVERY)


def _whole(distortion: Callable[[bytes], bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield distortion(b"".join(chunks))


def _miscounted(body: bytes) -> bytes:
    """One observation more than there is."""
    return re.sub(rb'("type":"OBS_COUNT","title":")(\d+)', lambda m: m[1] + str(int(m[2]) + 1).encode(), body)


def _with_cells_missing(body: bytes) -> bytes:
    document = json.loads(body)
    keys = list({**document["value"], **document.get("status", {})})
    for key in keys[::_EVERY]:
        document["value"].pop(key, None)
        document.get("status", {}).pop(key, None)
    return dumps(document)


def _with_a_broken_line(body: bytes) -> bytes:
    """The line in the middle ends after its second column."""
    lines = body.splitlines(keepends=True)
    place = len(lines) // 2
    lines[place] = b"\t".join(lines[place].split(b"\t")[:2]) + b"\n"
    return b"".join(lines)


def _halved(body: bytes) -> bytes:
    header, *lines = body.splitlines(keepends=True)
    return header + b"".join(lines[::2])


def _without_health(body: bytes) -> bytes:
    """The folder `hlth` is gone with everything that is indented more than it."""
    kept, depth = [], None
    for line in body.decode().splitlines(keepends=True):
        title, code, *_ = line.split("\t")
        indent = len(title) - len(title[1:].lstrip(" "))
        if depth is not None and indent <= depth:
            depth = None
        if code == '"hlth"':
            depth = indent
        if depth is None:
            kept.append(line)
    return "".join(kept).encode()


def _declared(encoding: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(b'encoding="UTF-8"', b'encoding="%s"' % encoding, 1)


def _with_odd_items(body: bytes) -> bytes:
    """Items of every oddity before the real ones; some speak of the first real item's dataset."""
    found = re.search(rb"<title>([A-Z0-9_]+) - ", body)
    code = found[1].decode() if found else "HLTH_CD_GHOST"
    updated, category = "Dataset: updated data", "<category>UPDATED_DATASET_DATA</category>"
    items = [
        _item(code, updated, category, "9999-12-31 23:59:59.9"),
        _item(code, updated, category, "yesterday"),
        _item(code, updated, "", "2026-03-10 11:00:00.0"),
        _item(code, "Dataset: revised", "<category>REVISED_DATASET</category>", "2026-03-10 11:00:00.0"),
        _item(code.lower(), updated, category, "2026-03-10 11:00:00.0"),
        _item(f"{code}$DV_301", updated, category, "2026-03-10 11:00:00.0"),
        _item("../../etc/passwd", updated, category, "2026-03-10 11:00:00.0"),
        _item(
            "HLTH_CD_GHOST", "Dataset: new data", "<category>NEW_DATASET</category>", "2026-03-10 11:00:00.0"
        ),
        _item("NAMA_10_GHOST", updated, category, "2026-03-10 11:00:00.0"),
        _item("'; DROP TABLE x; --", updated, category, "2026-03-10 11:00:00.0"),
        f"<item><title>{code}</title></item>",
        "<item/>",
    ]
    Random(0).shuffle(items)
    place = body.find(b"    <item>") if found else body.find(b"  </channel>")
    return _declared(b"ISO-8859-1")(body[:place] + "\n".join(items).encode() + b"\n" + body[place:])


def _item(code: str, event: str, category: str, date: str) -> str:
    return (
        f'<item><title>{code} - "{event}"</title>{category}<pubDate>{date}</pubDate>'
        f"<link>{PRODUCT}/{code}</link><description>Odd</description></item>"
    )


_DISTORTIONS: Mapping[str | None, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "miscount": _miscounted,
        "missing_cells": _with_cells_missing,
        "inventory_line": _with_a_broken_line,
        "inventory_half": _halved,
        "toc_no_health": _without_health,
        "feed_junk": lambda body: Random(len(body)).randbytes(10_000_000),
        "feed_bomb": lambda body: _BOMB.encode(),  # noqa: ARG005
        "feed_odd": _with_odd_items,
        "feed_encoding": _declared(b"UTF-16"),
    }
)
