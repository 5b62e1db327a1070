"""What must hold: the checks as Dagster shows them.

dataset.py   of one dataset's release, before it replaces anything
standing.py  their specs, and what they said last of a dataset, for a person who asks
mirror.py    of the whole mirror, by the clock
"""
