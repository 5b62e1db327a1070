"""What stands before every web address of the platform: who may ask, and from which page.

    guard.py      refuses requests that another web page makes, foreign host names and queries that change something by GET
    password.py   the optional password of the UI, kept as a hash in a file

Here belongs what is the same for Dagster's webserver, the sandbox's control address and every later address. Not here: what
they answer. Knows neither Dagster nor the settings.
"""

from eurostat_assets.web.guard import Guard, Policy
from eurostat_assets.web.password import Password, PasswordFileError, hash_password

__all__ = ["Guard", "Password", "PasswordFileError", "Policy", "hash_password"]
