"""The status of a cell: Eurostat writes the observation flag and the confidentiality status as one text.

    b → flag b        |C → confidential, no flag        u|C → both

A status is carried as a small number, its place in the list of distinct texts; the list begins with those the
header announces and grows as others are met. Number 0 is no status at all.
"""

from __future__ import annotations

from eurostat_assets.jsonstat.errors import BadStatus
from eurostat_assets.model.characters import bad_character

MOST_STATUSES = 1_000  # distinct texts; Eurostat publishes 42 flags and 3 confidentiality statuses


class Statuses:
    """The distinct statuses of one dataset, numbered from 1 in order of appearance."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.numbers: dict[str, int] = {"": 0}
        self.flags = StatusPart()
        self.confidentiality = StatusPart()
        for wire in labels:
            self.number(wire)

    def number(self, wire: str) -> int:
        """The number of a status as on the wire. Raises `BadStatus` when there are too many different ones, and for one
        with a character that no code may have."""
        number = self.numbers.get(wire)
        if number is None:
            if bad := bad_character(wire):
                raise BadStatus(
                    f"{wire!r} has the character {bad}, which no status may have", member="status"
                )
            if len(self.numbers) > MOST_STATUSES:
                raise BadStatus(f"more than {MOST_STATUSES} different statuses", member="status")
            number = self.numbers[wire] = len(self.numbers)
            flag, _, status = wire.partition("|")
            self.flags.add(flag)
            self.confidentiality.add(status)
        return number


class StatusPart:
    """One of the two parts: its distinct `texts`, and for each status number the place in them, -1 for none."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.places: list[int] = [-1]

    def add(self, text: str) -> None:
        if text and text not in self.texts:
            self.texts.append(text)
        self.places.append(self.texts.index(text) if text else -1)


def part_labels(labels: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The wire labels, `{"|C": "|confidential", "u": "low reliability"}`, taken apart like the statuses
    themselves."""
    flags: dict[str, str] = {}
    confidentiality: dict[str, str] = {}
    for wire, label in labels.items():
        flag, _, status = wire.partition("|")
        flag_label, _, status_label = label.partition("|")
        if flag:
            flags.setdefault(flag, flag_label)
        if status:
            confidentiality.setdefault(status, status_label)
    return flags, confidentiality
