"""What a bulk file in SDMX-CSV claims: its first rows name the dataflow and say when it was updated.

    DATAFLOW,LAST UPDATE,freq,sex,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS
    ESTAT:HLTH_INVENTED(1.0),06/02/26 23:00:00,A,F,AT,2024,10.5,p,

The rows themselves are read in another room.
"""

import csv
import re
from datetime import datetime

from eurostat_assets.eurostat.errors import ReleaseChanged, Unreadable, WrongDataset
from eurostat_assets.eurostat.release import BRUSSELS, Release

_DATAFLOW, _LAST_UPDATE = "DATAFLOW", "LAST UPDATE"


def check_claims(head: bytes, code: str, release: Release) -> Release:
    """`release`, when the file that begins with `head` is the dataset `code` of just that release.

    Raises Unreadable, WrongDataset, and ReleaseChanged when it is an older or newer one.
    """
    claims = _first_row(head, code)
    named = re.fullmatch(r"(?:[^:]*:)?([^:()]+)(?:\(.*\))?", claims[_DATAFLOW].strip())
    if named is None or named[1].upper() != code:
        raise WrongDataset(code, claims[_DATAFLOW] or None)
    # As text: twice a year an hour of the wall clock is two moments. Eurostat is known to mean the data's date here.
    if claims[_LAST_UPDATE].strip() not in {_wall_clock(release.data), _wall_clock(release.updated)}:
        raise ReleaseChanged(code)
    return release


def _first_row(head: bytes, code: str) -> dict[str, str]:
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:2]
    try:
        names, row = csv.reader(lines, strict=True)
    except (ValueError, csv.Error) as error:
        raise Unreadable("the bulk file has no row below its column names", dataset=code) from error
    claims = dict(zip(map(str.upper, names), row, strict=False))
    if not {_DATAFLOW, _LAST_UPDATE} <= claims.keys():
        raise Unreadable(
            f"the bulk file begins with {lines[0][:80]!r} instead of its column names", dataset=code
        )
    return claims


def _wall_clock(moment: datetime) -> str:
    return moment.astimezone(BRUSSELS).strftime("%d/%m/%y %H:%M:%S")
