"""The addresses of this machine itself, which never go through a proxy: not in this process, nor in any that it starts.

A proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is the way to Eurostat, and no way to PostgreSQL's, Dagster's and the sandbox's
servers on this machine. What reads NO_PROXY reads it from the environment: requests, gRPC, Chromium, curl, botocore.
"""

import ipaddress
import os
import socket
from collections.abc import MutableMapping
from urllib.parse import urlsplit

NAMES = ("localhost", "127.0.0.1", "::1", "127.0.0.0/8")
_TWINS = {"no_proxy": "NO_PROXY", "NO_PROXY": "no_proxy"}
"""Both spellings are in use; where one is not set, what reads it falls back on the other."""


def keep_direct(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the names of loopback to NO_PROXY, no_proxy and no_grpc_proxy, keeping what they say."""
    before = {name: environment.get(name) or environment.get(twin) or "" for name, twin in _TWINS.items()}
    # gRPC reads this one instead of no_proxy where it is set, and does not know the star.
    before["no_grpc_proxy"] = environment.get("no_grpc_proxy") or before["no_proxy"]
    for name, value in before.items():
        said = [host.strip() for host in value.split(",") if host.strip()]
        if said == ["*"] and name != "no_grpc_proxy":
            environment[name] = "*"  # everything is direct; beside other names the star would mean nothing
        else:
            environment[name] = ",".join(dict.fromkeys([*said, *NAMES]))


def is_local(url: str) -> bool:
    """Return whether the host of this address is this machine, by name or by number."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
