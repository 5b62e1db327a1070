"""Revisions: what is different between two releases of a dataset.

Here: comparing two files of observations, cell by cell. Not here: where releases are kept, and what follows from a change.
"""

from eurostat_assets.revisions.comparison import NotCompared, Revision, compare

__all__ = ["NotCompared", "Revision", "compare"]
