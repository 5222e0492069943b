import pytest

from vlm_demo.units import (
    describe_parameters,
    format_bytes,
    format_parameters,
    format_progress,
    format_seconds,
)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "0 kB"),
        (99_800, "99.8 kB"),
        (1_000_000, "1 MB"),
        (614_000_000, "614 MB"),
        (16_940_000_000, "16.9 GB"),
        (140_000_000_000, "140 GB"),
    ],
)
def test_amounts_of_memory(size: int | None, words: str) -> None:
    assert format_bytes(size) == words


def test_numbers_of_parameters() -> None:
    assert format_parameters(None) == ""
    assert format_parameters(4_970_000) == "4.97 M"
    assert str(describe_parameters(7_060_000_000)) == "7.06 billion"


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (3_100_000_000, 7_400_000_000, "3.1 of 7.4 GB"),
        (0, 16_900_000_000, "0.0 of 17 GB"),
        (12_000_000, 516_000_000, "12 of 516 MB"),
        (1, 2, "1 of 2 B"),
    ],
)
def test_parts_of_an_amount_are_in_one_unit(done: int, total: int, words: str) -> None:
    assert format_progress(done, total) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.004, "0.01 s"), (0.04, "0.04 s"), (0.3, "0.3 s"), (9.96, "10 s"), (99.6, "1 min 40 s")],
)
def test_times_are_as_exact_as_people_need(seconds: float, words: str) -> None:
    assert format_seconds(seconds) == words
