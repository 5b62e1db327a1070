"""The address of the code server: a socket in the home, which only the home's owner can open.

Dagster's gRPC asks nobody who he is, and executes code for whoever reaches it. On a port of loopback that would be every
account of the machine; a socket follows the permissions of its folder. (A web page reaches neither: browsers speak no
HTTP/2 without TLS.) Here belongs the address alone; starting the code server is the launcher's.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets import ports

LOCATION = "eurostat_assets"
LONGEST_SOCKET = 100
"""Bytes of a path that every system takes for a socket: Linux has 107, macOS 103 (sun_path in <sys/un.h>)."""


@dataclass(frozen=True)
class Address:
    """Where the code server listens: at a socket or, where the home's path is too long for one, at a port of loopback."""

    socket: Path | None = None
    port: int | None = None

    @classmethod
    def within(cls, folder: Path) -> Address:
        """Choose the address for a home whose Dagster files lie in `folder`."""
        path = folder / "code.sock"
        return cls(socket=path) if len(os.fsencode(path)) <= LONGEST_SOCKET else cls(port=ports.free())

    @property
    def options(self) -> list[str]:
        """The options of `dagster api grpc` that make it listen here."""
        return ["-s", str(self.socket)] if self.socket else ["-h", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        """Return whether somebody listens."""
        if self.socket is None:
            return not ports.is_free(self.port or 0)
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self.socket))
            return True
        return False

    def write_workspace(self, file: Path) -> None:
        """Write the file by which webserver and daemon find the code server; in JSON, which is YAML as well."""
        place = {"socket": str(self.socket)} if self.socket else {"host": "127.0.0.1", "port": self.port}
        file.write_text(json.dumps({"load_from": [{"grpc_server": {**place, "location_name": LOCATION}}]}))
