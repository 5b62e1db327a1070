"""The report: the state of the mirror on a page of its own, for whoever has no Dagster at hand.

Here: what the report says, and how it is written as HTML and Markdown. Not here: where its figures come from (no SQL).
"""

from eurostat_assets.report.pages import as_html, as_markdown
from eurostat_assets.report.story import Check, Dataset, Event, Finding, Report, Source, Today

__all__ = [
    "Check",
    "Dataset",
    "Event",
    "Finding",
    "Report",
    "Source",
    "Today",
    "as_html",
    "as_markdown",
]
