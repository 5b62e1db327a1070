"""`eurostat-assets doctor`: is this machine fit for a mirror, and is Eurostat's API still what it was?"""

from __future__ import annotations

import json as json_module
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.terminal import Terminal, complaint, say, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eurostat_assets.doctor.collecting import Answers
    from eurostat_assets.doctor.verdict import Verdict
    from eurostat_assets.settings import Settings

_COLOURS = {
    "as expected": "green",
    "changed": "bold red",
    "wrong": "bold red",
    "not reachable": "yellow",
    "not checked": "dim",
}
_NARROW = 80
_MARGIN = 15

Offline = Annotated[bool, typer.Option("--offline", help="Look at this machine only; ask Eurostat nothing.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")]
Record = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep every answer there for a bug report; secrets are left out."),
]
Replay = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Judge the answers recorded there instead of asking.")
]
Dataset = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="The dataset to look at; by default a small one of the theme."),
]


def doctor(
    offline: Offline = False,
    json: Json = False,
    record: Record = None,
    replay: Replay = None,
    dataset: Dataset = None,
) -> None:
    """Check this machine, and with some 20 requests whether Eurostat's API is still what the mirror relies on."""
    from eurostat_assets import settings as settings_module
    from eurostat_assets.doctor.runner import contract_verdicts, machine_verdicts
    from eurostat_assets.doctor.verdict import exit_code
    from eurostat_assets.model.addresses import without_user

    if sum(map(bool, (offline, record, replay))) > 1:
        raise typer.BadParameter("--offline, --record and --replay exclude each other")
    settings = settings_module.load()
    sections: dict[str, Sequence[Verdict]] = {}
    if replay:
        sections[f"Eurostat's API, as recorded in {replay}"] = contract_verdicts(settings, _replayed(replay))
    else:
        answers = None if offline else _asked(settings, record, dataset)
        sections["This machine"] = machine_verdicts(settings, os.environ, answers)
        if answers:
            sections[f"Eurostat's API at {without_user(settings.api_url)}"] = contract_verdicts(
                settings, answers
            )
    verdicts = [verdict for section in sections.values() for verdict in section]
    code = exit_code(verdicts)
    if json:
        say(
            json_module.dumps(
                {"exit_code": code, "verdicts": [one.as_dict() for one in verdicts]},
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        _print(sections)
    raise typer.Exit(code)


def _asked(settings: Settings, record: Path | None, dataset: str | None) -> Answers:
    from eurostat_assets.doctor.recording import Recorder
    from eurostat_assets.doctor.runner import ask, contract_verdicts
    from eurostat_assets.eurostat import check_code
    from eurostat_assets.model.addresses import without_secrets

    recorder = Recorder(record, without_secrets(settings.api_url)) if record else None
    code = check_code(dataset) if dataset else None
    with complaint.status("Asking Eurostat …") as status:

        def tell(number: int, count: int, name: str) -> None:
            text = f"Asking Eurostat, {number} of {count}: {name}"
            if complaint.is_terminal:
                status.update(text)
            elif number % 5 == 1:
                complaint.print(text)

        answers = ask(settings, dataset=code, on_progress=tell, on_answer=recorder and recorder.add)
    if recorder:
        recorder.finish(answers, contract_verdicts(settings, answers))
        complaint.print(f"Recorded in {shown(record)}; look through it before you send it.", soft_wrap=True)
    return answers


def _replayed(folder: Path) -> Answers:
    from eurostat_assets.doctor.recording import NoRecording, recorded

    try:
        return recorded(folder)
    except NoRecording as error:
        raise typer.BadParameter(str(error)) from None


def _print(sections: dict[str, Sequence[Verdict]]) -> None:
    console = Terminal()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Terminal(width=_NARROW)
    for title, verdicts in sections.items():
        console.print(f"\n[bold]{shown(title)}[/]", soft_wrap=True, highlight=False)
        for verdict in verdicts:
            for line in _lines(verdict, console.width):
                console.print(line, soft_wrap=True, highlight=False)
    everything = [verdict.outcome for section in sections.values() for verdict in section]
    counts = {str(outcome): everything.count(outcome) for outcome in dict.fromkeys(everything)}
    console.print(
        "\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + ".", highlight=False
    )


def _lines(verdict: Verdict, width: int) -> Iterator[str]:
    """What is checked; below, where that is not as expected, what is there instead, what it means and what to do."""
    outcome = str(verdict.outcome)
    told = verdict.effect or verdict.remedy
    detail = f" ({verdict.found})" if verdict.found and not told else ""
    mark = f"[{_COLOURS[outcome]}]{outcome}[/]" + " " * (_MARGIN - len(outcome))
    for line in textwrap.wrap(verdict.expected + detail, width - _MARGIN):
        yield mark + shown(line)
        mark = " " * _MARGIN
    if told:
        for word, text in (("found", verdict.found), ("means", verdict.effect), ("do", verdict.remedy)):
            indent = " " * (_MARGIN + 7)
            first = f"{' ' * _MARGIN}{word + ':':<7}"
            # Addresses are kept whole, so that they can be copied.
            yield from map(
                shown,
                textwrap.wrap(
                    text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False
                ),
            )
