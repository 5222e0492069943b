"""Every native family through the local engine: loading, prompts, answers, and places in them.

The checkpoints are tiny ones of the real classes with random weights (support/tiny_checkpoints), so
what they would answer is forced on them token by token; the rest of the way is the real one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from support.engines import load_engine
from support.tiny_checkpoints import CHECKPOINTS, save
from transformers import LogitsProcessor, LogitsProcessorList

from vlm_demo.catalog.family_choice import choose_family
from vlm_demo.engines import CheckpointDescription
from vlm_demo.engines.local.decoding.constraints import ForcedTokens
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory
from vlm_demo.families import get_family
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.tasks import CAPTION_TASKS
from vlm_demo.values import (
    Box,
    Frame,
    Message,
    Point,
    Prompt,
    ReplyState,
    Request,
    Sampling,
    Task,
    bounding_box,
)

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V and PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DOG = Box(0.1, 0.2, 0.5, 0.8)


@dataclass(frozen=True)
class Native:
    """A checkpoint that is loaded, and how it is asked."""

    name: str
    family: Family
    engine: LocalEngine

    def asked(self, *tasks: Task, **more: Any) -> Prompt:
        """Write the prompt for the first of the tasks that the family can do."""
        task = next(task for task in tasks if task in self.family.instructions)
        words = "" if task in CAPTION_TASKS else "What is this?"
        request = Request(task, **{"text": words, "images": (drawing(),), **more})
        return self.family.prompt(request, control_tokens=self.engine.control_tokens)


ANY_TASK = (Task.CHAT, Task.VQA, Task.CAPTION)


def drawing(colour: str = "red", size: tuple[int, int] = (640, 480)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    corners = DOG.to_pixels(size)
    ImageDraw.Draw(image).rectangle(corners, fill=colour)
    return image


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Native]]:
    with ExitStack() as opened:

        @cache
        def load_once(name: str) -> Native:
            folder = save(CHECKPOINTS[name], tmp_path_factory.mktemp(name))
            engine = load_engine(folder)
            opened.callback(engine.close)
            return Native(name, get_family(CHECKPOINTS[name].family), engine)

        yield load_once


@pytest.fixture(params=CHECKPOINTS)
def native(request: pytest.FixtureRequest, load: Callable[[str], Native]) -> Native:
    return load(request.param)


def only(wanted: Callable[[Family], object]) -> pytest.MarkDecorator:
    """Try only the checkpoints of some families."""
    names = [name for name, c in CHECKPOINTS.items() if wanted(get_family(c.family))]
    return pytest.mark.parametrize("native", names, indirect=True)


def test_the_family_is_found_by_the_checkpoint(native: Native) -> None:
    kind = native.engine._model.config.model_type
    hub_id = native.family.checkpoints[0]
    description = CheckpointDescription(name=hub_id, is_hub_id=True, config={"model_type": kind})
    assert choose_family(description).family == native.family.name


# Prompts

EXPANDED: dict[str, tuple[str, str]] = {
    # what a processor makes of a picture, and what is documented in its place
    "blip_2": ("(<image>)+", ""),
    "deepseek_vl": ("(<image_placeholder>)+", "<image_placeholder>"),
    "florence2": ("(<image>)+", ""),
    "fuyu": (r"(\|SPEAKER\||\|NEWLINE\|)+<s>", ""),
    "gemma3": (
        "\n\n<start_of_image>(<image_soft_token>)+<end_of_image>\n\n",
        "<start_of_image>",
    ),
    "glm4": (r"(<\|image\|>)+", "<|image|>"),
    "idefics3": (
        r"(\n*<fake_token_around_image>(<row_\d_col_\d>|<global-img>)?(<image>)+)+"
        "<fake_token_around_image>",
        "<image>",
    ),
    "instructblip": ("(<image>)+", ""),
    "internvl": ("<img>(<IMG_CONTEXT>)+</img>", "<image>"),
    "kosmos2": ("<image>.*</image>", ""),
    "llava": ("(<image>)+", "<image>"),
    "molmo2": (
        "(<low_res_im_start>|<im_start>)(<im_(patch|col|low)>)+<im_end>"
        "(<im_start>(<im_(patch|col)>)+<im_end>)?",
        "<|image|>",
    ),
    "ovis2": ("<IMG_START>(<IMG_[A-Z]+>)+<IMG_END>", "<image>"),
    "paligemma": ("(<image>)+", "<image>"),
    "qwen": (r"(<\|image_pad\|>)+", "<|image_pad|>"),
    "yi_vl": ("(<image_placeholder>)+", "<image_placeholder>"),
}
EXPANDED["smolvlm"] = EXPANDED["idefics3"]


def given(native: Native, prompt: Prompt) -> str:
    """What the model is given, as text; pictures are written as they are documented."""
    tokenizer = native.engine._encoder.tokenizer
    ids = native.engine._encoder.encode(prompt).ids
    text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return collapsed(native, text)


def collapsed(native: Native, text: str) -> str:
    for name, (expanded, documented) in EXPANDED.items():
        if native.name.startswith(name):
            text = re.sub(expanded, documented, text, flags=re.DOTALL)
    return text


def documented(native: Native, prompt: Prompt) -> str:
    """What the family documents, with what the tokenizer adds by itself."""
    text = native.family.render(prompt)
    match native.name:
        case "git" | "git_vqa":
            text = text.replace("[CLS]", "[CLS] ").lower().replace("[cls]", "[CLS]").strip()
        case "blip_2_t5" | "instructblip_t5":
            text = f" {text}</s>"
        case "florence2":
            text = f"<s>{text}</s>"
        case "fuyu":
            text = f" {text.replace('<0x04>', chr(4))}"
        case "instructblip" | "llava" | "llava_next" | "llava_next_vicuna" | "yi_vl":
            text = f"<s> {text}"  # SentencePiece puts a blank before a text
        case "blip_2_opt" | "deepseek_vl" | "deepseek_vl_hybrid" | "kosmos2":
            text = f"{native.engine._encoder.tokenizer.bos_token}{text}"
        case "llava_next_34b" | "molmo2":
            text = f"{native.engine._encoder.tokenizer.bos_token}{text}"
    return collapsed(native, text)


def test_the_model_is_given_what_the_family_documents(native: Native) -> None:
    prompt = native.asked(*ANY_TASK)
    assert given(native, prompt) == documented(native, prompt)


@only(lambda family: family.limits.history == "full")
def test_a_second_turn_is_given_as_documented(native: Native) -> None:
    history = (Message("user", "Where is it?", (drawing(),)), Message("assistant", " In a park."))
    prompt = native.asked(*ANY_TASK, history=history, images=())
    assert [message.text for message in prompt.messages if message.role != "system"][:2] == [
        "Where is it?",
        "In a park.",
    ]
    assert given(native, prompt) == documented(native, prompt)


@only(lambda family: family.limits.max_images > 1)
def test_several_pictures_are_given_as_documented(native: Native) -> None:
    prompt = native.asked(*ANY_TASK, images=(drawing(), drawing("blue", (300, 500))))
    assert given(native, prompt) == documented(native, prompt)


def test_a_text_begins_once(native: Native) -> None:
    ids = native.engine._encoder.encode(native.asked(*ANY_TASK)).ids
    beginning = native.engine._encoder.tokenizer.bos_token_id
    assert beginning is None or ids.count(beginning) <= 1


# Answers


@contextmanager
def forced(native: Native, tokens: Sequence[int]) -> Iterator[None]:
    """Let the model write these tokens and end."""
    end = min(native.engine._end_tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LogitsProcessorFactory,
            "build_for_request",
            lambda *_: LogitsProcessorList([ForcedTokens([*tokens, end])]),
        )
        yield


def answered(native: Native, prompt: Prompt, tokens: Sequence[int]) -> list[str]:
    with forced(native, tokens):
        return list(native.engine.stream(prompt, Sampling(max_new_tokens=400)))


def tokens_of(native: Native, text: str) -> list[int]:
    """The tokens of an answer as a model writes them, after words."""
    tokenizer = native.engine._encoder.tokenizer
    if native.name == "fuyu":  # its numbers and tags are pieces of their own
        return list(tokenizer.convert_tokens_to_ids(text.split()))
    before = tokenizer.encode("a", add_special_tokens=False)
    whole = tokenizer.encode(f"a{text}", add_special_tokens=False)
    assert whole[: len(before)] == before, "the answer has no beginning of its own"
    return list(whole[len(before) :])


SAID = " a dog is running in the park. two cats!"


def test_words_arrive_piece_by_piece_and_whole(native: Native) -> None:
    prompt = native.asked(*ANY_TASK)
    tokens = native.engine._encoder.tokenizer.encode(SAID.strip(), add_special_tokens=False)
    if native.name == "florence2":
        tokens.insert(0, native.engine._encoder.tokenizer.bos_token_id)
    pieces = answered(native, prompt, tokens)
    raw = "".join(pieces)
    assert len(pieces) > 5
    reply = native.family.reply(prompt.answer_prefix + raw, prompt)
    if native.name.endswith("_thinking"):
        assert raw.startswith("<think>")
        assert (reply.text, reply.reasoning) == ("", SAID.strip())
    else:
        assert reply.text == SAID.strip()


def test_an_answer_ends_before_a_string_that_stops_it(native: Native) -> None:
    prompt = native.asked(*ANY_TASK)
    tokens = native.engine._encoder.tokenizer.encode(SAID.strip(), add_special_tokens=False)
    if native.name == "florence2":
        tokens.insert(0, native.engine._encoder.tokenizer.bos_token_id)
    raw = "".join(answered(native, replace(prompt, stop=("park",)), tokens))
    assert raw.endswith(" in the ")


def written(native: Native, prompt: Prompt, tokens: int = 2) -> list[str]:
    return list(native.engine.stream(prompt, Sampling(max_new_tokens=tokens)))


def test_every_task_is_answered(native: Native) -> None:
    for task in native.family.instructions:
        written(native, native.asked(task, regions=(DOG,)))


def test_several_pictures_and_turns_are_answered(native: Native) -> None:
    limits = native.family.limits
    images = (drawing(), drawing("blue", (300, 500)))[: limits.max_images]
    history = (Message("user", "Where is it?", images), Message("assistant", "In a park."))
    written(native, native.asked(*ANY_TASK, history=history, images=()))


class Scores(LogitsProcessor):
    """Looks at how likely the model finds each token that may come next."""

    def __init__(self) -> None:
        self.seen = torch.empty(0)

    def __call__(self, input_ids: Any, scores: torch.Tensor) -> torch.Tensor:
        self.seen = torch.cat((self.seen, scores))
        return scores


def test_the_model_sees_the_picture(native: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Scores] = []
    build = LogitsProcessorFactory.build_for_request

    def watched(self: LogitsProcessorFactory, job: Any) -> LogitsProcessorList:
        seen.append(Scores())
        return LogitsProcessorList([*build(self, job), seen[-1]])

    monkeypatch.setattr(LogitsProcessorFactory, "build_for_request", watched)
    for colour in ("red", "red", "blue"):
        written(native, native.asked(*ANY_TASK, images=(drawing(colour),)), tokens=3)
    red, again, blue = (one.seen for one in seen)
    assert torch.equal(red, again)
    assert red.shape != blue.shape or not torch.allclose(red, blue, rtol=0, atol=1e-5)


@only(lambda family: Task.CAPTION in family.instructions and family.prefix_separator is not None)
def test_an_answer_goes_on_from_its_given_beginning(native: Native) -> None:
    prompt = native.asked(Task.CAPTION, text="A red")
    assert prompt.answer_prefix.endswith("A red")
    assert native.engine._encoder.render(prompt).endswith(prompt.answer_prefix)
    reply = native.family.reply("".join((prompt.answer_prefix, *written(native, prompt))), prompt)
    assert reply.text.startswith("A red")


def test_an_answer_can_be_one_of_the_choices(native: Native) -> None:
    prompt = replace(native.asked(*ANY_TASK), choices=("a dog", "a dog house", "3"))
    for seed in range(2):
        sampling = Sampling(temperature=9.0, seed=seed)
        assert "".join(native.engine.stream(prompt, sampling)) in prompt.choices


# Places


def json_of(*numbers: int, key: str = "bbox_2d") -> str:
    return f'```json\n[{{"{key}": {list(numbers)}, "label": "dog"}}]\n```'


def seen_pixels(frame: Frame) -> str:
    return json_of(*map(round, DOG.to_pixels(frame.seen)))


@dataclass(frozen=True)
class Placed:
    """How a checkpoint writes where the dog is; text, or made from the sizes of the picture."""

    raw: str | Callable[[Frame], str]
    task: Task = Task.GROUNDING
    text: str = "dog"  # what was asked for
    phrase: str = "dog"


PLACED = {
    "llava": Placed("[0.10, 0.28, 0.50, 0.72]"),
    "llava_next": Placed("[0.10, 0.28, 0.50, 0.72]"),
    "yi_vl": Placed("[0.10, 0.28, 0.50, 0.72]"),
    "llava_next_vicuna": Placed("[0.10, 0.28, 0.50, 0.72]"),
    "llava_next_34b": Placed("[0.10, 0.28, 0.50, 0.72]"),
    "kosmos2": Placed(
        "<phrase> a dog</phrase><object><patch_index_0195><patch_index_0815></object> in a park",
        Task.GROUNDED_CAPTION,
        phrase="a dog",
    ),
    "fuyu": Placed("<0x00> 48 32 192 160 <0x01> |ENDOFTEXT|"),
    "qwen2_vl": Placed(
        "<|object_ref_start|>a dog<|object_ref_end|><|box_start|>(100,200),(500,800)<|box_end|>",
        phrase="a dog",
    ),
    "qwen2_5_vl": Placed(seen_pixels),
    "qwen3_vl": Placed(json_of(100, 200, 500, 800)),
    "qwen3_vl_moe": Placed(json_of(100, 200, 500, 800)),
    "qwen3_vl_thinking": Placed(
        "It is at [1, 2, 3, 4].\n</think>\n\n" + json_of(100, 200, 500, 800)
    ),
    "glm4v": Placed("<|begin_of_box|>[[100,200,500,800]]<|end_of_box|>"),
    "glm4v_moe": Placed("<|begin_of_box|>[[100,200,500,800]]<|end_of_box|>"),
    "glm41v_thinking": Placed(
        "At [[1,2,3,4]]?</think><answer>Here: <|begin_of_box|>[[100,200,500,800]]<|end_of_box|>"
        "</answer>"
    ),
    "internvl": Placed("<ref>dog</ref><box>[[100, 200, 500, 800]]</box>"),
    "molmo2": Placed('<points coords="1 1 300 500">dog</points>'),
    "paligemma": Placed("<loc0205><loc0102><loc0819><loc0512> dog"),
    "gemma3": Placed(json_of(200, 100, 800, 500, key="box_2d")),
    "florence2": Placed("<s>dog<loc_100><loc_200><loc_500><loc_800>"),
}


@only(lambda family: family.name == "fuyu")
def test_fuyu_is_given_a_place_as_it_has_learned_places(native: Native) -> None:
    tokenizer = native.engine._encoder.tokenizer
    prompt = native.asked(Task.DESCRIBE_REGION, regions=(DOG,), images=(drawing(size=(60, 40)),))
    tokens = tokenizer.convert_ids_to_tokens(native.engine._encoder.encode(prompt).ids)
    # top, left, bottom, right: (8, 6, 32, 30) pixels, in steps of two
    assert tokens[-7:] == ["<0x00>", "4", "3", "16", "15", "<0x01>", "<0x04>"]
    scaled = native.asked(Task.DESCRIBE_REGION, regions=(DOG,), images=(drawing(size=(180, 120)),))
    tokens = tokenizer.convert_ids_to_tokens(native.engine._encoder.encode(scaled).ids)
    assert tokens[-6:-2] == ["6", "4", "24", "22"], "the processor halves it to 90 x 60"


@only(lambda family: family.markup)
def test_a_place_that_the_model_writes_is_found(native: Native) -> None:
    placed = PLACED[native.name]
    prompt = native.asked(placed.task, text=placed.text)
    assert prompt.frame
    raw = placed.raw if isinstance(placed.raw, str) else placed.raw(prompt.frame)
    pieces = answered(native, prompt, tokens_of(native, raw))
    shown = [
        native.family.reply(prompt.answer_prefix + "".join(pieces[:count]), prompt)
        for count in range(len(pieces) + 1)
    ]
    assert shown[-1].state is ReplyState.FOUND
    [mention] = shown[-1].mentions
    assert mention.phrase.lower() == placed.phrase
    [place] = mention.regions
    if isinstance(place, Point):
        assert (place.x, place.y) == pytest.approx((0.3, 0.5))
    else:
        assert bounding_box(place).iou(DOG) > 0.85
    assert not any(tag in reply.text for reply in shown for tag in ("<", "[[", "loc", "|"))
