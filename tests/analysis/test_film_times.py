"""Times in answers about films."""

import pytest

from vlm_demo.analysis.film_times import find_times
from vlm_demo.units import format_film_time

FRAMES = (0.0, 12.5, 75.0, 3725.0)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("It falls at 0:12.", [12]),
        ("From 0:12.5 to 1:15", [12.5, 75]),
        ("at 1:02:03", [3723]),
        ("<0.2 seconds> a dog <12.5 seconds>", [0.2, 12.5]),
        ("after 12.5 s, then 14 sec", [12.5, 14]),
        ("2 minutes and 5 seconds in", [125]),
        ("In Frame 3 and frame 2, 0:12.5:", [75, 12.5, 12.5]),
        ("1分20秒に落ちます。フレーム2です。", [80, 12.5]),
        ("第3帧，也就是 12 秒", [75, 12]),
        ("第2个球", []),
        ("Frame 9 of a 16:9 film in the 1980s, at 99:59:59", []),
        ("3 boys and 12 sheep", []),
    ],
)
def test_times_are_read(text: str, seconds: list[float]) -> None:
    assert [time.seconds for time in find_times(text, FRAMES)] == seconds


def test_the_words_of_a_time_are_found() -> None:
    text = "It falls at 0:12, twice."
    (time,) = find_times(text, FRAMES)
    assert text[slice(*time.span)] == "0:12"


@pytest.mark.parametrize(
    "seconds, text", [(0, "0:00"), (12.5, "0:12.5"), (59.96, "1:00"), (3723, "1:02:03")]
)
def test_times_are_written_as_they_are_read(seconds: float, text: str) -> None:
    assert format_film_time(seconds) == text
    assert find_times(text, FRAMES)[0].seconds == pytest.approx(seconds, abs=0.05)
