"""The benchmark counts as it says, and the embedded models reach what their cards promise."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import SettingsError, UnknownModelError
from vlm_demo.evaluation import evaluate, run_benchmark, scenes, scenes_choices
from vlm_demo.evaluation.published.running import RunOptions
from vlm_demo.results.run_files import QUESTIONS_FILE, find_runs
from vlm_demo.scenes.splits import RANGES
from vlm_demo.values import Box, Mention, Reply, ReplyState, Request

MEASURES = ("caption_f1", "grounded_recall50", "locate_iou50", "vqa_em", "absent_em", "japanese_em")


class Oracle:
    """Answers the benchmark's own questions as `reply` makes it of the truth."""

    def __init__(
        self, seed: int, count: int, reply: Callable[[scenes._SceneQuestion], Reply]
    ) -> None:
        drawn = scenes._draw_questions(seed, count, japanese=True)
        self._questions = {(one.exchange.text, one.scene.image.tobytes()): one for one in drawn}
        self._reply = reply

    def spec(self, name: str) -> ModelSpec:
        return ModelSpec(name=name, family="llava15", languages=("English", "Japanese"))

    def answer(self, model: str, request: Request) -> Iterator[Reply]:
        (image,) = request.images
        yield self._reply(self._questions[request.text, image.tobytes()])


def truth(question: scenes._SceneQuestion) -> Reply:
    mentions = tuple(
        Mention(place.phrase, (0, 0), place.boxes) for place in question.exchange.phrases
    )
    return Reply("", question.exchange.answer_text(), mentions)


def shifted(question: scenes._SceneQuestion) -> Reply:
    """The truth with every box moved by its own size, so that none overlaps its object."""
    reply = truth(question)
    mentions = tuple(
        Mention(m.phrase, m.span, tuple(Box(b.x2, b.y2, b.x2 + 0.1, b.y2 + 0.1) for b in m.regions))
        for m in reply.mentions
    )
    return Reply("", reply.text, mentions)


def test_the_truth_scores_one() -> None:
    scores = evaluate("scenes", Oracle(3, 110, truth), "any", seed=3, count=110)  # type: ignore[arg-type]
    assert [scores[measure] for measure in MEASURES] == [1.0] * len(MEASURES)
    assert abs(scores["n"] - 110) < 10


def test_a_run_is_kept_with_its_questions_and_goes_on(tmp_path: Path) -> None:
    oracle = Oracle(3, 20, truth)
    options = RunOptions(below=tmp_path, seed=3, limit=20)
    result = run_benchmark("scenes", oracle, "any", options)  # type: ignore[arg-type]  # scripted
    (run,) = find_runs(tmp_path).by_id.values()
    assert run.result
    assert run.result.score == result["results"]["mean"] == 1
    assert run.result.n_samples == run.config.questions
    lines = (run.folder / QUESTIONS_FILE).read_text("utf-8").splitlines()
    (run.folder / QUESTIONS_FILE).write_text("\n".join(lines[:4]), "utf-8")
    silent = Oracle(3, 20, lambda question: Reply("", "", (), ReplyState.NONE))
    again = run_benchmark("scenes", silent, "any", options)  # type: ignore[arg-type]  # scripted
    assert again["folder"] == result["folder"]
    groups = [json.loads(line)["group"] for line in lines[1:]]
    in_english = [not group.startswith("japanese/") for group in groups]
    assert again["results"]["mean"] == pytest.approx(sum(in_english[:3]) / sum(in_english))
    assert again["throughput"]["questions"] == len(lines) - 4


def test_silence_scores_nothing() -> None:
    silent = Oracle(3, 110, lambda question: Reply("", "", (), ReplyState.NONE))
    scores = evaluate("scenes", silent, "any", seed=3, count=110)  # type: ignore[arg-type]
    assert [scores[measure] for measure in MEASURES] == [0.0] * len(MEASURES)


def test_right_words_with_wrong_boxes_lose_the_boxes_alone() -> None:
    scores = evaluate("scenes", Oracle(3, 110, shifted), "any", seed=3, count=110)  # type: ignore[arg-type]
    assert scores["caption_f1"] == scores["vqa_em"] == 1.0
    assert scores["grounded_recall50"] == scores["locate_iou50"] == 0.0


def test_a_place_for_something_absent_is_no_hit() -> None:
    def invents(question: scenes._SceneQuestion) -> Reply:
        return Reply("", truth(question).text, (Mention("", (0, 0), (Box(0, 0, 1, 1),)),))

    scores = evaluate("scenes", Oracle(3, 110, invents), "any", seed=3, count=110)  # type: ignore[arg-type]
    assert scores["absent_em"] == 0.0


def test_questions_are_about_unseen_scenes_and_follow_from_the_seed() -> None:
    first = list(scenes._draw_questions(4, 60, japanese=False))
    again = list(scenes._draw_questions(4, 60, japanese=False))
    other = list(scenes._draw_questions(5, 60, japanese=False))
    seeds = [question.scene.seed for question in first]
    assert all(seed in RANGES["test"] for seed in seeds)
    assert len(set(seeds)) == len(seeds)
    assert [q.exchange for q in first] == [q.exchange for q in again]
    assert not {q.scene.seed for q in other} & set(seeds)


def test_unknown_names_are_said() -> None:
    with pytest.raises(SettingsError, match="Did you mean scenes"):
        evaluate("scene", Backend(default_menu()), "embedded-llava15")
    with pytest.raises(SettingsError, match="--benchmark mmmu --data FOLDER"):
        evaluate("mmmu", Backend(default_menu()), "embedded-llava15")
    with pytest.raises(UnknownModelError, match="no model called 'gpt-9'"):
        evaluate("scenes", Backend(default_menu()), "gpt-9")


# Multiple choice


class Chooser:
    """Gives each choice of a request the likelihood that `likely` says."""

    def __init__(self, likely: Callable[[Request, int], float]) -> None:
        self._likely = likely
        self.asked: list[Request] = []

    def spec(self, name: str) -> ModelSpec:
        return ModelSpec(name=name, family="llava15")

    def score(self, model: str, request: Request) -> list[float]:
        self.asked.append(request)
        return [self._likely(request, place) for place in range(len(request.choices))]


def test_choices_that_are_known_are_right_in_every_order() -> None:
    truths = {
        (frozenset(question.options), question.scene.image.tobytes()): question.answer
        for question in scenes_choices._draw_questions(3, 30)
    }

    def known(request: Request, place: int) -> float:
        key = frozenset(request.choices), request.images[0].tobytes()
        return float(request.choices[place] == truths[key])

    knowing = Chooser(known)
    scores = evaluate("scenes-choices", knowing, "any", seed=3, count=30)  # type: ignore[arg-type]  # a scripted one
    assert scores == {"accuracy": 1.0, "circular_accuracy": 1.0, "n": 30}


def test_the_first_of_the_list_is_right_by_chance_and_never_in_a_circle() -> None:
    first = Chooser(lambda _, place: -float(place))
    scores = evaluate("scenes-choices", first, "any", seed=3, count=60)  # type: ignore[arg-type]  # a scripted one
    assert 0.05 < scores["accuracy"] < 0.5
    assert scores["circular_accuracy"] == 0
    assert len(first.asked) == 4 * scores["n"]


def test_choices_are_four_different_ones_about_unseen_scenes() -> None:
    first = list(scenes_choices._draw_questions(4, 30))
    for question in first:
        assert len(set(question.options)) == 4
        assert question.answer in question.options
        assert question.scene.seed in RANGES["test"]
    places = {question.options.index(question.answer) for question in first}
    assert places == {0, 1, 2, 3}
    again = list(scenes_choices._draw_questions(4, 30))
    assert [q.options for q in first] == [q.options for q in again]


def test_the_default_model_is_not_led_by_the_order() -> None:
    backend = Backend(default_menu())
    scores = evaluate("scenes-choices", backend, "embedded-llava15", seed=2, count=12)
    backend.close()
    assert scores["n"] == 12
    assert scores["circular_accuracy"] >= 0.75


# What is asked of the models; a few questions find it out only roughly, so a little below.
TARGETS = {
    "embedded-llava15": (0.97, 0.94, 0.95, 0.95, 0.93, 0.90),
    "embedded-kosmos2": (0.95, 0.90, 0.88, 0.88, None, None),
}


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("embedded-llava15", 120),
        pytest.param("embedded-kosmos2", 120, marks=pytest.mark.thorough),
        *(pytest.param(model, 330, marks=pytest.mark.thorough) for model in TARGETS),
    ],
)
@pytest.mark.timeout(600)
def test_the_embedded_models_are_as_good_as_promised(model: str, count: int) -> None:
    backend = Backend(default_menu())
    scores = evaluate("scenes", backend, model, seed=2, count=count)
    backend.close()
    for measure, target in zip(MEASURES, TARGETS[model], strict=True):
        assert target is None or scores[measure] >= target - 0.05, (measure, scores)
