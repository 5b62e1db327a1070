"""Dataset codes as people type them and as Eurostat writes them: the door that every code passes once.

A code that came through here is safe in a URL path, in a file name and as a label; SQL still quotes it.
Whether such a dataset exists is for the catalogue to say.
"""

import re

from eurostat_assets.eurostat.errors import MalformedCode

# Today's longest dataset code has 21 characters, extractions about 30. 63 is what PostgreSQL allows for a
# name.
LONGEST = 63
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]*(\$[A-Z0-9_-]+)?", re.ASCII)


def check_code(text: str) -> str:
    """`text` as Eurostat writes codes: upper case, no blanks around.

    Predefined extractions (`BD_9AC_L_FORM_R2$DV_343`) are codes like others: Eurostat answers them. Themes
    leave them out by default. Raises MalformedCode.
    """
    code = text.strip()
    # isascii() before upper(): the upper case of U+017F, a long s, is an innocent S.
    if not code.isascii() or len(code) > LONGEST or not _CODE.fullmatch(code := code.upper()):
        shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        raise MalformedCode(f"{shown!r} is not a dataset code")
    return code


def is_extraction(code: str) -> bool:
    """Whether `code` is a predefined extraction of another dataset."""
    return "$" in code
