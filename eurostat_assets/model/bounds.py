"""How much outside text may be before anybody knows what it is: bounds that more than one room keeps.

Belongs here: numbers and the questions they answer. Not here: what is announced of a body (eurostat/measure.py), and the
bounds of one format alone.
"""

from __future__ import annotations

UNANNOUNCED = 256 << 20
"""Bytes of uncompressed text that a body may have whatever is announced of it. Eurostat's largest whole JSON-stat body
met in 2025 and 2026 has 73 MB; its limit of 5 million cells for an extraction makes about 120 MB."""

RATIO = 400
"""Bytes of text for each compressed byte, at most. Real bodies have 3 to 30 as gzip; the emptiest table there could be,
SDMX-CSV with a zero in every row, has 33 as gzip and 92 as zstd. Zeros alone reach 1,030 as gzip and 10,000 as zstd."""

MOST_VALUES = 500_000
"""JSON values of a small document, each of which takes some 100 bytes of memory. Eurostat's longest code lists make
about 40,000."""


def inflates(size: int, compressed: int) -> bool:
    """Return whether `size` bytes of text are more than `compressed` bytes can honestly hold. Small texts always pass."""
    return size > UNANNOUNCED and size > RATIO * compressed


def too_many_values(text: bytes | bytearray) -> bool:
    """Return whether the JSON in `text` may have more than MOST_VALUES values: as many as it has commas and brackets.

    Commas within labels count as well, which is why the bound is far above what is real.
    """
    return len(text) > MOST_VALUES and sum(map(text.count, (b",", b"{", b"["))) > MOST_VALUES
