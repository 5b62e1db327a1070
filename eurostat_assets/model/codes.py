"""The one rule for dataset codes: what may be a partition key, a folder and a table, and what Eurostat calls a dataset.

Settings, command line, partition keys, catalogue, feed and table names all ask `dataset_code`. So a code that passes the
door never fails later, when its table is made, and one that cannot become a table is refused before any download.
"""

from __future__ import annotations

import re

LONGEST = 63
"""Characters: PostgreSQL's limit for the name of a table, which is the code in lower case. Eurostat's longest dataset
code of 2026 has 21, its predefined extractions about 30."""

RESERVED_TABLES = frozenset(
    {
        "acceptances",
        "alarm_channels",
        "audits",
        "bulk_files",
        "bulk_loads",
        "catalogue",
        "check_results",
        "checks",
        "datasets",
        "freshness",
        "held_locks",
        "incidents",
        "incidents_told",
        "migrations",
        "mirror",
        "polls",
        "release_profiles",
        "releases",
        "run_leases",
        "seals",
        "session_locks",
    }
)
"""Tables and views of the mirror itself in schema `eurostat`, beside which no dataset can have its own."""

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]*(\$[A-Z0-9_-]+)?", re.ASCII)


def dataset_code(text: str) -> str:
    """Return `text` as Eurostat writes codes: upper case, without blanks around it.

    Letters, digits, `_` and `-`, of which the first is a letter or digit, at most 63; predefined extractions
    (`BD_9AC_L_FORM_R2$DV_343`) are codes like others. The result is safe in a URL path, as a file name, as a partition
    key and, in lower case and quoted, as the name of a table. Raises ValueError, which says what is wrong.
    """
    code = text.strip()
    shown = repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")
    # isascii() before upper(): the upper case of U+017F, a long s, is an innocent S.
    if not code.isascii() or not _CODE.fullmatch(code := code.upper()):
        raise ValueError(f"{shown} is not a dataset code")
    if len(code) > LONGEST:
        raise ValueError(
            f"{shown} is not a dataset code: it has {len(code)} characters, at most {LONGEST} fit"
        )
    if code.lower() in RESERVED_TABLES:
        raise ValueError(
            f"{shown} is not a dataset code here: eurostat.{code.lower()} is a table of the mirror itself"
        )
    return code
