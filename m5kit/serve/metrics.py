"""What a service counts, for Prometheus."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one service.

    Args:
        paths: those that are counted by name; any other is counted as ``other``, so that a client cannot invent names.
    """

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        self.registry = CollectorRegistry()
        self._requests = Counter("m5kit_requests", "Answered requests.", ("path", "status"), registry=self.registry)
        self._seconds = Histogram(
            "m5kit_request_seconds", "Time of requests.", ("path",), buckets=SECONDS, registry=self.registry
        )
        self._batch = Histogram("m5kit_batch_items", "Items of a batch.", buckets=SIZES, registry=self.registry)
        self._of = lru_cache(1024)(
            self._find
        )  # the counters of a path and a status; finding them takes longer than adding
        self.waiting = Gauge("m5kit_waiting_requests", "Requests that wait for a batch.", registry=self.registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        number, duration = self._of(path if path in self._paths else "other", status)
        number.inc()
        duration.observe(seconds)

    def _find(self, name: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(name, str(status)), self._seconds.labels(name)

    def batch(self, items: int) -> None:
        """Count one batch."""
        self._batch.observe(items)

    def text(self) -> bytes:
        """Everything in the text format."""
        return generate_latest(self.registry)
