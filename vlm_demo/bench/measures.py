"""What the benchmark measures, and the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vlm_demo.errors import SettingsError, quote_name, suggest_names


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that is measured, and its target."""

    what: str
    unit: str
    target: float | None = None  # None: reported only
    at_most: bool = False  # whether the target is an upper bound

    def is_met_by(self, value: float) -> bool | None:
        """Whether a value reaches the target; None: there is no target."""
        if self.target is None:
            return None
        return value <= self.target if self.at_most else value >= self.target


_TURNS = "first token at later turns of a picture chat: full recompute over ours"
_TASKS = "first token of Ask and Locate on a captioned picture: full recompute over ours"
_VOTE = "one vote, with many in the database already"

MEASURES: Mapping[str, Measure] = {
    "turns_llava": Measure(_TURNS, "x", 15),
    "turns_qwen2_vl": Measure(_TURNS, "x", 20),
    "turns_smolvlm": Measure(_TURNS, "x", 30),
    "second_task": Measure(_TASKS, "x", 10),
    "batch8_short": Measure(
        "short prompts, tokens per second: together over one after another", "x", 3
    ),
    "batch8_picture_ttft": Measure(
        "pictures, mean first token: one after another over together", "x", 2.5
    ),
    "batch8_picture_wall": Measure(
        "pictures, until all are answered: one after another over together", "x", 1.8
    ),
    "batch8_serve": Measure("pictures, tokens per second: ours over transformers serve", "x", 2),
    "batch8_vllm": Measure(
        "64 short requests about 7 pictures, 8 at a time, embedded model: ours over vLLM", "x", 1.5
    ),
    "stream_overhead": Measure(
        "one stream, tokens per second: the whole path over bare generate", "x", 0.97
    ),
    "stop_steps": Measure("steps computed after a stop", "steps", 1, at_most=True),
    "api_first_ms": Measure(
        "first chunk over the API, after the program has its text", "ms", 15, at_most=True
    ),
    "api_batch8": Measure(
        "the API, pictures, until 8 are answered: one after another over together", "x", 1.8
    ),
    "page_first_ms": Measure("first token: added by the page", "ms", 60, at_most=True),
    "page_keeps_up": Measure("rate shown on the page over rate produced", "x", 0.98),
    "page_box_ms": Measure(
        "first box on the picture, from its closing token", "ms", 100, at_most=True
    ),
    "page_boxes_keep_up": Measure("50 boxes: rate shown over rate produced", "x", 0.98),
    "page_mb": Measure("first load of the page, beyond Gradio's own", "MB", 4, at_most=True),
    "tab_switch_ms": Measure("from a click on a tab until it is shown", "ms", 100, at_most=True),
    "import_cpu_s": Measure("CPU time of import vlm_demo.backend", "s", 0.3, at_most=True),
    "page_up_s": Measure("python app.py until its first page", "s", 8, at_most=True),
    "vote_ms_sqlite": Measure(_VOTE, "ms", 20, at_most=True),
    "vote_ms_postgresql": Measure(_VOTE, "ms", 20, at_most=True),
    "turns_embedded_llava15": Measure(_TURNS, "x"),
    "second_task_embedded_llava15": Measure(_TASKS, "x"),
    "second_task_embedded_kosmos2": Measure(_TASKS, "x"),
    "gpu_decode1": Measure("7B on a GPU, tokens per second: ours over plain generate", "x", 1.5),
    "gpu_decode8": Measure("the same, eight together over plain generate", "x", 4),
    "board_s": Measure("leaderboard of many votes on 60 models", "s", 3, at_most=True),
    "board_refresh_s": Measure("the same leaderboard, 100 votes later", "s", 0.2, at_most=True),
    "kendall_tau": Measure("the same leaderboard's order against the true one", "tau", 0.98),
    "coverage": Measure("5,000 votes, 60 models: share within their 95 % intervals", "", 0.9),
    "film_first_s": Measure(
        "things through a film: until those of the first frame", "s", 2, at_most=True
    ),
    "film_whole_s": Measure("the same, until the film is looked through", "s", 25, at_most=True),
    "film_found": Measure("the same: share of its frames in which a thing is found", "", 0.95),
    "film_swaps": Measure("the same: changes of a thing's track", "", 0, at_most=True),
    "pdf_first_page_s": Measure("a PDF, until its first page is drawn", "s", 1, at_most=True),
    "pdf_pages_held": Measure(
        "the same: memory that all pages one after another add", "pages", 8, at_most=True
    ),
    "camera_answer_s": Measure("one thing in a new camera picture", "s", 0.5, at_most=True),
    "gpu_bandwidth_share": Measure("alone: share of what memory bandwidth allows", "x", 0.6),
}
"""Every measure by the id of its row. A ratio says how many times better the program is."""


def check_ids(ids: Iterable[str]) -> frozenset[str]:
    """Return the ids, if there is a row for each.

    Raises:
        SettingsError: there is none for one of them.
    """
    chosen = frozenset(ids)
    if unknown := sorted(chosen - MEASURES.keys()):
        name = unknown[0]
        suggestion = suggest_names(name, MEASURES)
        raise SettingsError(f"There is no row {quote_name(name)}. {suggestion}".strip())
    return chosen
