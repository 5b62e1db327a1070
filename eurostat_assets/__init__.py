"""Eurostat Assets: a theme of Eurostat, mirrored, checked and queryable on your own machine."""

from eurostat_assets import loopback

# Here, because every process of the platform imports this first, whoever starts it.
loopback.keep_direct()
