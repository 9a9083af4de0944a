"""The measurements of `make bench` and `make bench-full`, a line each: to add one is to write its line."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from bench.figure import Figure

#: all of `make bench` on two quiet cores
BUDGET_S = 900.0


@dataclass(frozen=True, slots=True)
class Program:
    """place: module and function, imported when it runs; the module's docstring stands above the table.

    budget_s: what it may take on two quiet cores. is_long: only in `make bench-full`. page: under docs/, one that
    shows the table too, between `<!-- figures: NAME -->` and `<!-- end of figures -->`.
    """

    name: str
    place: str
    budget_s: float
    is_long: bool = False
    page: str = ""

    @property
    def module(self) -> str:
        return self.place.partition(":")[0]

    @property
    def function(self) -> str:
        return self.place.partition(":")[2]

    def about(self) -> str:
        return (import_module(self.module).__doc__ or "").strip()

    def measure(self) -> list[Figure]:
        function: Callable[[], list[Figure]] = getattr(import_module(self.module), self.function)
        return function()


PROGRAMS = (
    Program("accuracy", "bench.accuracy:measure", 45),
    Program("article", "bench.article:measure", 60),
    Program("article-default", "bench.article:measure_default", 900, is_long=True),
    Program("bare", "bench.bare:measure", 480, is_long=True),
    Program("confidence", "bench.confidence:measure", 60),
    Program("connections", "bench.connections:measure", 40),
    Program("demo", "bench.demo:measure", 300, is_long=True),
    Program("dtypes", "bench.dtypes:measure", 40),
    Program("engines", "bench.engines:measure", 90, is_long=True),
    Program("engines-default", "bench.engines:measure_default", 240, is_long=True),
    Program("fairness", "bench.fairness:measure", 400, is_long=True),
    Program("gpu", "bench.gpu:measure", 480, is_long=True),
    Program("gpu-service", "bench.gpu_service:measure", 500, is_long=True),
    Program("ledger", "bench.ledger:measure", 30),
    Program("load", "bench.load:measure", 75),
    Program("overhead", "bench.overhead:measure", 75),
    Program("polls", "bench.polls:measure", 60),
    Program("prepare", "bench.prepare:measure", 120),
    Program("profile", "bench.profiled:measure", 35, page="performance.md"),
    Program("scaling", "bench.scaling:measure", 90),
    Program("scaling-ten-hours", "bench.scaling:measure_ten_hours", 600, is_long=True),
    Program("ten-hours", "bench.ten_hours:measure", 600, is_long=True),
    Program("silence", "bench.silence:measure", 40, is_long=True),
    Program("store-http", "bench.store_http:measure", 20, is_long=True),
    Program("timestamps", "bench.timestamps:measure", 200, is_long=True),
    Program("upload", "bench.upload:measure", 200, is_long=True),
    Program("usual", "bench.usual:measure_bundled", 90),
    Program("usual-default", "bench.usual:measure_default", 800, is_long=True),
    Program("whisper", "bench.whisper:measure", 360, is_long=True),
    Program("windows", "bench.windows:measure", 60),
    Program("arithmetic", "bench.arithmetic:measure", 15, page="performance.md"),
    # last: reckons with what the others have measured
    Program("paper", "bench.paper:measure", 5, page="performance.md"),
)
