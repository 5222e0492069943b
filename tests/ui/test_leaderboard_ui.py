"""The leaderboard's tables and lines, from standings made by hand."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from vlm_demo.arena.ratings.ratings import RatedModel
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.ui.arena.heat_map import SHADES, battle_count_map, win_rate_map
from vlm_demo.ui.arena.ranking_table import ModelFilters, ranking_table
from vlm_demo.ui.arena.rating_lines import (
    COLOURS,
    DAY_MS,
    MAX_LINES,
    colour_map,
    plot_legend,
    plot_value,
)

NASTY = '<img src=x onerror="alert(1)"> & co'

ALPHA = RatedModel("alpha", 1100.4, 1080.2, 1120.6, 1, 1234, provisional=False, win_rate=0.66)
BETA = RatedModel("beta", 1000.0, 985.0, 1020.0, 2, 900, provisional=False, win_rate=0.5)
GAMMA = RatedModel("gamma", 900.0, 400.0, 1400.0, 1, 3, provisional=True, win_rate=0.0)

OPEN = ModelSpec(
    name="alpha",
    family="llava15",
    checkpoint="a/b",
    parameters=7_060_000_000,
    licence="Apache-2.0",
    commercial="yes",
)
CLOSED = ModelSpec(name="beta", family="llava15", runs="nowhere", parameters=70_000_000_000)
SERVED = replace(OPEN, name="gamma", engine="remote", parameters=None, commercial="on conditions")


def cells(table: str, row: int) -> dict[str, str]:
    """Text of the cells of a row, by their classes; tags taken out."""
    body = table.split("<tbody>")[1].split("<tr")[row + 1]
    found = re.findall(r'<t[hd][^>]*class="(\w+)">(.*?)</t[hd]>', body)
    return {name: html.unescape(re.sub("<[^>]+>", " ", inner)).strip() for name, inner in found}


def test_a_row_tells_what_is_known_of_a_model() -> None:
    table = ranking_table([ALPHA, BETA, GAMMA], {"alpha", "beta", "gamma"}, {"alpha": OPEN})

    row = cells(table, 0)
    assert (row["rank"], row["rating"], row["margin"]) == ("1", "1100", "\N{PLUS-MINUS SIGN} 20")
    assert (row["votes"], row["wins"]) == ("1,234", "66 %")
    assert (row["size"], row["licence"]) == ("7.06 B", "Apache-2.0")
    assert row["model"].startswith("alpha")
    assert "not enough votes" not in row["model"]

    unequal = cells(table, 1)
    assert unequal["margin"] == "+20 / \N{MINUS SIGN}15"
    assert unequal["licence"] == unequal["size"] == "\N{EN DASH}"  # not on the menu: not known
    few = cells(table, 2)
    assert "not enough votes" in few["model"]
    assert few["rank"] == "\N{EN DASH}"  # no rank before there are enough


def test_intervals_are_drawn_to_the_scale_of_the_models_that_are_known_well() -> None:
    table = ranking_table([ALPHA, BETA, GAMMA], {"alpha", "beta", "gamma"}, {})

    bars = re.findall(r'class="span([\w -]*)" style="left:([\d.]+)%;width:([\d.]+)%"', table)
    dots = [float(left) for left in re.findall(r'class="dot" style="left:([\d.]+)%"', table)]
    assert dots == sorted(dots, reverse=True)
    assert all(0 <= float(left) <= float(left) + float(width) <= 100 for _, left, width in bars)
    first, second, wide = bars
    assert float(first[2]) == pytest.approx(100 * 40.4 / 240, abs=2)  # of 900 to 1121, and room
    assert float(first[1]) > float(second[1])
    assert [kind.split() for kind, *_ in bars] == [[], [], ["from-beyond", "to-beyond"]]
    assert float(wide[2]) == 100
    assert 'aria-label="from 400 to 1400"' in table


def test_one_model_alone_has_a_bar_too() -> None:
    alone = RatedModel("alone", 1000.0, 1000.0, 1000.0, 1, 1, provisional=True, win_rate=0.5)
    table = ranking_table([alone], {"alone"}, {})
    assert 'class="dot" style="left:50.0%"' in table


def test_filters_hide_models_and_change_no_rank_or_scale() -> None:
    everyone = ranking_table([ALPHA, BETA, GAMMA], {"alpha", "beta", "gamma"}, {})
    one = ranking_table([ALPHA, BETA, GAMMA], {"beta"}, {})

    assert cells(one, 0) == cells(everyone, 1)
    assert one.split("<tbody>")[1].count("<tr") == 1
    assert one.split("<tbody>")[0] == everyone.split("<tbody>")[0]  # the ends of the scale


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (ModelFilters(), {"alpha", "beta", "gamma", None}),
        (ModelFilters(size="5 to 15 billion"), {"alpha"}),
        (ModelFilters(size="Over 15 billion"), {"beta"}),
        (ModelFilters(licence="Commercial use allowed"), {"alpha"}),
        (ModelFilters(licence="… or on conditions"), {"alpha", "gamma"}),
        (ModelFilters(weights="Open weights"), {"alpha"}),
        (ModelFilters(weights="Closed weights"), {"beta"}),
        (ModelFilters(size="Over 15 billion", weights="Open weights"), set()),
    ],
)
def test_a_filter_shows_only_what_is_known_to_pass(
    filters: ModelFilters, shown: set[str | None]
) -> None:
    specs = {"alpha": OPEN, "beta": CLOSED, "gamma": SERVED, None: None}
    assert {name for name, spec in specs.items() if filters.accepts(spec)} == shown


WINS = [[0, 15.5, 0], [4.5, 0, 0], [0, 0, 0]]
MET = [[0, 20, 0], [20, 0, 0], [0, 0, 0]]


def heat(map_: str) -> list[list[str]]:
    """Class and text of the cells, row by row."""
    rows = map_.split("<tbody>")[1].split("<tr>")[1:]
    return [re.findall(r'<td class="(\w+)">([^<]*)', row) for row in rows]


def test_win_rates_are_the_rows_against_the_columns() -> None:
    first, second, third = heat(win_rate_map(["a", "b", "c"], WINS, MET))

    assert first == [("self", ""), ("w6", "78"), ("none", "")]
    assert second == [("w2", "22"), ("self", ""), ("none", "")]
    assert third == [("none", ""), ("none", ""), ("self", "")]


@pytest.mark.parametrize(("won", "shade"), [(0, "w0"), (10, "w4"), (20, f"w{SHADES - 1}")])
def test_the_shades_run_from_never_to_always(won: float, shade: str) -> None:
    wins = [[0, won], [20 - won, 0]]
    assert heat(win_rate_map(["a", "b"], wins, [[0, 20], [20, 0]]))[0][1][0] == shade


def test_counts_are_short_and_darker_the_more_they_are() -> None:
    met = [[0, 3, 1250], [3, 0, 99_999], [1250, 99_999, 0]]
    shown = heat(battle_count_map(["a", "b", "c"], met))

    assert [text for _, text in (shown[0][1], shown[0][2], shown[1][2])] == ["3", "1.2k", "100k"]
    shades = [kind for kind, _ in (shown[0][1], shown[0][2], shown[1][2])]
    assert shades == sorted(shades)
    assert shades[-1] == f"n{SHADES - 1}"
    assert battle_count_map([], [])  # an empty board draws nothing, and does not fail


def test_names_cannot_bring_markup_into_the_page() -> None:
    nasty = replace(ALPHA, model=NASTY)
    for written in (
        ranking_table([nasty], {NASTY}, {}),
        win_rate_map([NASTY], [[0]], [[0]]),
        battle_count_map([NASTY], [[0]]),
        plot_legend([NASTY]),
    ):
        assert "<img" not in written
        assert html.escape(NASTY) in written


def test_sixty_models_stay_light() -> None:
    names = [f"a-model-with-a-usual-name-{number}" for number in range(60)]
    met = [[250.0] * 60 for _ in names]
    wins = [[125.0] * 60 for _ in names]
    assert len(win_rate_map(names, wins, met)) < 100_000


def test_lines_are_drawn_from_two_days_on_and_of_the_models_that_are_shown() -> None:
    assert plot_value([], ["a"]) is None
    assert plot_value([(20_000, "a", 1000.0), (20_000, "b", 1000.0)], ["a", "b"]) is None

    points = [(20_000, "a", 1000.0), (20_001, "a", 1010.4), (20_001, "b", 990.0)]
    lines = plot_value(points, ["a"])
    assert lines is not None
    assert lines["columns"] == ["day", "model", "rating"]
    assert lines["data"] == [[20_000 * DAY_MS, "a", 1000], [20_001 * DAY_MS, "a", 1010]]
    assert lines["datatypes"]["day"] == "temporal"


def test_each_line_has_a_colour_of_its_own() -> None:
    names = [str(number) for number in range(MAX_LINES)]
    assert len(set(colour_map(names).values())) == MAX_LINES == len(COLOURS)


@pytest.mark.services
def test_a_page_is_up_before_anything_that_rates_is_loaded() -> None:
    program = (
        "import sys; import vlm_demo.ui.arena.leaderboard; "
        "print([m for m in ('evalica', 'scipy', 'sqlalchemy') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout.strip() == "[]", said.stderr
