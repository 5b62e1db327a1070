"""Parts of a dataset: the empty slice that probes ask for, a slice of two codes, and other languages."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from eurostat_assets.doctor.collecting import LANGUAGES
from eurostat_assets.doctor.contract.check import Case, check, not_given, shown
from eurostat_assets.doctor.contract.dataset import notes_of, update_dates
from eurostat_assets.doctor.contract.dimensions import codes_of

_AGAIN = "Once more in ten minutes: a release may have come between two requests. If it stays so, report it"


@check(
    "outline_empty",
    "probe: sinceTimePeriod=2999 brings no cell and no period",
    needs=["outline_en"],
    after=["outline_address", "json_members"],
    effect="Probes cost as much as downloads",
)
def outline_empty(case: Case) -> Iterator[str]:
    document = case["outline_en"].document
    if document["value"] or document.get("status"):
        yield f"it brings {len(document['value'])} cells"
    if document["size"][-1] != 0:
        yield f"it brings {document['size'][-1]} periods"


@check(
    "outline_positions",
    "probe: it lists all codes of the other dimensions",
    needs=["outline_en", "whole"],
    after=["outline_address", "json_members"],
    effect="Datasets too big for one extraction would be cut into slices that lack something; checks hold them back",
    remedy=_AGAIN,
)
def outline_positions(case: Case) -> Iterator[str]:
    outline, whole = case["outline_en"].document, case["whole"].document
    for name in whole["id"][:-1]:
        ours, theirs = codes_of(outline["dimension"][name]), codes_of(whole["dimension"][name])
        if ours != theirs:
            yield f"{name} has {len(ours)} codes instead of {len(theirs)}"


@check(
    "outline_dates",
    "probe: it has the dates of the whole dataset",
    needs=["outline_en", "whole"],
    after=["outline_address", "annotation_dates"],
    effect="A probe takes news for known, or the other way round, until the next sweep reads the inventory",
    remedy=_AGAIN,
)
def outline_dates(case: Case) -> Iterator[str]:
    outline, whole = update_dates(case["outline_en"].document), update_dates(case["whole"].document)
    if outline != whole:
        yield f"{shown(outline)} instead of {shown(whole)}"


@check(
    "slice_positions",
    "slice: a repeated parameter brings just these codes",
    needs=["slice"],
    after=["slice_address", "dimensions"],
    effect="Datasets too big for one extraction are not complete; checks hold them back",
)
def slice_positions(case: Case) -> Iterator[str]:
    asked = parse_qsl(urlsplit(case["slice"].url).query)[2:]
    document = case["slice"].document
    got = codes_of(document["dimension"][asked[0][0]])
    if got != [code for _, code in asked]:
        yield f"asked for {asked}, got {shown(got)}"


@check(
    "slice_dates",
    "slice: it has the dates and OBS_COUNT of the whole dataset",
    needs=["slice", "whole"],
    after=["slice_address", "annotation_dates", "obs_count"],
    effect="Slices of two releases could be joined, or whole ones be taken for incomplete",
    remedy=_AGAIN,
)
def slice_dates(case: Case) -> Iterator[str]:
    part, whole = case["slice"].document, case["whole"].document
    if update_dates(part) != update_dates(whole):
        yield f"{shown(update_dates(part))} instead of {shown(update_dates(whole))}"
    ours, theirs = (notes_of(one).get("OBS_COUNT") for one in (part, whole))
    if ours != theirs:
        yield f"OBS_COUNT is {shown(ours)} instead of {shown(theirs)}"


@check(
    "dataset_languages",
    "language: lang=FR and lang=DE change labels and nothing else",
    needs=[f"outline_{one}" for one in LANGUAGES],
    after=["outline_address", "dimensions"],
    effect="With EUROSTAT_LANGUAGE=fr or de datasets cannot be loaded, or come in English; none in English",
)
def dataset_languages(case: Case) -> Iterator[str]:
    english = case["outline_en"].document
    for language in LANGUAGES[1:]:
        if refused := not_given(case[f"outline_{language}"]):
            yield refused
            continue
        other = case[f"outline_{language}"].document
        if (said := other["extension"].get("lang")) != language.upper():
            yield f"{language}: the answer says it is in {shown(said)}"
        if [codes_of(one) for one in other["dimension"].values()] != [
            codes_of(one) for one in english["dimension"].values()
        ]:
            yield f"{language}: other codes than in English"
