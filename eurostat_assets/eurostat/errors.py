"""What can go wrong between here and Eurostat, sorted by what a caller should do about it.

EurostatError                 names the dataset (where there is one), what happened, and the remedy
├── Transient                 asking again later may cure it; nothing was replaced meanwhile
│   ├── Unreachable           no answer at all: DNS, refused, TLS, proxy, time-out
│   ├── Unavailable           not now: 5xx, 429, a web page with status 200, a redirect to one
│   ├── RedirectRefused       sent to another site, to an address that is none, or on and on
│   ├── TooSlow               silent longer than the read time-out, or not done by the overall deadline
│   ├── CutShort              the body ended early: empty, truncated, broken compression
│   ├── Unreadable            a whole body, but no dataset, feed or table of contents
│   ├── ReleaseChanged        releases kept landing between the parts of one download
│   └── StillPreparing        Eurostat prepares the answer and wants to be asked again (.wait seconds)
└── Final                     asking again gives the same answer; a person or another request must help
    ├── MalformedCode         not a dataset code; refused before any request
    ├── NotAvailable          Eurostat does not (or no longer) disseminate this code
    ├── Refused               any other refusal (.status, .error_id, .label as sent)
    ├── ExtractionTooBig      ask in slices (.estimate and .limit in cells, None where not said)
    ├── WrongDataset          a body that belongs to another dataset (.claimed)
    ├── DatedAhead            a release that is dated in the future (.release)
    ├── TooLarge              a body that goes on beyond what is announced of it, or swells (.received, .allowed)
    ├── EmptyTheme            a theme that selects nothing, which is never a reason to withdraw everything
    └── DiskFull              no room in .folder (.needed bytes at least)
"""

from datetime import datetime
from pathlib import Path

from eurostat_assets.model.characters import NAME, bounded, ends
from eurostat_assets.model.messages import message

LONGEST = 1000
"""Characters of what happened that reach the person."""


class EurostatError(Exception):
    """`what` happened to `dataset`, and the `remedy`: whole sentences without the final stop. Both may quote the server."""

    remedy = "See the message"

    def __init__(self, what: str, *, dataset: str | None = None, remedy: str | None = None) -> None:
        self.what = ends(message(what, len(what)), LONGEST)
        self.dataset = dataset
        self.remedy = remedy or self.remedy
        super().__init__(f"{dataset + ': ' if dataset else ''}{self.what.removesuffix('.')}. {self.remedy}.")


class Transient(EurostatError):
    remedy = "Nothing was replaced; try again later"


class Unreachable(Transient):
    remedy = "Check the network, the API address, HTTPS_PROXY and REQUESTS_CA_BUNDLE, then try again"


class Unavailable(Transient):
    remedy = "Eurostat seems to be down or busy; nothing was replaced; try again in some minutes"


class RedirectRefused(Transient):
    """`target` as far as it may be repeated, and `why` it was not followed."""

    remedy = "Nothing was replaced; try again in some minutes, and if it stays so EUROSTAT_API_URL is to be the new address"

    def __init__(self, url: str, target: str, why: str, dataset: str | None = None) -> None:
        super().__init__(f"{url} redirects to {target}, {why}", dataset=dataset)


class TooSlow(Transient):
    remedy = "Nothing was replaced; try again later, or raise the time-outs"


class CutShort(Transient):
    remedy = "Nothing was replaced; try again"


class Unreadable(Transient):
    remedy = "Nothing was replaced; try again, and if it stays so the format has changed"


class ReleaseChanged(Transient):
    remedy = "Nothing was replaced; try again in some minutes"

    def __init__(self, dataset: str) -> None:
        super().__init__("Eurostat released it anew while it was being downloaded in parts", dataset=dataset)


class StillPreparing(Transient):
    """`wait`: seconds after which the same request is worth repeating; `label`: what Eurostat said."""

    remedy = "The same request will be answered later; nothing needs doing"

    def __init__(self, dataset: str | None, wait: float, label: str = "") -> None:
        self.wait, self.label = wait, label
        super().__init__(
            f"Eurostat is still preparing this answer (asynchronous); ask again in about {wait:.0f} s{_quoted(label)}",
            dataset=dataset,
        )


def _quoted(label: str) -> str:
    """The server's own words, to be put at the end of a sentence."""
    return f" (it says: {label})" if label else ""


class Final(EurostatError):
    pass


class MalformedCode(Final):
    remedy = "A code is at most 63 letters, digits, '_' and '-', as in HLTH_CD_ANR; see the catalogue"


class NotAvailable(Final):
    remedy = "Check the code in the catalogue; it may have been renamed or withdrawn"


class Refused(Final):
    """`status`, `error_id` and `label` as in Eurostat's error envelope."""

    remedy = "Repeating the same request is pointless; report it with the label above"

    def __init__(self, dataset: str | None, status: int, label: str, error_id: int | None = None) -> None:
        self.status, self.label, self.error_id = status, label, error_id
        super().__init__(f"Eurostat refused the request with status {status}: {label}", dataset=dataset)


class ExtractionTooBig(Final):
    """`estimate` and `limit` in cells, empty ones included; None where Eurostat did not say. `label`: what it said."""

    remedy = "It must be asked for in slices"

    def __init__(self, dataset: str | None, estimate: int | None, limit: int | None, label: str = "") -> None:
        self.estimate, self.limit, self.label = estimate, limit, label
        cells = f"{estimate:,} cells" if estimate is not None else "an unknown number of cells"
        at_most = f", at most {limit:,} are allowed" if limit is not None else ""
        super().__init__(f"the extraction is too big: {cells}{at_most}{_quoted(label)}", dataset=dataset)


class WrongDataset(Final):
    """`claimed`: the dataset that the body says it is, None where it does not say."""

    remedy = "Nothing was replaced; try again in an hour and tell Eurostat if it stays so"

    def __init__(self, dataset: str, claimed: str | None) -> None:
        self.claimed = claimed
        # Nobody has looked at its characters yet: what is no code is shown as what it is.
        name = claimed if claimed is None or claimed.isprintable() else repr(claimed)
        super().__init__(
            f"the answer is the body of {bounded(name, NAME) if name else 'an unnamed dataset'}",
            dataset=dataset,
        )


class DatedAhead(Final):
    """`moment`: the date in the future. Were it believed, every real release would be older than it."""

    remedy = (
        "Nothing was replaced; look at this machine's clock, and if it is right tell Eurostat;"
        " EUROSTAT_DAYS_AHEAD is how far ahead a date is believed"
    )

    def __init__(self, moment: datetime, dataset: str | None = None) -> None:
        self.moment = moment
        super().__init__(f"its release is dated {moment:%Y-%m-%d}, in the future", dataset=dataset)


class TooLarge(Final):
    """`received`: bytes of its text until it was given up; `allowed`: of it, at most."""

    remedy = (
        "Nothing was replaced and nothing of it was kept; if it really is that large, raise EUROSTAT_LARGEST_UNANNOUNCED"
        " or EUROSTAT_BYTES_PER_OBSERVATION"
    )

    def __init__(self, why: str, received: int, allowed: int, *, dataset: str | None = None) -> None:
        self.received, self.allowed = received, allowed
        super().__init__(
            f"the body was given up after {received:,} bytes of text: {why}, so that at most {allowed:,} were expected",
            dataset=dataset,
        )


class EmptyTheme(Final):
    remedy = "Nothing was withdrawn; check the theme's pattern, subtree and includes against the catalogue"


class DiskFull(Final):
    """`needed`: bytes that the file has or would have, as far as known."""

    def __init__(self, dataset: str, folder: Path, needed: int, free: int) -> None:
        self.folder, self.needed, self.free = folder, needed, free
        super().__init__(
            f"no room in {folder} for at least {needed:,} bytes ({free:,} free there)",
            dataset=dataset,
            remedy="Make room or choose another folder; nothing half-written was left",
        )
