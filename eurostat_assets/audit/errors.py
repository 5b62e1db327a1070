"""What keeps an audit from being done at all; what it finds is no error but a Finding.

AuditError
├── NotComparable   a column of the Parquet file has a type that no checksum is defined for
└── HashesDiffer    the server's hash functions are not those this room computes
"""

from eurostat_assets.model.messages import message


class AuditError(Exception):
    """Any failure of this room."""

    def __init__(self, text: str) -> None:
        super().__init__(message(text))


class NotComparable(AuditError):
    """`column` of the file of `dataset` has the Arrow type `kind`."""

    def __init__(self, dataset: str, column: str, kind: str) -> None:
        super().__init__(
            f"{dataset}: its column {column!r} of type {kind} cannot be compared with a table: only codes, dates and"
            " numbers (float64) can"
        )
        self.dataset = dataset
        self.column = column
        self.kind = kind


class HashesDiffer(AuditError):
    """The server hashes `example` otherwise than PostgreSQL 13 to 18 do on little-endian machines."""

    def __init__(self, example: float | int) -> None:
        super().__init__(
            f"the database server hashes {example!r} otherwise than PostgreSQL 13 to 18 do: tables cannot be compared by"
            " checksum there; the fast look by count and transaction still works"
        )
        self.example = example
