"""Pictures: what a dataset looks like at a glance, small enough to travel with the metadata of a materialisation.

Here: what is counted for a picture, and drawing it. Not here: where it is shown (no Dagster), and what is to be right to
the digit: a picture is for a person's first look.
"""

from eurostat_assets.pictures.drawing import data_uri, draw, sparkline
from eurostat_assets.pictures.glance import Glance, Series, glance

__all__ = ["Glance", "Series", "data_uri", "draw", "glance", "sparkline"]
