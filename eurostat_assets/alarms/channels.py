"""The channels: webhook, e-mail and log. Each sends one message or raises ChannelFailed, within seconds."""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import unquote, urlsplit

from eurostat_assets.alarms.errors import ChannelFailed, MalformedAddress
from eurostat_assets.alarms.message import Message
from eurostat_assets.alarms.payloads import payload
from eurostat_assets.model.messages import line

log = logging.getLogger("eurostat_assets.alarms")

SAID = 200  # characters of what a server answers that are told
TIMEOUT = 10.0  # seconds; several channels fit into the minute that a tick of a sensor has


class Channel(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str: ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        ...

    def send(self, message: Message) -> None:
        """Raises ChannelFailed."""
        ...


@dataclass(frozen=True)
class Webhook:
    """POSTs JSON as Slack, Mattermost and Teams want it (payloads.py)."""

    url: str = field(repr=False)
    name: str = "webhook"

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MalformedAddress(self.name, "it is not an http(s) address")

    @property
    def secrets(self) -> tuple[str, ...]:
        parts = urlsplit(self.url)
        return (self.url, *(part for part in (parts.path, parts.query) if len(part) > 1))

    def send(self, message: Message) -> None:
        import requests

        try:
            answer = requests.post(
                self.url, json=payload(self.url, message), timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            # Its text has the address in it, which is the secret.
            host = urlsplit(self.url).hostname
            raise ChannelFailed(self.name, f"{type(error).__name__} at {host}") from None
        if not 200 <= answer.status_code < 300:
            said = line(answer.text[:4096], SAID, secrets=self.secrets)
            raise ChannelFailed(self.name, f"it answered {answer.status_code} {said}".rstrip())


@dataclass(frozen=True)
class Email:
    """Plain mail by SMTP. `url`: `smtp://host:25`, `smtp+starttls://user:password@host:587` or `smtps://…` (TLS at once)."""

    url: str = field(repr=False)
    to: tuple[str, ...]
    sender: str = ""
    name: str = "email"

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
            raise MalformedAddress(
                self.name, "it is not of the form smtp://…, smtp+starttls://… or smtps://host:port"
            )
        if not self.to:
            raise MalformedAddress(self.name, "nobody is named to write to")

    @property
    def secrets(self) -> tuple[str, ...]:
        password = urlsplit(self.url).password
        return (self.url, *((password, unquote(password)) if password else ()))

    def send(self, message: Message) -> None:
        try:
            with self._connected() as server:
                refused = server.send_message(self._letter(message))
        except (OSError, smtplib.SMTPException) as error:  # ssl.SSLError is an OSError
            raise ChannelFailed(
                self.name, line(f"{type(error).__name__}: {error}", secrets=self.secrets)
            ) from None
        if refused:
            raise ChannelFailed(self.name, f"the mail server refused {', '.join(sorted(refused))}")

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
        else:
            port = 587 if parts.scheme == "smtp+starttls" else 25
            server = smtplib.SMTP(host, parts.port or port, timeout=TIMEOUT)
        try:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = message.title
        letter["From"] = self.sender or self.to[0]
        letter["To"] = ", ".join(self.to)
        letter["Date"] = formatdate()
        letter["Message-ID"] = make_msgid(domain="eurostat-assets.invalid")
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers from holidays
        letter.set_content("\n\n".join(message.lines) + "\n")
        return letter


@dataclass(frozen=True)
class Log:
    """Lines in the log of whatever process tells."""

    name: str = "log"

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    def send(self, message: Message) -> None:
        log.warning("%s", json.dumps({"alarm": message.title, "lines": message.lines}, ensure_ascii=False))
