"""The one partitioning of the platform: a partition is a Eurostat dataset, its key the upper-case dataset code."""

import dagster as dg

datasets = dg.DynamicPartitionsDefinition(name="eurostat_dataset")
