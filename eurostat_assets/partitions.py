"""The one partitioning of the platform: a partition is a Eurostat dataset, its key the upper-case dataset code."""

from collections.abc import Iterable

import dagster as dg

NAME = "eurostat_dataset"

datasets = dg.DynamicPartitionsDefinition(name=NAME)


def known(instance: dg.DagsterInstance) -> list[str]:
    """The codes of all partitions, in the order they were added."""
    return list(instance.get_dynamic_partitions(NAME))


def add(instance: dg.DagsterInstance, codes: Iterable[str]) -> None:
    """Make every code a partition; those that are one already stay as they are."""
    instance.add_dynamic_partitions(NAME, list(codes))
