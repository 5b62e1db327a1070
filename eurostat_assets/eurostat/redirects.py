"""Where a redirect of Eurostat's may lead: to another address of the same site, at most five times.

The same site is the same host, port and scheme, or its https where http was asked for; never back to http, and no other
host, not even another one below ec.europa.eu: whoever can make a gateway say `Location` must not choose what is mirrored,
nor have this machine ask its own network. An API that has moved is a new EUROSTAT_API_URL.

User and password of EUROSTAT_API_URL go along, since they go to the same site; none that a redirect brings is used.
"""

from urllib.parse import SplitResult, urljoin, urlsplit

from eurostat_assets.eurostat.errors import RedirectRefused
from eurostat_assets.model.addresses import without_user
from eurostat_assets.model.characters import bad_character

MOST = 5
STATUSES = frozenset({301, 302, 303, 307, 308})

_LONGEST = 4096
_PORTS = {"http": 80, "https": 443}


def next_address(url: str, location: str, dataset: str | None = None) -> str:
    """Return the address to which `location`, sent by `url`, leads; without its fragment. Raises RedirectRefused.

    A user of `url` is the user of what is returned, whose place is always the same site.
    """
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    url = without_user(url)
    if len(location) > _LONGEST or bad_character(location) or " " in location or not location.isascii():
        raise RedirectRefused(url, repr(location[:80]), "which is no address", dataset)
    try:
        asked, target = urlsplit(url), urlsplit(urljoin(url, location))
        why = _why_not(asked, target)
    except ValueError as error:  # brackets that hold no IPv6 address, a port that is no number
        raise RedirectRefused(url, repr(location[:80]), f"which is no address ({error})", dataset) from error
    if why:
        raise RedirectRefused(url, f"{target.scheme}://{target.hostname or ''}", why, dataset)
    return target._replace(fragment="", netloc=user + at + target.netloc).geturl()


def _why_not(asked: SplitResult, target: SplitResult) -> str | None:
    if target.scheme not in _PORTS or not target.hostname:
        return "which is no http(s) address"
    if "@" in target.netloc:
        return "with a user name, which nobody gave it"
    if "\\" in target.netloc or "%" in target.netloc:
        return "whose host is no name"
    if target.hostname != asked.hostname:
        return "which is another site"
    if (asked.scheme, target.scheme) == ("https", "http"):
        return "which is not encrypted"
    port, asked_port = target.port or _PORTS[target.scheme], asked.port or _PORTS[asked.scheme]
    upgraded = (asked.scheme, target.scheme) == ("http", "https") and (asked_port, port) == (80, 443)
    if port != asked_port and not upgraded:
        return "which is another port"
    return None
