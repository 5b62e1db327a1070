"""What can be wrong with a JSON-stat text, told to the person who must act.

    JsonStatError
    ├── CorruptSource      the gzip or zstd stream around the text is damaged or cut off
    ├── NotJson            the text is not JSON: truncated, trailing garbage, a bad escape, invalid UTF-8
    ├── NotADataset        JSON, but no dataset to read: an error envelope, a collection, a dimension
    ├── NotSdmxCsv         the rows beside an outline are not the table they should be: cut off, other columns
    ├── BadStructure       id, size and dimension contradict each other, or a member occurs twice
    ├── PartsDisagree      the parts of one dataset are of different datasets, releases or structures
    └── BadCell            one cell of `value` or `status` is not what the format allows
        ├── BadPosition    its key is not a position, lies outside the cube, or has a code that no dimension has
        ├── DuplicateCell  the same position twice in one member, or in two slices
        ├── BadNumber      its value is not a number, or does not fit a 64-bit float
        └── BadStatus      its status is not text

Nothing else leaves this room for a bad text. A source that cannot be opened stays the `OSError` it is.
"""

from __future__ import annotations

from eurostat_assets.model.characters import ends
from eurostat_assets.model.messages import message

LONGEST_PROBLEM, LONGEST_NAME = 800, 200
"""Characters that reach the person."""


class JsonStatError(Exception):
    """A JSON-stat text that cannot be read exactly, and so is not read at all.

    Attributes: `problem` (one sentence), `dataset` (code or None while unknown), `member` (the JSON-stat
    member concerned, or None), `position` (flat index of the cell concerned, or None).
    """

    def __init__(
        self,
        problem: str,
        *,
        dataset: str | None = None,
        member: str | None = None,
        position: int | None = None,
    ) -> None:
        problem = ends(message(problem, len(problem)), LONGEST_PROBLEM)
        self.problem = problem
        self.dataset = dataset and ends(dataset, LONGEST_NAME)
        self.member = member and ends(member, LONGEST_NAME)
        self.position = position
        super().__init__(self.problem)

    def __str__(self) -> str:
        place = [f"dataset {self.dataset}" if self.dataset else "JSON-stat text"]
        if self.member is not None:
            place.append(f"member {self.member!r}")
        if self.position is not None:
            place.append(f"position {self.position}")
        return message(f"{', '.join(place)}: {self.problem}")

    def within(self, dataset: str | None) -> JsonStatError:
        """The same error, now that the dataset is known."""
        self.dataset = self.dataset or (dataset and ends(dataset, LONGEST_NAME))
        return self


class CorruptSource(JsonStatError):
    """The compressed stream around the text is damaged or ends too early: fetch it again."""


class NotJson(JsonStatError):
    """The text is not JSON. Usually a cut download or an HTML page: fetch it again."""


class NotADataset(JsonStatError):
    """Valid JSON, but there is no single dataset in it to read."""


class NotSdmxCsv(JsonStatError):
    """Not a table, or not one with the columns of the dataset: fetch it again."""


class BadStructure(JsonStatError):
    """The members that describe the cube contradict each other."""


class PartsDisagree(JsonStatError):
    """What was handed over as parts of one dataset is none: fetch all of them again."""


class BadCell(JsonStatError):
    """A cell is not what the format allows."""


class BadPosition(BadCell):
    """A key that is not a position of the cube."""


class DuplicateCell(BadCell):
    """One position twice: it cannot be known which is meant."""


class BadNumber(BadCell):
    """A value that is not a number, or not one that a 64-bit float can hold."""


class BadStatus(BadCell):
    """A status that is not text."""
