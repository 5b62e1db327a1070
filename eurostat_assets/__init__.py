"""Eurostat Assets: a theme of Eurostat, mirrored, checked and queryable on your own machine."""
