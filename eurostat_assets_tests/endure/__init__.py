"""A thousand kills: publishers, bulk loaders, database servers, whole trees of processes, full disks; and nothing is lost.

    python -m eurostat_assets_tests.endure [--kills N] [--minutes M] [--seed S] …     (`make endure`)

series.py deals out the kills, keeps what came of them and goes on where it was stopped. publishers.py, servers.py, trees.py
and disks.py each kill in their own way, in the worlds of core.py and mirrors.py; releases.py makes data of which every row
says what it belongs to, readers.py reads them without pause, and leftovers.py looks for what nobody owns in the end.
"""
