"""Metrics of a mirror for Prometheus, made from its books: every process and every restart tells the same.

Here: names and meaning of the metrics, the text file and the endpoint. Not here: reading the books. What shows them is
in `exposition`, which brings the Prometheus client along.
"""

from eurostat_assets.metrics.books import Books, Held

__all__ = ["Books", "Held"]
