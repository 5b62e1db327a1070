"""What can keep a file from being judged at all.

QualityError
└── NotObservations    the Parquet file cannot be read, or is no file of observations
"""

from __future__ import annotations

from eurostat_assets.model.messages import message


class QualityError(Exception):
    """Nothing can be said about a file. Attributes: `file` (its name), `problem` (one sentence)."""

    def __init__(self, file: str, problem: str) -> None:
        self.file = file
        self.problem = message(problem)
        super().__init__(message(f"{file}: {problem}"))


class NotObservations(QualityError):
    """A file that our reader did not write, or that was damaged since: make it again."""
