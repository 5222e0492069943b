"""Leaderboard: who does best, by whose votes, and how certain that is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.i18n import I18nData

from vlm_demo.arena.interchange.language_names import CODES
from vlm_demo.arena.votes.selection import Selection
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import VotesError
from vlm_demo.ui import browser_files
from vlm_demo.ui.arena.heat_map import battle_counts, win_rates
from vlm_demo.ui.arena.leaderboard_text import AUTOMATIC, ELSEWHERE, EMPTY, ONE_DAY, READING
from vlm_demo.ui.arena.ranking_table import (
    LICENCES,
    SIZES,
    WEIGHTS,
    Filters,
    standings_table,
    votes_of,
)
from vlm_demo.ui.arena.rating_lines import LINES, as_lines, colour_map, legend, lines_plot
from vlm_demo.ui.components.model_choice import ABILITIES, problem_notice
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import Said, as_html
from vlm_demo.ui.i18n import say
from vlm_demo.ui.visitors import voter_of
from vlm_demo.values import Task

if TYPE_CHECKING:
    from vlm_demo.arena.ratings.leaderboards import Board

_PULSE = browser_files.read("arena/leaderboard.js")

_SHOW_BATTLE = "() => document.getElementById('battle-tab-button').click()"

Whose = Literal["people", "mine", "automatic"]

Offers = list[tuple[str | I18nData, str | int | float]]
"""Choices as Gradio takes them: the words, and what they stand for."""

WHOSE: list[tuple[I18nData, Whose]] = [
    (say("Everybody's votes"), "people"),
    (say("My votes"), "mine"),
    (say("Automatic"), "automatic"),
]

ABOUT = [(say("Whole answers"), "answers"), (say("Boxes alone"), "boxes")]

MAPS = [(say("Win rates in percent"), "rates"), (say("Number of battles"), "battles")]

TASKS = {
    **ABILITIES,
    Task.DETECT: "Detect",
    Task.READ: "Read text",
}
"""What the page calls each task."""

LANGUAGES = {code: name.title() for name, code in CODES.items()}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody wants to see, in the order of the controls."""

    whose: Whose
    about: str
    task: str
    language: str
    size: str
    licence: str
    weights: str
    colours: str  # what the heat map shows
    over_time: bool  # whether the plot is open

    @property
    def filters(self) -> Filters:
        return Filters(self.size, self.licence, self.weights)

    def selection(self, voter: str) -> Selection:
        return Selection(
            task=self.task,
            language=self.language,
            boxes=self.about == "boxes",
            automatic=self.whose == "automatic",
            voter=voter if self.whose == "mine" else "",
        )


def build_leaderboard(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the board, and keep it up to date for as long as somebody looks at it."""
    boards, backend = around.boards, around.backend
    with gr.Column(elem_id="leaderboard"):
        with gr.Row(elem_id="leaderboard-choices"):
            whose = _switch(say("Whose votes"), WHOSE)
            about = _switch(say("Votes on what"), ABOUT)
        with gr.Row(elem_id="leaderboard-filters"):
            task = _choice(say("Task"), say("Any task"))
            language = _choice(say("Language"), say("Any language"))
            size = _choice(say("Size"), say("Any size"), SIZES)
            licence = _choice(say("Licence"), say("Any licence"), LICENCES)
            weights = _choice(say("Weights"), say("Any weights"), WEIGHTS)
        words = gr.HTML(js_on_load=_PULSE, elem_id="leaderboard-words", apply_default_css=False)
        table = gr.HTML(elem_id="leaderboard-table", apply_default_css=False)
        battle = gr.Button(
            say("Go to a battle"),
            variant="primary",
            visible="hidden",
            elem_id="leaderboard-battle",
        )
        with gr.Column(visible="hidden") as details:
            with gr.Accordion(say("Who won against whom")):
                colours = _switch(say("What is shown"), MAPS)
                maps = gr.HTML(elem_id="leaderboard-maps", apply_default_css=False)
            with gr.Accordion(say("Ratings over time"), open=False) as history:
                lines = lines_plot("leaderboard-lines")
                names = gr.HTML(elem_id="leaderboard-lines-legend", apply_default_css=False)
            with gr.Accordion(say("How to read this"), open=False):
                gr.HTML(READING, apply_default_css=False)
    over_time = gr.State(False)
    shown = gr.State("")  # digest of what the page shows: the same is not sent again

    def look(request: gr.Request, *given: Any) -> dict[Any, Any]:
        *choices, before = given
        wish = _Wish(*choices)
        selection = wish.selection(voter_of(request))
        try:
            board, offered = boards.board(selection), boards.choices()
            timeline = boards.timeline(selection) if wish.over_time else []
        except VotesError as error:  # what was shown before stays
            return {words: problem_notice(str(error)), shown: ""}
        specs = {spec.name: spec for spec in backend.menu}
        listed = [one.model for one in board.standings if wish.filters.shows(specs.get(one.model))]
        drawn = listed[:LINES]
        points = as_lines(timeline, drawn)
        content: dict[Any, Any] = {
            words: _words(wish, board, listed),
            table: _frame(wish, board, listed, specs),
            maps: _heat_map(wish, board, listed),
            names: legend(drawn) if points else ONE_DAY,
        }
        tasks, languages = _offers(TASKS, offered.tasks), _offers(LANGUAGES, offered.languages)
        now = _digest(*content.values(), points, tasks, languages)
        if now == before:
            return {shown: now}
        return {
            **content,
            shown: now,
            lines: gr.LinePlot(
                points, color_map=colour_map(drawn), visible=bool(points) or "hidden"
            ),
            battle: gr.Button(visible=(not board.votes and wish.whose != "automatic") or "hidden"),
            details: gr.Column(visible=bool(board.votes) or "hidden"),
            task: gr.Dropdown(choices=[(say("Any task"), ""), *tasks]),
            language: gr.Dropdown(choices=[(say("Any language"), ""), *languages]),
        }

    controls: list[gr.Radio | gr.Dropdown] = [
        *(whose, about, task, language, size, licence, weights, colours)
    ]
    given = [*controls, over_time, shown]
    showing = [words, table, battle, details, maps, lines, names, task, language, shown]
    gr.on(
        [tab.select, words.tick, *(control.change for control in controls)],
        look,
        given,
        showing,
        trigger_mode="always_last",
        **QUICK,
    )
    opening = history.expand(lambda: True, None, over_time, **QUICK)
    opening.then(look, given, showing, **QUICK)
    history.collapse(lambda: False, None, over_time, **QUICK)
    battle.click(None, None, None, js=_SHOW_BATTLE, **QUICK)


def _switch(label: I18nData, options: Sequence[tuple[I18nData, str]]) -> gr.Radio:
    """A choice between a few, the first being made already."""
    return gr.Radio(
        list(options),
        value=options[0][1],
        label=label,
        show_label=False,
        container=False,
        elem_classes="switch",
    )


def _choice(label: I18nData, any_: I18nData, options: Iterable[str] = ()) -> gr.Dropdown:
    """A choice that begins with, and may go back to, no choice at all."""
    listed: Offers = [(any_, ""), *((say(option), option) for option in options)]
    return gr.Dropdown(
        listed, value="", label=label, show_label=False, container=False, filterable=False
    )


def _offers(names: Mapping[Any, str], found: Iterable[str]) -> Offers:
    """Name what there are votes on, in the order of the names."""
    named = sorted((names.get(one, one), one) for one in found if one)
    return [(say(name), one) for name, one in named]


def _words(wish: _Wish, board: Board, listed: Sequence[str]) -> str:
    """HTML: what the board is made of."""
    judge = AUTOMATIC if wish.whose == "automatic" else ""
    if not board.votes:
        return judge
    count = len(board.standings)
    models = Said("1 model") if count == 1 else Said("{count} models", {"count": count})
    votes, hidden = votes_of(board.votes), count - len(listed)
    filtered = Said("Filters hide {count}; they change no rating.", {"count": hidden})
    apart = f" {as_html(filtered)}" if hidden else ""
    return (
        f'{judge}<p class="board-words"><b data-say>{votes}</b> <span data-say>on</span> '
        f"<b data-say>{models}</b>.{apart}</p>"
    )


def _frame(wish: _Wish, board: Board, listed: Sequence[str], specs: Mapping[str, ModelSpec]) -> str:
    """HTML: the table, or what to do where there is none."""
    if not board.votes:
        narrowed = wish.task or wish.language or wish.about == "boxes"
        inside = f'<div class="empty">{ELSEWHERE if narrowed else EMPTY[wish.whose]}</div>'
    elif not listed:
        inside = (
            '<p class="nothing" data-say>No model on this board is like that. '
            "Take a filter away.</p>"
        )
    else:
        inside = standings_table(board.standings, set(listed), specs)
    return f'<div class="board-frame">{inside}</div>'


def _heat_map(wish: _Wish, board: Board, listed: Sequence[str]) -> str:
    places = [place for place, model in enumerate(board.models) if model in set(listed)]
    models = [board.models[place] for place in places]
    battles = [[board.battles[row][column] for column in places] for row in places]
    if wish.colours == "battles":
        return battle_counts(models, battles)
    wins = [[board.wins[row][column] for column in places] for row in places]
    return win_rates(models, wins, battles)


def _digest(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
