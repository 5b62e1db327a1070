"""Dataset codes as people type them and as Eurostat writes them, refused with an error of this room.

The rule itself is in model/codes.py. Whether such a dataset exists is for the catalogue to say.
"""

from eurostat_assets.eurostat.errors import MalformedCode
from eurostat_assets.model.codes import dataset_code


def check_code(text: str) -> str:
    """Return `text` as `dataset_code` does. Raises MalformedCode.

    Predefined extractions are codes like others: Eurostat answers them. Themes leave them out by default.
    """
    try:
        return dataset_code(text)
    except ValueError as error:
        raise MalformedCode(str(error)) from error


def is_extraction(code: str) -> bool:
    """Whether `code` is a predefined extraction of another dataset."""
    return "$" in code
