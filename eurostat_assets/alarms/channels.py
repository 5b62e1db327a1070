"""The channels: webhook, e-mail and log. Each sends one message or raises ChannelFailed, within seconds."""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from eurostat_assets.alarms.errors import ChannelFailed, MalformedAddress
from eurostat_assets.alarms.masking import masked

log = logging.getLogger("eurostat_assets.alarms")

TIMEOUT = 10.0  # seconds; several channels fit into the minute that a tick of a sensor has
TEAMS_HOSTS = (".logic.azure.com", ".powerplatform.com")
"""Where the workflows of Microsoft Teams answer, which want a card (learn.microsoft.com, "Create incoming webhooks")."""


@dataclass(frozen=True)
class Message:
    """What is told: a title of one line, and the sentences, one line each."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join((self.title, *self.lines))


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
    """POSTs `{"text": …}`, which Slack, Mattermost and Teams' connectors take, or a card where Teams' workflows want one."""

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
            answer = requests.post(self.url, json=self._body(message), timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            # Its text has the address in it, which is the secret.
            host = urlsplit(self.url).hostname
            raise ChannelFailed(self.name, f"{type(error).__name__} at {host}") from None
        if not 200 <= answer.status_code < 300:
            said = masked(" ".join(answer.text.split())[:200], self.secrets)
            raise ChannelFailed(self.name, f"it answered {answer.status_code} {said}".rstrip())

    def _body(self, message: Message) -> dict[str, Any]:
        if not (urlsplit(self.url).hostname or "").endswith(TEAMS_HOSTS):
            return {"text": message.text}
        blocks = [
            {"type": "TextBlock", "text": line, "wrap": True, "weight": weight}
            for line, weight in [
                (message.title, "Bolder"),
                *((one, "Default") for one in message.lines),
            ]
        ]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": blocks,
        }
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


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
            raise ChannelFailed(self.name, masked(f"{type(error).__name__}: {error}", self.secrets)) from None
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
