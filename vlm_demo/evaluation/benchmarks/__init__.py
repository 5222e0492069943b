"""Published benchmarks, one file each: how the data are read, and by which rule answers score."""

from functools import cache

from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.plugins import discover


@cache
def benchmarks_by_name() -> dict[str, PublishedBenchmark]:
    """Return every published benchmark, by name."""
    return discover(
        __name__, __path__, "PUBLISHED", PublishedBenchmark, relatives="PUBLISHED_RELATIVES"
    )
