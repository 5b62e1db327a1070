"""The audit: does each published table still hold what its Parquet file holds, and is there nothing that belongs nowhere?

    hashing.py       PostgreSQL's own hash functions, over whole columns
    digest.py        a Parquet file's count and checksum, equal to those that the server computes from the table
    differences.py   where the two differ: the very cells
    seals.py         what is known of both before anything is compared
    comparison.py    one table against its Parquet file: a fast look, or the checksum
    belonging.py     tables, releases and files that nobody refers to
    hierarchies.py   totals that do not fit their parts, as warnings

Here belongs what is compared and what is said about it. Not here: SQL (`postgres/digests.py`), paths, when it happens.
"""

from eurostat_assets.audit.belonging import Relations, Shelf, orphaned, strangers
from eurostat_assets.audit.comparison import compare
from eurostat_assets.audit.errors import AuditError, HashesDiffer, NotComparable
from eurostat_assets.audit.findings import (
    OF_A_TABLE,
    OF_HIERARCHIES,
    OF_THE_SERVER,
    OF_THE_WHOLE,
    Finding,
    Kind,
)
from eurostat_assets.audit.hierarchies import Hierarchy, codes_of, hierarchies, implausible
from eurostat_assets.audit.seals import Audited, Published, Seal, Server

__all__ = [
    "OF_A_TABLE",
    "OF_HIERARCHIES",
    "OF_THE_SERVER",
    "OF_THE_WHOLE",
    "AuditError",
    "Audited",
    "Finding",
    "HashesDiffer",
    "Hierarchy",
    "Kind",
    "NotComparable",
    "Published",
    "Relations",
    "Seal",
    "Server",
    "Shelf",
    "codes_of",
    "compare",
    "hierarchies",
    "implausible",
    "orphaned",
    "strangers",
]
