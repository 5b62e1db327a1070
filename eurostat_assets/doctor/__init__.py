"""Is this machine fit for a mirror, and is Eurostat's API still what the code relies on?

Belongs here: the checks of both, the requests they need, and the recording of answers. Does not: repairing anything,
or watching a mirror that runs (that is `healthz`).
"""
