"""The metrics themselves, all named `eurostat_mirror_…`, in the base units Prometheus asks for: seconds, bytes, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET6
from statistics import median
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from eurostat_assets.metrics.books import Books
from eurostat_assets.model.characters import NAME, clean
from eurostat_assets.web import Password, Policy
from eurostat_assets.web.wsgi import WsgiGuard

STATES = ("new", "current", "stale", "failed", "withdrawn", "excluded")
OUTCOMES = ("published", "failed", "interrupted")
STAGES = ("download", "read", "publish")
FAILED_IN = ("download", "read", "check", "publish", "died")
PREFIX = "eurostat_mirror_"


class _Mirror(Collector):
    """Reads the books whenever somebody asks."""

    def __init__(self, read: Callable[[], Books]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        books = self._read()
        yield _gauge("up", "Whether the mirror's database answers.", [((), float(books.up))])
        yield _gauge("disk_free_bytes", "Free on the disk of a folder.", _by(books.free), ["folder"])
        if books.up:
            yield from _of_datasets(books)
            yield from _of_publishing(books)
            yield from _of_trouble(books)

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read the books."""
        yield from ()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Say nothing of a request every quarter of a minute."""


class _Server6(ThreadingWSGIServer):
    address_family = AF_INET6


@contextmanager
def serve(
    read: Callable[[], Books],
    port: int,
    address: str = "127.0.0.1",
    hosts: Collection[str] = (),
    password: Password | None = None,
) -> Iterator[int]:
    """Answer `GET /metrics` at `address` in the background while the block runs; yields the port. Raises OSError.

    `hosts`: the names, besides `address` and those of loopback, by which Prometheus may call this server. `password`: what
    it has to send (its `basic_auth`), None for nothing.
    """
    names = {address, *hosts} - {"0.0.0.0", "::"}  # these two are every address, and no name
    policy = Policy(hosts=frozenset(name.lower() for name in names), password=password)
    guarded = WsgiGuard(make_wsgi_app(_registry(read)), policy)
    kind = _Server6 if ":" in address else ThreadingWSGIServer
    server = make_server(address, port, guarded, kind, _Silent)
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write(read: Callable[[], Books], file: Path) -> None:
    """Write the metrics into `file` (name it `*.prom`), for node_exporter's textfile collector; replaced as a whole."""
    write_to_textfile(str(file), _registry(read))


def text(read: Callable[[], Books]) -> str:
    """Return the metrics in Prometheus' text format."""
    return generate_latest(_registry(read)).decode()


def _registry(read: Callable[[], Books]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Mirror(read))
    return registry


def _of_datasets(books: Books) -> Iterator[Metric]:
    states = Counter(one.state for one in books.datasets)
    yield _gauge("datasets", "Datasets by state.", [((state,), states[state]) for state in STATES], ["state"])
    yield _gauge(
        "rows", "Rows of all published tables.", [((), sum(one.rows or 0 for one in books.datasets))]
    )
    stored = {
        "tables": sum(one.bytes or 0 for one in books.datasets),
        "raw": sum(one.raw_bytes or 0 for one in books.datasets),
    }
    yield _gauge("stored_bytes", "Bytes of tables with indexes, and of raw files.", _by(stored), ["store"])
    of_each: Samples = [
        ((one.dataset,), one.lag or 0.0)
        for one in books.datasets
        if one.state not in ("withdrawn", "excluded")
    ]
    lags = [lag for _, lag in of_each]
    yield _gauge(
        "datasets_behind",
        "Datasets of which Eurostat has a release that is not published here.",
        [((), sum(one.lag is not None for one in books.datasets))],
    )
    yield _gauge(
        "lag_seconds", "How long a newer release waits at the source; 0: none.", of_each, ["dataset"]
    )
    yield _gauge("lag_seconds_max", "The lag of the dataset furthest behind.", [((), max(lags, default=0))])
    middle = median(lags) if lags else 0
    yield _gauge("lag_seconds_median", "The lag of the dataset in the middle.", [((), middle)])


def _of_publishing(books: Books) -> Iterator[Metric]:
    counted = {name: books.outcomes[name].count if name in books.outcomes else 0 for name in OUTCOMES}
    yield _counter("releases", "Attempts to publish a release, by how they ended.", _by(counted), ["outcome"])
    stages = SummaryMetricFamily(
        PREFIX + "stage_seconds", "Seconds that each stage of a release takes.", labels=["stage"]
    )
    for stage in STAGES:
        took = books.stages.get(stage)
        stages.add_metric([stage], took.count if took else 0, took.seconds if took else 0.0)
    yield stages
    published = books.outcomes.get("published")
    rows, size = (published.rows, published.source_bytes) if published else (0, 0)
    yield _counter("published_rows", "Rows of every release that was published.", [((), rows)])
    yield _counter("downloaded_bytes", "Raw bytes of every release that was published.", [((), size)])
    faults = {stage: books.faults.get(stage, 0) for stage in FAILED_IN}
    yield _counter("faults", "Failed attempts by stage; died: the process did.", _by(faults), ["stage"])


def _of_trouble(books: Books) -> Iterator[Metric]:
    seen = [((one.source,), one.succeeded_at.timestamp()) for one in books.polls if one.succeeded_at]
    name = "last_success_timestamp_seconds"
    yield _gauge(name, "When feed and sweep were last read successfully.", seen, ["source"])
    failing = [((one.source,), one.failures) for one in books.polls]
    yield _gauge("source_failures", "Failures in a row of feed and sweep.", failing, ["source"])
    for name, meaning, found, what in (
        ("checks_failing", "Checks that a dataset's newest release does not pass.", books.checks, "check"),
        ("audit_findings", "What audits found and nobody has repaired.", books.findings, "kind"),
        ("incidents", "Open incidents.", books.incidents, "kind"),
    ):
        yield _gauge(name, meaning, list(Counter(found).items()), [what, "severity"])
    yield _gauge("alarm_channel_failures", "Failures in a row.", _by(books.channels), ["channel"])


Samples = Sequence[tuple[Sequence[str], float]]


def _by(values: Mapping[str, float]) -> Samples:
    return [((label,), float(value)) for label, value in values.items()]


def _gauge(name: str, meaning: str, samples: Samples, labels: list[str] | None = None) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, meaning, labels=labels or [])
    for values, number in samples:
        family.add_metric([clean(value, NAME) for value in values], number)
    return family


def _counter(name: str, meaning: str, samples: Samples, labels: list[str] | None = None) -> Metric:
    family = CounterMetricFamily(PREFIX + name, meaning, labels=labels or [])
    for values, number in samples:
        family.add_metric([clean(value, NAME) for value in values], number)
    return family
