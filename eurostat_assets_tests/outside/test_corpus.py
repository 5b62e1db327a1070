"""Every hostile string at every sink, read back by what interprets that sink: text arrives, and nothing but text."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import unicodedata
import warnings
from collections.abc import Callable
from email import message_from_bytes, policy
from html.parser import HTMLParser

import dagster as dg
import pytest
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from eurostat_assets import run_tags
from eurostat_assets.alarms import Email, Message
from eurostat_assets.alarms.payloads import payload
from eurostat_assets.cli.result_table import result_tables
from eurostat_assets.cli.terminal import Terminal, shown
from eurostat_assets.jsonstat import JsonStatError
from eurostat_assets.logs import told
from eurostat_assets.metrics import Books, exposition
from eurostat_assets.model import markdown, spreadsheets
from eurostat_assets.model.characters import clean
from eurostat_assets.model.messages import line, message
from eurostat_assets_tests.outside.corpus import HARMLESS, HOSTILE

NOT_TEXT = {"Cc", "Cf", "Cs", "Zl", "Zp"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
GITHUB_LINKS = re.compile(r"https?://|www\.|mailto:|[\w.+-]+@[\w-]+\.\w", re.IGNORECASE)


def title(text: str) -> str:
    """A text as any record has it."""
    return clean(text)


# One function per sink: what a reader of it sees of the text, or a failed assertion where there is more than text.


def on_a_terminal(text: str) -> str:
    written = io.StringIO()
    console = Terminal(file=written, force_terminal=True, width=4_000, color_system="truecolor")
    # As a record of an older version may have it: not cleaned, only of a bounded length.
    console.print(f"[red]{shown(text[:4_000])}![/] after", soft_wrap=True, highlight=False)
    sent = written.getvalue()
    assert "\x1b" not in COLOURS.sub("", sent)
    assert sent.startswith("\x1b[31m")
    assert sent.endswith("\x1b[0m after\n")  # the text has not closed the colour, nor kept it
    seen = COLOURS.sub("", sent)
    assert not controls(seen.replace("\n", ""))
    return seen.removesuffix("! after\n")


def in_a_table_of_the_terminal(text: str) -> str:
    written = io.StringIO()
    console = Terminal(file=written, force_terminal=True, width=4_000)
    for part in result_tables("rows", ["title"], [[text]], width=3_000):
        console.print(part)
    seen = COLOURS.sub("", written.getvalue())
    assert not controls(seen.replace("\n", ""))
    return seen.split("\n")[3].strip()


def in_the_log(text: str) -> str:
    record = logging.makeLogRecord({"msg": "%s", "args": (message(text),), "levelname": "INFO"})
    written = json.dumps(told(record), ensure_ascii=False)
    assert len(written.splitlines()) == 1
    assert not controls(written)
    return json.loads(written)["message"]


def in_csv(text: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["HLTH_X", spreadsheets.cell(text), "end"])
    ((code, cell, end),) = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert (code, end) == ("HLTH_X", "end")
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
    return cell[1:] if cell.startswith("'") and spreadsheets.cell(cell[1:]) == cell else cell


def in_markdown(text: str) -> str:
    return _text_of_markdown(f"{markdown.text(text)}\n")


def in_a_markdown_table(text: str) -> str:
    return _text_of_markdown(
        markdown.table(("title", "rows"), [(text, 7)]), cells=["title", "rows", None, "7"]
    )


def in_html(text: str) -> str:
    from eurostat_assets.report.pages import _environment

    page = (
        _environment(html=True).from_string('<td title="{{ text }}">{{ text }}</td>').render(text=title(text))
    )
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.tags == ["td"]
    assert reader.attributes == [("title", reader.text)]
    return reader.text


def in_slack(text: str) -> str:
    body = _posted("https://hooks.slack.com/services/T/B/x", text)
    assert {block["text"]["type"] for block in body["blocks"]} == {"plain_text"}
    assert not any(block["text"]["emoji"] for block in body["blocks"])
    assert all(len(block["text"]["text"]) <= 3_000 for block in body["blocks"])
    assert body["mrkdwn"] is False
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", body["text"])
    shown_as = body["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    title, said = (block["text"]["text"] for block in body["blocks"])
    assert shown_as.rstrip() == f"{title}\n{said}".rstrip()
    return said


def in_teams(text: str) -> str:
    body = _posted("https://prod-1.westeurope.logic.azure.com/workflows/x", text)
    blocks = body["attachments"][0]["content"]["body"]
    runs = [run for block in blocks for run in block["inlines"]]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert {run["type"] for run in runs} == {"TextRun"}
    assert not any("{{" in run["text"] for run in runs)
    return "".join(run["text"] for run in blocks[1]["inlines"])


def in_mattermost(text: str) -> str:
    body = _posted("https://chat.example/hooks/x", text)
    assert set(body) == {"text"}
    return _text_of_markdown(body["text"]).removeprefix("Title\n")


def at_any_other_webhook(text: str) -> str:
    body = _posted("https://elsewhere.example/x", text)
    return (
        body["text"].removeprefix("Title\n").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )


def in_mail(text: str) -> str:
    channel = Email("smtp://mail.example", ("ada@example.org",))
    sent = channel._letter(Message(text, (text,))).as_bytes(policy=policy.SMTP)
    letter = message_from_bytes(sent, policy=policy.default)
    made = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    assert set(letter.keys()) - made == {"Content-Type", "Content-Transfer-Encoding"}
    assert letter["To"] == "ada@example.org"
    assert not controls(letter["Subject"])
    body = letter.get_content().replace("\r\n", "\n")
    return body.removesuffix("\n")


def in_metrics(text: str) -> str:
    from prometheus_client import generate_latest

    books = Books(up=True, free={text: 1}, findings=[("kind", "error")])
    families = {
        one.name: one
        for one in text_string_to_metric_families(
            generate_latest(exposition._registry(lambda: books)).decode()
        )
    }
    assert families["eurostat_mirror_up"].samples[0].value == 1
    (sample,) = families["eurostat_mirror_disk_free_bytes"].samples
    return sample.labels["folder"]


def in_tags(text: str) -> str:
    tags = run_tags.of("2026-01-01", text) | run_tags.why(text)
    assert not any(controls(one) for one in tags.values())
    return tags[run_tags.TITLE]


def in_dagster_text(text: str) -> str:
    failure = dg.Failure(message(text))
    assert failure.description is not None
    return failure.description


def in_an_error(text: str) -> str:
    return JsonStatError(text).problem


def in_a_picture(text: str) -> str:
    from matplotlib.figure import Figure

    from eurostat_assets.pictures.drawing import _dress

    figure = Figure()
    axes = figure.subplots()
    _dress(axes, title(text), ["2020"])
    shown_as = axes.get_title(loc="left")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a script that the font lacks
        figure.savefig(io.BytesIO())  # raises where a formula is read into it
    return shown_as


SINKS: dict[str, Callable[[str], str]] = {
    one.__name__: one
    for one in (
        on_a_terminal, in_a_table_of_the_terminal, in_the_log, in_csv, in_markdown, in_a_markdown_table, in_html, in_slack,
        in_teams, in_mattermost, at_any_other_webhook, in_mail, in_metrics, in_tags, in_dagster_text, in_an_error,
        in_a_picture,
    )
}  # fmt: skip
SHORT = {"in_tags", "in_a_picture", "in_metrics"}


@pytest.mark.parametrize("sink", SINKS)
def test_of_a_hostile_text_only_text_arrives(sink: str) -> None:
    for name, text in HOSTILE.items():
        try:
            seen = SINKS[sink](text)
        except AssertionError as error:
            raise AssertionError(f"{name} at {sink}: {error}") from error
        assert not controls(seen.replace("\n", "")), f"{name} at {sink}: {seen!r}"
        assert len(seen) <= 5_000, f"{name} at {sink} has {len(seen)} characters"
        assert not re.search(r"[\u0300-\u036f\u20dd]{4}", seen), f"{name} at {sink}"


@pytest.mark.parametrize("sink", SINKS)
def test_a_harmless_text_arrives_as_it_is(sink: str) -> None:
    for text in HARMLESS:
        seen = SINKS[sink](text)
        if sink == "in_mail":
            seen = seen.replace("\n", "")
        whole = seen == text
        cut = sink in SHORT and seen.endswith("…") and text.startswith(seen[:-1])
        assert whole or cut, f"{sink}: {seen!r} instead of {text!r}"


def test_the_corpus_is_as_big_as_it_says_and_hostile() -> None:
    assert len(HOSTILE) >= 60
    assert all(clean(text) == text for text in HARMLESS)


def controls(text: str) -> set[str]:
    """The characters that are no text."""
    return {f"U+{ord(one):04X}" for one in text if unicodedata.category(one) in NOT_TEXT}


def _posted(url: str, text: str) -> dict:
    """The body as a server reads it."""
    return json.loads(json.dumps(payload(url, Message("Title", (line(text),)))))


def _text_of_markdown(source: str, cells: list[str | None] | None = None) -> str:
    """What is read of a Markdown text, as GitHub's kind; asserts that there is nothing but paragraphs, cells and code."""
    tokens = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(source)
    allowed = {"paragraph_open", "paragraph_close", "inline"} | (
        {
            f"{tag}_{side}"
            for tag in ("table", "thead", "tbody", "tr", "th", "td")
            for side in ("open", "close")
        }
        if cells
        else set()
    )
    assert {token.type for token in tokens} <= allowed
    texts = []
    for token in tokens:
        if token.type != "inline":
            continue
        children = token.children or []
        assert {child.type for child in children} <= {"text", "text_special", "code_inline"}
        # GitHub's Markdown looks for addresses in the text that was read, but not in code.
        for child in children:
            assert child.type == "code_inline" or not GITHUB_LINKS.search(child.content), child.content
        texts.append("".join(child.content for child in children))
    if cells:
        assert len(texts) == len(cells)
        assert all(wanted in (None, text) for wanted, text in zip(cells, texts, strict=True))
        return texts[cells.index(None)]
    return "\n".join(texts)


class _Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")
