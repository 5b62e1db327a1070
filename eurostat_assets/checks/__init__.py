"""What must hold: the checks as Dagster shows them.

dataset.py   of one dataset's release, before it replaces anything
mirror.py    of the whole mirror, by the clock
"""
