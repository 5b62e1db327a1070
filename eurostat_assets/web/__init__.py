"""What stands before every web address of the platform: who may ask, and from which page.

    policy.py     whether a request is answered; refuses other web pages, foreign host names, and changes by GET
    guard.py      the same before an ASGI application, wsgi.py before a WSGI one
    password.py   the optional password of UI and metrics, kept as a hash in a file

Here belongs what is the same for Dagster's webserver, the sandbox's control address, the metrics and every later address.
Not here: what they answer. Knows nothing else of this package, so that all of it may use it. The guards are imported by
their own names: a server of one kind does not load the other's libraries.
"""

from eurostat_assets.web.password import Password, PasswordFileError, hash_password
from eurostat_assets.web.policy import Policy, Refusal, Request, refusal_of

__all__ = [
    "Password",
    "PasswordFileError",
    "Policy",
    "Refusal",
    "Request",
    "hash_password",
    "refusal_of",
]
