"""A hostile month, compressed: a Eurostat that misbehaves, a daemon that is killed, tables that must be right at the end.

    python -m eurostat_assets_tests.hostile [--days N] [--day-seconds S] …     (`make hostile`)

month.py tells what happens when, world.py runs the mirror and kills it, verdict.py says what came of it.
"""
