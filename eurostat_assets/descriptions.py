"""What the assets say about themselves in the UI, in Markdown. What they do is in assets.py."""

CHAIN = ("catalogue", "eurostat_dataset", "raw_json", "observations", "published_table")
MADE_BY = {
    "eurostat_dataset": "look at the dates",
    "raw_json": "download",
    "observations": "read and check",
    "published_table": "load and switch",
}


def chain(here: str) -> str:
    """The chain as a diagram, with a mark at the asset that is described."""
    lines = [CHAIN[0]]
    for name in CHAIN[1:]:
        lines += [f"   │  {MADE_BY[name]}", "   ▼", name]
    width = max(len(line) for line in lines) + 2
    marked = (f"{line:<{width}}◀ you are here" if line == here else line for line in lines)
    return "```text\n" + "\n".join(marked) + "\n```"


EUROSTAT_DATASET = f"""
The datasets at Eurostat, one partition each. Nothing is made here: each partition shows the **release** that Eurostat has
(the dates of the last change of data and of structure), its title, size and links, and what told of it: an item of the feed
or the sweep. A partition below that was made from an older release is shown as stale.

{chain("eurostat_dataset")}

Reported by the sensor `eurostat_releases` (the RSS feed) and by the sweep, the asset `catalogue`.
"""

CATALOGUE = f"""
What Eurostat offers of this mirror's theme, from its table of contents and inventory: the table `eurostat.catalogue`.

{chain("catalogue")}

**Materialising it is the sweep:** new datasets become partitions, missed releases become due, and datasets that are gone
from Eurostat are marked as withdrawn; they keep their partition and their table. A catalogue that shrank too much at once is
not believed.

By the clock (schedule `sweep`), by this button, or with `eurostat-assets sweep`.
"""

RAW_JSON = f"""
The dataset exactly as Eurostat sent it: JSON-stat 2.0, unfiltered, kept compressed, with its SHA-256. One body; a dataset
that is too big for one comes in slices, as a last resort as SDMX-CSV.

{chain("raw_json")}

Where there is nothing newer to fetch, nothing is downloaded or written: the partition is reported as it is, with *checked*
as the reason, and so are those below. The launchpad's option `force` fetches it all the same.
"""

OBSERVATIONS = f"""
The dataset's observations as one Parquet file: a row for every cell that has a value or a status.

{chain("observations")}

| column | meaning |
|---|---|
| one per dimension (`freq`, `unit`, `sex`, `geo`, …) | Eurostat's code |
| `time_period`, `period_start`, `period_end` | the period as Eurostat writes it, its first and last day |
| `obs_value` | the number; null where there is none |
| `obs_flag`, `conf_status` | flags as sent; `C` where the value is confidential |

The file is checked before it replaces the one of the release before; a release that a check holds back replaces nothing.
"""

PUBLISHED_TABLE = f"""
The table that readers query: `eurostat.<code in lower case>`, with the labels as column comments and the dataset's code in
`source_dataset_id`.

{chain("published_table")}

Replaced as a whole, in one short transaction, when a release was read and checked completely: nobody sees half a table.
Where all datasets stand is in `eurostat.datasets`; every attempt is in `eurostat.releases`.
"""
