import pytest

from vlm_demo.units import in_billions, in_bytes


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
    assert in_bytes(size) == words


def test_numbers_of_parameters() -> None:
    assert in_billions(None) == ""
    assert in_billions(4_970_000) == "4.97 M"
    assert in_billions(7_060_000_000, long=True) == "7.06 billion"
