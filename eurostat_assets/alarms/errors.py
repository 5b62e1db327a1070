"""What can go wrong with telling.

AlarmError
├── MalformedAddress     a webhook or mail server cannot be used as it is written
└── ChannelFailed        a channel did not take a message; it is tried again
"""

from eurostat_assets.model.messages import message


class AlarmError(Exception):
    """Any failure of this room. Its text never has a secret in it."""

    def __init__(self, text: str) -> None:
        super().__init__(message(text))


class MalformedAddress(AlarmError):
    """The address of `channel` is unusable for `reason`; the address itself is a secret and stays unsaid."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"the address of the alarm channel {channel} is no use: {reason}")
        self.channel = channel
        self.reason = reason


class ChannelFailed(AlarmError):
    """`channel` did not take a message: `reason`."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"the alarm channel {channel} failed: {reason}; it is tried again")
        self.channel = channel
        self.reason = message(reason)
