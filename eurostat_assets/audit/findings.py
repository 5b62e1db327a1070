"""What an audit finds: the kinds there are, how grave each is, and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eurostat_assets.model.messages import line, message

Kind = Literal[
    "table_changed",
    "table_differs",
    "table_missing",
    "columns_differ",
    "parquet_changed",
    "parquet_missing",
    "parquet_unreadable",
    "other_release",
    "raw_missing",
    "not_audited",
    "stranger_table",
    "forgotten_release",
    "stranger_files",
    "orphaned_files",
    "totals_implausible",
    "aggregate_implausible",
]
OF_A_TABLE = frozenset[Kind](
    ("table_changed", "table_differs", "table_missing", "columns_differ", "parquet_changed", "parquet_missing",
     "parquet_unreadable", "other_release", "not_audited")
)  # fmt: skip
"""What one look at a table and its Parquet file decides, fast or not."""
OF_HIERARCHIES = frozenset[Kind](("totals_implausible", "aggregate_implausible"))
OF_THE_SERVER = frozenset[Kind](("orphaned_files",))
"""What is found only where the server lets its files be listed."""
OF_THE_WHOLE = frozenset[Kind](("stranger_table", "forgotten_release", "stranger_files", "raw_missing"))
WARNINGS = frozenset[Kind](
    (*OF_HIERARCHIES, *OF_THE_SERVER, "forgotten_release", "stranger_files", "raw_missing")
)

Remedy = Literal["publish", "read", ""]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: with which dataset, table or folder (`subject`), in a sentence and numbers.

    `remedy`: `publish` the Parquet file again, or first `read` the raw file again; empty where a person must look.
    """

    subject: str
    kind: Kind
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    remedy: Remedy = ""

    def __post_init__(self) -> None:
        """Names of tables, columns and folders are whatever somebody called them."""
        object.__setattr__(self, "subject", line(self.subject))
        object.__setattr__(self, "sentence", message(self.sentence))

    @property
    def severity(self) -> Literal["error", "warning"]:
        return "warning" if self.kind in WARNINGS else "error"
