"""What can go wrong with a sandbox, for the person who runs it (not what its HTTP answers say to a client).

SandboxError
├── UnknownDataset    a code that no profile, family or recorded file knows
├── UnknownProfile    a profile name that does not exist
├── WrongFolder       a folder that already holds the state of another sandbox
├── Unchangeable      a change of structure that a dataset cannot undergo
├── MalformedFaults   a text that does not say which faults there are to be
├── UnknownChange     a change of the API that does not exist
├── NoCalendar        a calendar was to be stopped where none runs
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


class Unchangeable(SandboxError):
    def __init__(self, code: str, change: str) -> None:
        self.code, self.change = code, change
        super().__init__(
            f"the structure of {code} cannot change by {change!r}; a change reads `add deg_urb 3`, `remove sex`, "
            "`rename age age18`, `position geo XK` or `reorder geo 7`, fits the dimensions there are, and is for "
            "invented datasets only"
        )


class MalformedFaults(SandboxError):
    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not a list of faults such as `async:2=0.2,html=0.05`: {reason}")


class UnknownChange(SandboxError):
    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        super().__init__(f"no change {name!r} of the API; choose of {', '.join(sorted(known))}")


class NoCalendar(SandboxError):
    def __init__(self) -> None:
        super().__init__("this sandbox has no calendar; start it with the length of a day in seconds")


class NotReady(SandboxError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"no sandbox answers: {reason}")
