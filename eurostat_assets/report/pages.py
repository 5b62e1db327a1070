"""Writing the report: one HTML file that needs nothing else, and the same in Markdown.

The pages are the templates beside this file; here are only the words they use. All that comes from elsewhere is escaped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eurostat_assets.model import markdown
from eurostat_assets.report.story import STATES, WORST, Report

if TYPE_CHECKING:
    from jinja2 import Environment

BROWSER = "https://ec.europa.eu/eurostat/databrowser/product/view/"


def as_html(report: Report) -> str:
    return _render("page.html.j2", report)


def as_markdown(report: Report) -> str:
    return _render("page.md.j2", report)


def _render(template: str, report: Report) -> str:
    words = {"report": report, "meaning": STATES, "worst": WORST, "browser": BROWSER}
    return _environment(html=".html" in template).get_template(template).render(words)


def _environment(*, html: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("eurostat_assets.report", "templates"),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "" if value is None else value,
    )
    environment.filters |= {
        "count": count,
        "size": size,
        "moment": moment,
        "duration": duration,
        "md": markdown.text,
        "heights": heights,
    }
    return environment


def count(number: int | None) -> str:
    """1234567 as 1,234,567."""
    return "" if number is None else f"{number:,}"


def size(number: float | None) -> str:
    """Bytes as a person says them."""
    if number is None:
        return ""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else ""


def duration(time: timedelta) -> str:
    """In the largest unit of which there are two."""
    seconds = time.total_seconds()
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} seconds"


def heights(values: list[Any], tallest: float) -> list[float]:
    """The values scaled so that the largest one is `tallest`; all zero where there is nothing."""
    top = max(values, default=0)
    return [round(tallest * value / top, 2) if top else 0.0 for value in values]
