"""Leaderboard: which models people prefer, and how certain that is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.i18n import I18nData

from vlm_demo.arena.interchange.language_names import CODES
from vlm_demo.arena.votes.categories import Category
from vlm_demo.arena.votes.vote import Selection
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import VotesError
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.ui import browser_files
from vlm_demo.ui.arena.heat_map import battle_count_map, win_rate_map
from vlm_demo.ui.arena.judge_board import judge_board
from vlm_demo.ui.arena.leaderboard_text import (
    AUTOMATIC,
    HOW_TO_READ,
    NO_MATCHING_VOTES,
    NO_VOTES,
    TOO_FEW_DAYS,
)
from vlm_demo.ui.arena.ranking_table import (
    WEIGHTS,
    ModelFilters,
    ranking_table,
    vote_count,
)
from vlm_demo.ui.arena.rating_lines import (
    MAX_LINES,
    build_rating_plot,
    colour_map,
    plot_legend,
    plot_value,
)
from vlm_demo.ui.components.model_card import problem_html
from vlm_demo.ui.components.model_filters import LICENCES, SIZES
from vlm_demo.ui.components.task_form import TASK_LABELS
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.ui.i18n import say
from vlm_demo.ui.visitors import read_voter
from vlm_demo.values import Task

if TYPE_CHECKING:
    from vlm_demo.arena.ratings.leaderboards import Leaderboard

_TICK_SCRIPT = browser_files.read("arena/leaderboard.js")

_SHOW_BATTLE = browser_files.read("components/press_button.js", elem_id="view-arena")

Whose = Literal["people", "mine", "automatic"]

Choices = list[tuple[str | I18nData, str | int | float]]
"""Choices as Gradio takes them: pairs of a label and a value."""

VOTERS: list[tuple[I18nData, Whose]] = [
    (say("Everybody's votes"), "people"),
    (say("My votes"), "mine"),
    (say("Automatic"), "automatic"),
]

SUBJECTS = [(say("Whole answers"), "answers"), (say("Boxes only"), "boxes")]

MAPS = [(say("Win rates in percent"), "rates"), (say("Number of battles"), "battles")]

STYLE_CONTROL = message("Style control")
"""The choice that corrects ratings for the length of answers and the number of boxes."""

TASK_NAMES = {
    **TASK_LABELS,
    Task.DETECT: message("Detect"),
    Task.READ: message("Read text"),
}
"""The name of each task on the page."""

CATEGORY_NAMES = {
    Category.COUNTING: message("How many"),
    Category.READING: message("Text, charts and documents"),
    Category.LOCATING: message("Where things are"),
    Category.WRITING: message("Stories and other writing"),
    Category.DESCRIBING: message("Descriptions"),
    Category.OTHER: message("Other questions"),
}
"""The name of each kind of question on the page."""

LANGUAGES = {code: name.title() for name, code in CODES.items()}


@dataclass(frozen=True, slots=True)
class _LeaderboardQuery:
    """What a person wants to see: the values of the controls, in their order."""

    whose: Whose
    about: str
    task: str
    language: str
    size: str
    licence: str
    weights: str
    style: str
    category: str
    colours: str  # what the heat map shows
    over_time: bool  # whether the plot is open

    @property
    def filters(self) -> ModelFilters:
        return ModelFilters(self.size, self.licence, self.weights)

    @property
    def has_judge(self) -> bool:
        """Whether a judge model's board is of the same battles: of people, on whole answers."""
        return self.whose == "people" and self.about == "answers"

    def selection(self, voter: str) -> Selection:
        return Selection(
            task=self.task,
            language=self.language,
            boxes=self.about == "boxes",
            automatic=self.whose == "automatic",
            voter=voter if self.whose == "mine" else "",
            category=self.category,
        )


def build_leaderboard(opening: Opening, page: PageContext) -> None:
    """Lay out the leaderboard, and keep it up to date for as long as somebody looks at it."""
    leaderboards, backend = page.leaderboards, page.backend
    with gr.Column(elem_id="leaderboard"):
        with gr.Row(elem_id="leaderboard-choices"):
            whose = _build_switch(say("Whose votes"), VOTERS)
            about = _build_switch(say("Votes on what"), SUBJECTS)
        with (
            gr.Accordion(say("Filters"), open=False, elem_id="leaderboard-more"),
            gr.Row(elem_id="leaderboard-filters"),
        ):
            task = _build_filter(say("Task"), say("Any task"))
            language = _build_filter(say("Language"), say("Any language"))
            size = _build_filter(say("Size"), say("Any size"), SIZES)
            licence = _build_filter(say("Licence"), say("Any licence"), LICENCES)
            weights = _build_filter(say("Weights"), say("Any weights"), WEIGHTS)
            style = _build_filter(say("Style"), say("As voted"), [STYLE_CONTROL])
            category = _build_filter(say("Kind of question"), say("Any question"))
        summary = gr.HTML(
            js_on_load=_TICK_SCRIPT, elem_id="leaderboard-words", apply_default_css=False
        )
        table = gr.HTML(elem_id="leaderboard-table", apply_default_css=False)
        battle = gr.Button(
            say("Go to a battle"),
            variant="primary",
            visible="hidden",
            elem_id="leaderboard-battle",
        )
        with gr.Column(visible="hidden") as details:
            with gr.Accordion(say("Who won against whom")):
                colours = _build_switch(say("What is shown"), MAPS)
                maps = gr.HTML(elem_id="leaderboard-maps", apply_default_css=False)
            with gr.Accordion(
                say("Judged by a model"), open=False, visible="hidden", elem_id="leaderboard-judge"
            ) as beside:
                judged = gr.HTML(apply_default_css=False)
            with gr.Accordion(say("Ratings over time"), open=False) as history:
                plot = build_rating_plot("leaderboard-lines")
                legend = gr.HTML(elem_id="leaderboard-lines-legend", apply_default_css=False)
            with gr.Accordion(say("How to read this"), open=False):
                gr.HTML(HOW_TO_READ, apply_default_css=False)
    over_time = gr.State(False)
    shown = gr.State("")  # digest of what the page shows: the same is not sent again

    def update(request: gr.Request, *values: Any) -> dict[Any, Any]:
        *choices, shown_before = values
        query = _LeaderboardQuery(*choices)
        selection = query.selection(read_voter(request))
        try:
            rate = leaderboards.style_controlled if query.style else leaderboards.leaderboard
            leaderboard, votes_on = rate(selection), leaderboards.choices()
            timeline = leaderboards.timeline(selection) if query.over_time else []
            verdict = leaderboards.find_judge(selection) if query.has_judge else None
            judge_leaderboard = (
                leaderboards.judge_leaderboard(verdict[0], selection) if verdict else None
            )
        except VotesError as error:  # what was shown before stays
            return {summary: problem_html(error.message), shown: ""}
        specs = {spec.name: spec for spec in backend.menu}
        models = [
            standing.model
            for standing in leaderboard.models
            if query.filters.accepts(specs.get(standing.model))
        ]
        plotted = models[:MAX_LINES]
        points = plot_value(timeline, plotted)
        content: dict[Any, Any] = {
            summary: _summarize(query, leaderboard, models),
            table: _table_or_hint(query, leaderboard, models, specs),
            maps: _heat_map(query, leaderboard, models),
            judged: judge_board(*verdict, judge_leaderboard, leaderboard, models)
            if verdict and judge_leaderboard
            else "",
            legend: plot_legend(plotted) if points else TOO_FEW_DAYS,
        }
        tasks = _list_choices(TASK_NAMES, votes_on.tasks)
        languages = _list_choices(LANGUAGES, votes_on.languages)
        categories = _list_choices(CATEGORY_NAMES, votes_on.categories)
        digest = _digest(*content.values(), points, tasks, languages, categories)
        if digest == shown_before:
            return {shown: digest}
        has_votes = bool(leaderboard.votes)
        return {
            **content,
            shown: digest,
            plot: gr.LinePlot(
                points, color_map=colour_map(plotted), visible=bool(points) or "hidden"
            ),
            battle: gr.Button(visible=(not has_votes and query.whose != "automatic") or "hidden"),
            details: gr.Column(visible=has_votes or "hidden"),
            beside: gr.Accordion(visible=bool(content[judged]) or "hidden"),
            task: gr.Dropdown(choices=[(say("Any task"), ""), *tasks]),
            language: gr.Dropdown(choices=[(say("Any language"), ""), *languages]),
            category: gr.Dropdown(choices=[(say("Any question"), ""), *categories]),
        }

    controls: list[gr.Radio | gr.Dropdown] = [
        *(whose, about, task, language, size, licence, weights, style, category, colours)
    ]
    inputs = [*controls, over_time, shown]
    outputs = [summary, table, battle, details, maps, judged, beside, plot, legend]
    outputs += [task, language, category, shown]
    gr.on(
        [opening.select, summary.tick, *(control.change for control in controls)],
        update,
        inputs,
        outputs,
        trigger_mode="always_last",
        **QUICK,
    )
    expanded = history.expand(lambda: True, None, over_time, **QUICK)
    expanded.then(update, inputs, outputs, **QUICK)
    history.collapse(lambda: False, None, over_time, **QUICK)
    battle.click(None, None, None, js=_SHOW_BATTLE, **QUICK)


def _build_switch(label: I18nData, options: Sequence[tuple[I18nData, str]]) -> gr.Radio:
    """Lay out a choice between a few options, of which the first is chosen."""
    return gr.Radio(
        list(options),
        value=options[0][1],
        label=label,
        show_label=False,
        container=False,
        elem_classes="switch",
    )


def _build_filter(
    label: I18nData, everything: I18nData, options: Iterable[str] = ()
) -> gr.Dropdown:
    """Lay out a filter, which at first lets everything through."""
    choices: Choices = [(everything, ""), *((say(option), option) for option in options)]
    return gr.Dropdown(
        choices, value="", label=label, show_label=False, container=False, filterable=False
    )


def _list_choices(names: Mapping[Any, str], found: Iterable[str]) -> Choices:
    """Return what there are votes on as choices, in the order of their names."""
    choices = sorted((names.get(value, value), value) for value in found if value)
    return [(say(name), value) for name, value in choices]


def _summarize(query: _LeaderboardQuery, leaderboard: Leaderboard, models: Sequence[str]) -> str:
    """HTML that says how many votes and models the leaderboard is computed from."""
    judge = AUTOMATIC if query.whose == "automatic" else ""
    if not leaderboard.votes:
        return judge
    count = len(leaderboard.models)
    all_models = (
        TranslatableText("1 model")
        if count == 1
        else TranslatableText("{count} models", {"count": count})
    )
    hidden = count - len(models)
    filtered = TranslatableText("Filters hide {count}; they change no rating.", {"count": hidden})
    note = f" · {translatable_html(filtered)}" if hidden else ""
    return (
        f'{judge}<p class="leaderboard-note"><b>{translatable_html(vote_count(leaderboard.votes))}'
        f"</b> <span data-say>on</span> <b>{translatable_html(all_models)}</b>{note}</p>"
    )


def _table_or_hint(
    query: _LeaderboardQuery,
    leaderboard: Leaderboard,
    models: Sequence[str],
    specs: Mapping[str, ModelSpec],
) -> str:
    """HTML of the table, or of what to do where there is none."""
    if not leaderboard.votes:
        narrowed = query.task or query.language or query.category or query.about == "boxes"
        hint = NO_MATCHING_VOTES if narrowed else NO_VOTES[query.whose]
        content = f'<div class="empty">{hint}</div>'
    elif not models:
        content = (
            '<p class="nothing" data-say>No model on this leaderboard matches. Remove a filter.</p>'
        )
    else:
        content = ranking_table(leaderboard.models, set(models), specs)
    return f'<div class="leaderboard-frame">{content}</div>'


def _heat_map(query: _LeaderboardQuery, leaderboard: Leaderboard, models: Sequence[str]) -> str:
    indices = [index for index, model in enumerate(leaderboard.model_names) if model in set(models)]
    names = [leaderboard.model_names[index] for index in indices]
    battles = [[leaderboard.battles[row][column] for column in indices] for row in indices]
    if query.colours == "battles":
        return battle_count_map(names, battles)
    wins = [[leaderboard.wins[row][column] for column in indices] for row in indices]
    return win_rate_map(names, wins, battles)


def _digest(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
