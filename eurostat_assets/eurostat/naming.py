"""Which dataset an item of the feed speaks of, by its title or its link.

    title   HLTH_CD_ARO - "Dataset: updated data"
    link    https://ec.europa.eu/eurostat/databrowser/product/page/HLTH_CD_ARO
            https://ec.europa.eu/eurostat/databrowser/view/HLTH_CD_ARO/default/table?lang=en
            https://ec.europa.eu/eurostat/web/products-datasets/-/hlth_cd_aro

A name is certain after one of these words of a link, or in capitals. Another one counts where there is nothing better.
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import MalformedCode
from eurostat_assets.model.characters import bad_character

_BEFORE_A_CODE = frozenset({"view", "page", "-"})
_NAME_OF_TITLE = re.compile(r"\s+[-\u2013\u2014]\s+|:\s")
_EXTRACT = re.compile(
    r"__custom_[0-9]+$", re.IGNORECASE
)  # somebody's extract of a dataset, as the data browser calls it
_LONGEST = 2_000


def named_code(title: str, link: str, *, link_must_agree: bool = True) -> str:
    """Return the code. Raises MalformedCode for none, ValueError where title and link name different ones for certain
    (`link_must_agree`: whether that matters).
    """
    by_title, title_is_certain = _in_title(title.strip()[:_LONGEST])
    by_link, link_is_certain = _in_link(link.strip()[:_LONGEST])
    if by_title is None or (by_link and link_is_certain and not title_is_certain and link_must_agree):
        by_title = by_link
    if by_title is None:
        raise MalformedCode(f"neither the title {title[:80]!r} nor the link {link[:120]!r} names a dataset")
    if link_must_agree and by_link and link_is_certain and by_link != by_title:
        raise ValueError(f"the title speaks of {by_title}, the link of {by_link!r}")
    return by_title


def _in_title(title: str) -> tuple[str | None, bool]:
    """The code in a title, and whether it is certain."""
    name = _NAME_OF_TITLE.split(title, maxsplit=1)[0]
    code = _code(name)
    return code, code is not None and _in_capitals(name.strip())


def _in_link(link: str) -> tuple[str | None, bool]:
    if bad_character(link):  # which urlsplit would take out, and so make another name
        return None, False
    try:
        parts = [unquote(part) for part in urlsplit(link).path.split("/") if part]
    except ValueError:
        return None, False
    for before, part in pairwise(parts):
        if before.lower() in _BEFORE_A_CODE and (code := _code(part)):
            return code, True
    if parts and _in_capitals(parts[-1]) and (code := _code(parts[-1])):
        return code, True
    return None, False


def _in_capitals(name: str) -> bool:
    return name == name.upper() and any(one.isalpha() for one in name)


def _code(text: str) -> str | None:
    try:
        code = check_code(_EXTRACT.sub("", text))
    except MalformedCode:
        return None
    return code if code[-1].isalnum() else None  # else it was cut off by a character that no code has
