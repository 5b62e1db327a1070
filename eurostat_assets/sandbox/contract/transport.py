"""Changes of addresses and of how answers travel."""

from __future__ import annotations

from eurostat_assets.sandbox.contract.change import CHANGES, Change, Reply, change

_BIG = ("inventory", "toc", "feed", "data")


def _moved(*resources: str) -> Change:
    def move(reply: Reply) -> None:
        if reply.resource in resources and reply.status == 200:
            reply.move()

    return move


for _resource in ("inventory", "toc", "feed", "slice", "bulk", "codelists", "codelist"):
    CHANGES[f"{_resource}_moved"] = _moved(_resource)
CHANGES["outline_refused"] = _moved("outline")
CHANGES["data_moved"] = _moved("data", "outline", "slice")


@change
def codes_case_sensitive(reply: Reply) -> None:
    """A dataset's code in lower case is unknown."""
    if reply.is_json_stat and reply.path.rpartition("/")[2].islower():
        reply.move()


@change
def inventory_redirected(reply: Reply) -> None:
    """The inventory is at another address, to which this one leads."""
    if reply.resource == "inventory" and "moved" not in reply.query:
        reply.status, reply.body, reply.gzip = 302, b"", False
        reply.headers = {"location": "inventory?type=data&moved=1"}


@change
def other_media_type(reply: Reply) -> None:
    """The inventory calls itself JSON."""
    if reply.resource == "inventory":
        reply.headers["content-type"] = "application/json"


@change
def no_gzip(reply: Reply) -> None:
    """Nothing is compressed on the way, whatever is asked for."""
    reply.gzip = False


@change
def length_announced(reply: Reply) -> None:
    """Answers come with their length."""
    if reply.resource in _BIG:
        reply.announced = True


@change
def etag(reply: Reply) -> None:
    """The feed can be asked whether it changed."""
    if reply.resource == "feed":
        reply.headers["etag"] = '"1"'


@change
def ranges(reply: Reply) -> None:
    """Parts of a body can be had."""
    if "range" in reply.asked and reply.status == 200:
        reply.status, reply.body, reply.gzip = 206, reply.body[:100], False
        reply.headers["content-range"] = "bytes 0-99/*"
