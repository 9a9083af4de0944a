"""Requests counted and timed by their route, in this process."""

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

#: what a client may call a method is unbounded, a label isn't
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: paths that lead nowhere
NO_ROUTE = "none"
#: seconds
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)

disable_created_metrics()  # type: ignore[no-untyped-call]  # gauges that nobody reads, as many as there are counters


class HttpMetrics:
    """Threads share it. What gunicorn refuses by itself, a head that can't be read, isn't counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "tingxie_http_requests",
            "Requests answered by this front end.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "tingxie_http_request_seconds",
            "Time until the answer begins, in seconds; not of requests that ask to be held (wait, Prefer).",
            ["method", "route"],
            buckets=BOUNDS_S,
            registry=registry,
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float | None) -> None:
        """route: the pattern, never the path. seconds: None where the request was held on purpose."""
        method, route = method if method in METHODS else "other", route or NO_ROUTE
        self._answers.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(method, route).observe(seconds)
