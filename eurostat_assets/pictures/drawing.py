"""Drawing a glance: bars for the observations of each period and a line for the total, as one small PNG."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eurostat_assets.pictures.glance import Glance, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

BLUE, GREY = "#0e47cb", "#5b6472"
WIDTH, HEIGHT, DOTS_PER_INCH = 3.8, 2.2, 90  # of one chart, in inches
STRIP = 3.0, 0.4  # inches
LABELS = 6
FEWEST_PLACES = 6  # so that a single period is a bar and not a wall
LONGEST_TITLE, LONGEST_LABEL = 52, 12


def draw(what: Glance) -> bytes:
    """A PNG of a few kilobytes. Needs no display and keeps no state: no pyplot."""
    from matplotlib.figure import Figure

    charts = 2 if what.series else 1
    figure = Figure(figsize=(WIDTH * charts, HEIGHT), dpi=DOTS_PER_INCH)
    axes = figure.subplots(1, charts, squeeze=False)[0]
    # Half of the time goes into a layout that is worked out anew for every picture.
    figure.subplots_adjust(left=0.13 / charts, right=1 - 0.02 / charts, top=0.88, bottom=0.12, wspace=0.2)
    _bars(axes[0], what)
    if what.series:
        _line(axes[1], what.series)
    png = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a code in a script that the font lacks is drawn as a box
        figure.savefig(png, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 9})
    return png.getvalue()


def sparkline(what: Glance) -> bytes:
    """Both charts as a strip without words, in two colours: a PNG of a few hundred bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=STRIP, dpi=100)
    canvas = FigureCanvasAgg(figure)
    bars, line = figure.subplots(1, 2, gridspec_kw={"left": 0, "right": 1, "top": 0.95, "bottom": 0.05})
    bars.bar(range(len(what.counts)), what.counts, color=BLUE, width=0.8, antialiased=False)
    bars.set_xlim(-0.6, max(FEWEST_PLACES, len(what.counts)) - 0.4)
    if what.series:
        line.plot(what.series.values, color=BLUE, linewidth=1, antialiased=False)
        line.margins(0.02, 0.15)
    for axes in (bars, line):
        axes.axis("off")
    canvas.draw()
    strip = (
        Image.frombuffer("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
        .convert("RGB")
        .quantize(2)
    )
    png = io.BytesIO()
    strip.save(png, format="png", optimize=True, bits=1)
    return png.getvalue()


def data_uri(png: bytes) -> str:
    """The picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _bars(axes: Axes, what: Glance) -> None:
    axes.bar(range(len(what.periods)), what.counts, color=BLUE, width=0.8)
    _dress(axes, "observations per period", what.periods)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.6, max(FEWEST_PLACES, len(what.periods)) - 0.4)


def _line(axes: Axes, series: Series) -> None:
    axes.plot(range(len(series.values)), series.values, color=BLUE, linewidth=1.6, marker="o", markersize=2.5)
    _dress(axes, " · ".join(series.chosen.values()), series.periods)
    axes.margins(y=0.15)


def _dress(axes: Axes, title: str, periods: Sequence[str]) -> None:
    """A title and a few periods below; text from Eurostat is text, never a formula."""
    axes.set_title(_short(title, LONGEST_TITLE), fontsize=8, color=GREY, loc="left", parse_math=False)
    step = max(1, -(-len(periods) // LABELS))
    places = range(0, len(periods), step)
    axes.set_xticks(places, [_short(periods[place], LONGEST_LABEL) for place in places], parse_math=False)
    axes.tick_params(labelsize=7, colors=GREY, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.yaxis.set_major_locator(_few())
    axes.yaxis.set_major_formatter(_readable)


def _few() -> Locator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)


def _readable(value: float, _place: float = 0) -> str:
    """1500000 as 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
