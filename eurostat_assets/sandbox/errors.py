"""What can go wrong with a sandbox, for the person who runs it (not what its HTTP answers say to a client).

SandboxError
├── UnknownDataset    a code that no profile, family or recorded file knows
├── UnknownProfile    a profile name that does not exist
├── WrongFolder       a folder that already holds the state of another sandbox
└── NotReady          no server answers: its process ended, or none runs there
"""

from __future__ import annotations


class SandboxError(Exception):
    """Base of everything this room raises on purpose."""


class UnknownDataset(SandboxError):
    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(f"the sandbox has no dataset {code!r}: {reason}")


class UnknownProfile(SandboxError):
    def __init__(self, profile: str, known: tuple[str, ...]) -> None:
        self.profile = profile
        self.known = known
        super().__init__(f"no sandbox profile {profile!r}; choose one of {', '.join(known)}")


class WrongFolder(SandboxError):
    def __init__(self, folder: object, difference: str) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} holds the state of another sandbox ({difference}); "
            "start it as it was started before, or give another folder"
        )


class NotReady(SandboxError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the sandbox did not start: {reason}")
