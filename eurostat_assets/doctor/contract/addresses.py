"""Every address answers, with status 200 and something that is no refusal."""

from __future__ import annotations

from collections.abc import Iterator

from eurostat_assets.doctor.contract.check import Case, Judge, NothingToSee, check, not_given, shown

_MOVED = (
    "A single 404 can be an incident: try again in an hour. If it stays so, the address has moved: check EUROSTAT_API_URL "
    "and look for a new version of this software"
)
_ADDRESSES = {
    "inventory": ("the inventory of datasets", "Sweeps fail: what the feed does not tell is not noticed"),
    "toc_en": ("the table of contents", "No titles, folders and sizes; sweeps fail"),
    "feed_en": ("the RSS feed", "Releases are noticed by sweeps only, every quarter of an hour"),
    "whole": ("a dataset as JSON-stat", "No dataset can be loaded or refreshed; what is published stays"),
    "outline_en": (
        "a dataset without its cells (sinceTimePeriod=2999)",
        "A probe that is refused uses the inventory, others fail; big datasets cannot be sliced",
    ),
    "slice": (
        "two codes of one dimension (`geo=AT&geo=BE`)",
        "Datasets too big for one extraction cannot be loaded; the others do not mind",
    ),
    "bulk": (
        "a dataset as SDMX-CSV (last resort)",
        "Datasets that are not to be had as JSON stay as they are",
    ),
    "codelists": ("the inventory of code lists", "None today: labels come with each dataset"),
    "codelist": ("a code list (FREQ)", "None today: labels come with each dataset"),
}
# Of these it could not be told what is missing; which codes there are to be asked for, is seen in the outline.
_AFTER = {"outline_en": ["whole_address"], "slice": ["whole_address", "outline_address"]}


def _answers(request: str) -> Judge:
    def judge(case: Case) -> Iterator[str]:
        exchange = case[request]
        if refused := not_given(exchange):
            yield refused
        elif not exchange.content.strip():
            yield f"{exchange.url} answers with an empty body"
        elif exchange.cut:
            yield f"{exchange.url} answers with more than {len(exchange.content):,} bytes"

    return judge


for _request, (_what, _effect) in _ADDRESSES.items():
    check(
        f"{_request.removesuffix('_en')}_address",
        f"address: {_what} answers",
        needs=[_request],
        effect=_effect,
        remedy=_MOVED,
        after=_AFTER.get(_request, []),
    )(_answers(_request))


@check(
    "codes_case",
    "address: a dataset's code in lower case is the same dataset",
    needs=["outline_lower"],
    after=["outline_address"],
    effect="None for the mirror, which asks in upper case; scripts of your own may fail",
)
def codes_case(case: Case) -> Iterator[str]:
    if refused := not_given(case["outline_lower"]):
        yield refused
        return
    lower, upper = (case[name].document["extension"]["id"] for name in ("outline_lower", "outline_en"))
    if lower != upper:
        yield f"it is {shown(lower)} instead of {shown(upper)}"


@check(
    "redirects",
    "address: none of them leads elsewhere",
    needs=[],
    effect="None as long as the redirect leads to the same thing",
    remedy="Set EUROSTAT_API_URL to the new address if it is the whole API that moved",
)
def redirects(case: Case) -> Iterator[str]:
    answers = [one for one in case.exchanges.values() if not one.unreachable]
    if not answers:
        raise NothingToSee("nothing was answered")
    for exchange in answers:
        if exchange.redirected_to:
            yield f"{exchange.url} leads to {exchange.redirected_to}"
