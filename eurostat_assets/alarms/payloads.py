"""What is POSTed to a webhook: the message as the chat that answers there wants it, so that all of it is read as text.

    Slack                        blocks of `plain_text`, which obeys nothing; `text`, with & < > as entities, to notify by
    Teams' workflows             an adaptive card of text runs, in which nothing is Markdown
    Mattermost, Rocket.Chat,     `text` in Markdown, escaped; known by the path /hooks/…
    Teams' old connectors
    any other                    `text` as Slack takes it, whose form most others have taken over

Not here: sending it (channels.py), and cleaning the text (telling.py).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from eurostat_assets.alarms.message import Message
from eurostat_assets.model import markdown

SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
TEAMS_HOSTS = (".logic.azure.com", ".powerplatform.com")
"""Where the workflows of Microsoft Teams answer, which want a card (learn.microsoft.com, "Create incoming webhooks")."""
CONNECTOR_HOSTS = (".webhook.office.com",)


def payload(url: str, message: Message) -> dict[str, Any]:
    """Return the JSON body of `message` for the webhook at `url`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.endswith(TEAMS_HOSTS):
        return _card(message)
    if host in SLACK_HOSTS:
        return _mrkdwn(message) | {"blocks": [_section(line) for line in (message.title, *message.lines)]}
    if parts.path.startswith("/hooks/") or host.endswith(CONNECTOR_HOSTS):
        # Two line breaks are a new paragraph in each of them.
        return {"text": "\n\n".join(map(markdown.text, (message.title, *message.lines)))}
    return _mrkdwn(message)


def _mrkdwn(message: Message) -> dict[str, Any]:
    """Slack's own rule: these three characters as entities, and nothing is a link, a mention or a command (api.slack.com,
    "Formatting text"); `mrkdwn: false` keeps * and _ as they are."""
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "mrkdwn": False, "parse": "none", "unfurl_links": False, "unfurl_media": False}


def _section(line: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": line or " ", "emoji": False}}


def _card(message: Message) -> dict[str, Any]:
    weighted = [(message.title, "Bolder"), *((line, "Default") for line in message.lines)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": _runs(line, weight)} for line, weight in weighted],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _runs(line: str, weight: str) -> list[dict[str, str]]:
    """A card's text knows no Markdown in a run, but the functions {{DATE(…)}} and {{TIME(…)}}: no run has two braces."""
    texts = re.split(r"(?<=\{)(?=\{)", line)
    return [{"type": "TextRun", "text": text, "weight": weight} for text in texts]
