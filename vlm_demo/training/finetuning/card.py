"""The card of a model that was trained here: what it is, from what, and what it scores.

Its front matter follows https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.training.scoring.comparison import ScoreComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card says of a run."""

    name: str
    base: ModelSpec
    method: str
    data: str
    """Where the data is from, as it was given."""

    learned: int
    """Examples that were learned from."""

    held_out: int
    replayed: int
    """Old examples that were learned from as well."""

    steps: int
    learning_rate: float
    seed: int
    notes: Sequence[str] = ()
    """Sentences of warning."""


def write_card(folder: Path, facts: CardFacts, comparison: ScoreComparison | None) -> None:
    """Write README.md into the folder of a model."""
    text = "\n".join(_lines(facts, comparison)) + "\n"
    (folder / "README.md").write_text(text, encoding="utf-8")


def _lines(facts: CardFacts, comparison: ScoreComparison | None) -> Iterator[str]:
    base, is_adapter = facts.base, facts.method != "full"
    hub_id = "" if Path(base.checkpoint).exists() else base.checkpoint
    yield "---"
    if base.licence and base.commercial == "yes":
        yield f"license: {base.licence.lower()}"
    if hub_id:
        yield f"base_model: {hub_id}"
    yield f"library_name: {'peft' if is_adapter else 'transformers'}"
    yield "pipeline_tag: image-text-to-text"
    yield f"tags: [vlm_demo, {'lora' if is_adapter else 'fine-tuned'}]"
    yield "---"
    yield f"\n# {facts.name}\n"
    what = "An adapter (LoRA) on" if is_adapter else "A fine-tune of"
    yield f"{what} {hub_id or base.name}, made by vlm_demo {version('vlm_demo')}.\n"
    yield f"* Family, in whose way it is asked: `{base.family}`"
    yield f"* Licence of the base: {base.licence or 'not known'}"
    yield "* Licence of the data: not known here"
    name = json.dumps(Path(facts.data).name, ensure_ascii=False)
    yield f"* Data: {name}, {facts.learned} examples"
    yield f"* Held out: {facts.held_out} examples; old questions replayed: {facts.replayed}"
    yield (
        f"* Training: {facts.method}, {facts.steps} steps, learning rate "
        f"{facts.learning_rate:g}, seed {facts.seed}"
    )
    for note in facts.notes:
        yield f"* {note}"
    yield "\n## Scores\n"
    if comparison is None:
        yield "It was not scored."
        return
    yield "Shares of right answers, 0 to 1, on held-out images and on old questions.\n"
    heading, *rows = comparison.table()
    yield f"| {' | '.join(heading).lower()} |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
