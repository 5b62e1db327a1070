"""The terminal's door to the same rooms: `eurostat-assets …`. Commands only; what they do is in the rooms below."""

from eurostat_assets.cli.app import main

__all__ = ["main"]
