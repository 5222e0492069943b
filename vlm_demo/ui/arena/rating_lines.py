"""Ratings over time, as lines."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

MAX_LINES = 8
"""Largest number of models that are plotted: more lines cannot be told apart."""

COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#8c8c8c",
    "#b5a900",
)
"""Colours of the lines: those of Okabe and Ito, which colour-blind people can tell apart
(https://jfly.uni-koeln.de/color/), with grey for their black and a darker yellow, so that each can
be seen on a white and on a black page."""

DAY_MS = 86_400_000


def build_rating_plot(elem_id: str) -> gr.LinePlot:
    """Build the component. Its value is what `as_lines` returns."""
    return gr.LinePlot(
        x="day",
        y="rating",
        color="model",
        x_title=" ",
        y_title=" ",
        colors_in_legend=[],  # it would be cut off on a phone: `legend` takes its place
        height=320,
        buttons=[],
        show_label=False,
        visible="hidden",
        elem_id=elem_id,
    )


def plot_value(
    timeline: Sequence[tuple[int, str, float]], models: Sequence[str]
) -> dict[str, Any] | None:
    """Value of the component; None where there are fewer than two days.

    Args:
        timeline: day since 1970-01-01, model, rating.
        models: those that are plotted.
    """
    points = [
        [day * DAY_MS, model, round(rating)] for day, model, rating in timeline if model in models
    ]
    if len({day for day, _, _ in points}) < 2:
        return None
    types = {"day": "temporal", "model": "nominal", "rating": "quantitative"}
    return {"columns": list(types), "data": points, "datatypes": types, "mark": "line"}


def colour_map(models: Sequence[str]) -> dict[str, str]:
    """Return the colour of each model that is plotted."""
    return dict(zip(models, COLOURS, strict=False))


def plot_legend(models: Sequence[str]) -> str:
    """HTML that says which colour is which model's."""
    entries = "".join(
        f'<li><i style="background:{colour}"></i>{html.escape(model)}</li>'
        for model, colour in colour_map(models).items()
    )
    return f'<ul class="lines-legend">{entries}</ul>'
