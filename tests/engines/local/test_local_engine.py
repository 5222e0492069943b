"""The local engine, with real model classes made tiny; no download, no weights of anybody."""

import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from support import ROOT

from vlm_demo.engines import Progress, Serving, open_engine
from vlm_demo.engines.local import engine as engine_module
from vlm_demo.engines.local.checkpoints import fetching
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.engines.local.decoding.constraints import ChoiceTree
from vlm_demo.engines.local.decoding.text import IncrementalText, StopStrings
from vlm_demo.engines.local.decoding.vision_towers import drop_unread_layers
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import EngineError, LoadError, OutOfMemoryError, TooLongError
from vlm_demo.families import get_family
from vlm_demo.values import Message, Prompt, Request, Sampling, Task

SHORT = Sampling(max_new_tokens=12)


@pytest.fixture(scope="module")
def llava(tiny_llava15: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine.load(str(tiny_llava15), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def kosmos(tiny_kosmos2: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine.load(str(tiny_kosmos2), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def smol(tiny_smolvlm: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine.load(str(tiny_smolvlm), device="cpu")
    yield engine
    engine.close()


@pytest.fixture
def broken(tiny_llava15: Path, tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be damaged."""
    return Path(shutil.copytree(tiny_llava15, tmp_path / "broken"))


def prompt(family: str, picture: Image.Image | None, task: Task = Task.CHAT, **more: Any) -> Prompt:
    images = (picture,) if picture else ()
    return get_family(family).prompt(Request(task, "what is it?", images, **more))


def written(engine: LocalEngine, asked: Prompt, sampling: Sampling = SHORT) -> str:
    return "".join(engine.stream(asked, sampling))


# Answers


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_every_task_of_every_family_is_answered(
    family: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    for task in get_family(family).instructions:
        list(engine.stream(prompt(family, picture, task), SHORT))


@pytest.mark.parametrize("fixture", ["llava", "smol"])
def test_the_picture_changes_the_answer(
    fixture: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    engine: LocalEngine = request.getfixturevalue(fixture)
    family = {"llava": "llava15", "smol": "smolvlm"}[fixture]
    pictures = [picture, Image.new("RGB", (64, 96), "blue"), Image.new("RGB", (64, 64), "white")]
    assert len({written(engine, prompt(family, image)) for image in pictures}) > 1


@pytest.mark.parametrize("size", [(1, 1), (10_000, 50), (3, 700)])
@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_pictures_of_extreme_shapes_are_answered(
    family: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    asked = prompt(family, Image.new("RGB", size, "red"), Task.CAPTION)
    list(engine.stream(asked, Sampling(max_new_tokens=2)))


def test_chat_without_a_picture(llava: LocalEngine, smol: LocalEngine) -> None:
    assert written(llava, prompt("llava15", None))
    assert written(smol, prompt("smolvlm", None))


def test_llava15_prompt_is_the_training_template(llava: LocalEngine, picture: Image.Image) -> None:
    history = (Message("user", "Where?", (picture,)), Message("assistant", " [0.10, 0.20] "))
    asked = get_family("llava15").prompt(Request(Task.CHAT, "And now?", history=history))
    assert llava.render(asked) == (
        "USER: <image>\nWhere? ASSISTANT: [0.10, 0.20]</s>USER: And now? ASSISTANT:"
    )
    asked = get_family("llava15").prompt(Request(Task.CAPTION, "A red", (picture,)))
    assert llava.render(asked) == (
        "USER: <image>\nProvide a one-sentence caption for the provided image. ASSISTANT: A red"
    )


def test_kosmos2_prompt_is_a_plain_string(kosmos: LocalEngine, picture: Image.Image) -> None:
    asked = prompt("kosmos2", picture, Task.GROUNDED_CAPTION)
    assert kosmos.render(asked) == "<grounding> what is it?"
    assert kosmos.render(prompt("kosmos2", picture)) == (
        "<grounding> Question: what is it? Answer:"
    )


def test_smolvlm_prompt_is_the_checkpoints_own(smol: LocalEngine, picture: Image.Image) -> None:
    assert smol.render(prompt("smolvlm", picture)) == (
        "<|im_start|>User:<image>what is it?<end_of_utterance>\nAssistant:"
    )


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_the_beginning_of_text_stands_there_once(
    family: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    ids = engine._encoder.encode(prompt(family, picture)).ids
    bos = engine._encoder.tokenizer.bos_token_id
    assert ids[0] == bos
    assert ids.count(bos) == 1


def test_tokens_of_pictures_are_counted(llava: LocalEngine, picture: Image.Image) -> None:
    with_picture = llava.count_tokens(prompt("llava15", picture))
    assert with_picture - llava.count_tokens(prompt("llava15", None)) >= 16


def test_control_tokens_are_those_of_the_tokenizer(kosmos: LocalEngine, smol: LocalEngine) -> None:
    assert {"</s>", "<phrase>", "<patch_index_1023>"} <= kosmos.control_tokens
    assert {"<image>", "<end_of_utterance>", "<row_1_col_1>"} <= smol.control_tokens


def test_typed_control_tokens_do_not_break_the_answer(
    llava: LocalEngine, picture: Image.Image
) -> None:
    request = Request(Task.CHAT, "is <image> or </s> or <box> here?", (picture,))
    asked = get_family("llava15").prompt(request, control_tokens=llava.control_tokens)
    ids = llava._encoder.encode(asked).ids
    assert ids.count(llava._model.config.image_token_id) == 16
    assert llava._encoder.tokenizer.eos_token_id not in ids
    written(llava, asked)


def test_picture_tokens_are_never_written(llava: LocalEngine, picture: Image.Image) -> None:
    image_token = llava._model.config.image_token_id
    for seed in range(3):
        asked = Prompt(
            prompt("llava15", picture).messages,
            chat_template=get_family("llava15").chat_template,
            keep_special_tokens=True,
        )
        text = written(llava, asked, Sampling(max_new_tokens=60, temperature=50.0, seed=seed))
        assert llava._encoder.tokenizer.decode([image_token]) not in text


# Streaming


def test_pieces_come_while_the_model_is_writing(llava: LocalEngine, picture: Image.Image) -> None:
    pieces = llava.stream(prompt("llava15", picture), Sampling(max_new_tokens=3000))
    assert list(itertools.islice(pieces, 3))
    assert llava.usage().answering, "everything was written before the first piece came"
    pieces.close()


def test_closing_the_iterator_stops_the_model(llava: LocalEngine, picture: Image.Image) -> None:
    pieces = llava.stream(prompt("llava15", picture), Sampling(max_new_tokens=3900))
    next(pieces)
    pieces.close()
    started = time.monotonic()
    while llava.usage().answering:
        assert time.monotonic() - started < 5, "the model goes on"
        time.sleep(0.005)
    assert written(llava, prompt("llava15", picture))


def test_a_request_that_was_given_up_in_the_queue_is_never_run(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = Sampling(max_new_tokens=3900)
    running = [llava.stream(prompt("llava15", picture), long) for _ in range(Serving().batch)]
    for pieces in running:
        next(pieces)
    begun = llava.usage().requests
    reader = llava.stream(prompt("llava15", picture), SHORT)
    assert (next(reader), llava.usage().waiting) == ("", 1)
    reader.close()
    while llava.usage().waiting:
        time.sleep(0.005)
    for pieces in running:
        pieces.close()
    while llava.usage().answering:
        time.sleep(0.005)
    assert llava.usage().requests == begun


def test_failure_inside_the_model_reaches_the_reader(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(llava._model, "forward", raising(RuntimeError("boom")))
        with pytest.raises(EngineError, match="failed while answering: boom"):
            written(llava, prompt("llava15", picture))
    assert written(llava, prompt("llava15", picture)), "the next request works"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("x: can't allocate memory: 9 GB")],
)
def test_too_little_memory_is_said(
    error: Exception, llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llava._model, "forward", raising(error))
    with pytest.raises(OutOfMemoryError, match="smaller model"):
        written(llava, prompt("llava15", picture))


def test_failure_in_mid_answer_reaches_the_reader(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, steps = llava._model.forward, itertools.count()

    def breaks_off(**inputs: Any) -> Any:
        if next(steps) == 4:
            raise ValueError("gone")
        return forward(**inputs)

    monkeypatch.setattr(llava._model, "forward", breaks_off)
    pieces = []
    with pytest.raises(EngineError, match="gone"):
        for piece in llava.stream(prompt("llava15", picture), SHORT):
            pieces.append(piece)
    assert pieces


def test_readers_at_the_same_time_get_what_each_would_get_alone(
    llava: LocalEngine, picture: Image.Image
) -> None:
    blue = Image.new("RGB", (80, 40), "blue")
    asked = [prompt("llava15", picture), prompt("llava15", blue, Task.CAPTION)]
    alone = [written(llava, one) for one in asked]
    together: dict[int, str] = {}

    def read(number: int) -> None:
        together[number] = written(llava, asked[number % 2])

    readers = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert together == {number: alone[number % 2] for number in range(6)}
    assert alone[0] != alone[1]


def test_closing_the_engine_ends_its_streams(tiny_llava15: Path, picture: Image.Image) -> None:
    engine = LocalEngine.load(str(tiny_llava15), device="cpu")
    pieces = engine.stream(prompt("llava15", picture), Sampling(max_new_tokens=3900))
    next(pieces)
    engine.close()
    with pytest.raises(EngineError, match="unloaded"):
        list(pieces)
    with pytest.raises(EngineError, match="unloaded"):
        list(engine.stream(prompt("llava15", picture), SHORT))


@pytest.mark.parametrize(
    "text", ["赤い丸と青い四角があります。", "😀 🐱 é", "plain words, then 絵"]
)
@pytest.mark.parametrize("fixture", ["llava", "smol"])
def test_characters_of_several_tokens_come_whole(
    text: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(fixture)._encoder.tokenizer
    before = tokenizer.encode("😀 ASSISTANT:", add_special_tokens=False)
    stream = IncrementalText(tokenizer, before, keep_special=False)
    pieces = [stream.add(token) for token in tokenizer.encode(text, add_special_tokens=False)]
    pieces.append(stream.rest())
    assert "".join(pieces).removeprefix(" ") == text  # SentencePiece puts a blank before a text
    assert not any("\ufffd" in piece for piece in pieces)


def test_blanks_between_words_are_kept_for_sentencepiece_like_tokenizers(
    kosmos: LocalEngine,
) -> None:
    tokenizer = kosmos._encoder.tokenizer
    whole = tokenizer.encode("Answer: two dogs<phrase> a cat</phrase>", add_special_tokens=False)
    stream = IncrementalText(tokenizer, whole[:2], keep_special=True)
    text = "".join(stream.add(token) for token in whole[2:]) + stream.rest()
    assert tokenizer.decode(whole[:2]) + text == tokenizer.decode(whole)


def test_half_a_character_at_the_end_is_left_out(llava: LocalEngine) -> None:
    ids = llava._encoder.tokenizer.encode("ok 🚗", add_special_tokens=False)
    stream = IncrementalText(llava._encoder.tokenizer, [], keep_special=False)
    assert "".join(map(stream.add, ids[:-1])) + stream.rest() == "ok "


@pytest.mark.parametrize(
    ("pieces", "stop", "shown"),
    [
        (["a b", " c STOP d"], ("STOP",), "a b c "),
        (["a S", "T", "OP"], ("STOP",), "a "),
        (["a S", "T", "x"], ("STOP",), "a STx"),
        (["one\n", "\ntwo"], ("\n\n", "two"), "one"),
        (["ab"], (), "ab"),
    ],
)
def test_text_ends_before_the_first_stop_string(
    pieces: list[str], stop: tuple[str, ...], shown: str
) -> None:
    text = StopStrings(stop)
    assert "".join(map(text.add, pieces)) + text.rest() == shown


def test_a_stop_string_stops_the_model(llava: LocalEngine, picture: Image.Image) -> None:
    asked = prompt("llava15", picture)
    whole = written(llava, asked, Sampling(max_new_tokens=40))
    stop = whole[5]
    cut = Prompt(asked.messages, chat_template=asked.chat_template, stop=(stop,))
    assert written(llava, cut, Sampling(max_new_tokens=3900)) == whole.split(stop)[0]


# Sampling


def test_a_seed_repeats_the_answer_and_disturbs_nobody(
    llava: LocalEngine, picture: Image.Image
) -> None:
    asked = prompt("llava15", picture)
    drawn = [
        written(llava, asked, Sampling(max_new_tokens=12, temperature=2.0, seed=seed))
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    written(llava, asked, Sampling(max_new_tokens=5, temperature=1.0))
    assert torch.equal(torch.rand(3), expected)


def test_greedy_is_the_limit_of_narrow_sampling(llava: LocalEngine, picture: Image.Image) -> None:
    asked = prompt("llava15", picture)
    greedy = written(llava, asked)
    narrow = [
        Sampling(max_new_tokens=12, temperature=3.0, top_k=1),
        Sampling(max_new_tokens=12, temperature=3.0, top_p=1e-6),
        Sampling(max_new_tokens=12, temperature=1e-3),
    ]
    assert [written(llava, asked, sampling) for sampling in narrow] == [greedy] * 3


def test_the_checkpoints_own_repetition_penalty_gives_way(
    kosmos: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompt("kosmos2", picture)
    plain = written(kosmos, asked)
    monkeypatch.setattr(kosmos._model.generation_config, "repetition_penalty", 5.0)
    assert written(kosmos, asked) == plain


def test_repetition_penalty_changes_a_repeating_answer(
    kosmos: LocalEngine, picture: Image.Image
) -> None:
    asked = prompt("kosmos2", picture)
    plain = written(kosmos, asked)
    assert written(kosmos, asked, Sampling(max_new_tokens=12, repetition_penalty=5.0)) != plain


CHOICES = ("red", "red car", "赤い丸", "yes", "a photo of a cat")


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
@pytest.mark.parametrize("temperature", [0.0, 9.0])
def test_the_answer_is_exactly_one_of_the_choices(
    family: str, temperature: float, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    asked = prompt(family, picture, Task.VQA, choices=CHOICES)
    for seed in range(4):
        sampling = Sampling(temperature=temperature, seed=seed)
        assert written(engine, asked, sampling) in CHOICES


def test_every_choice_can_be_made(llava: LocalEngine, picture: Image.Image) -> None:
    asked = prompt("llava15", picture, Task.VQA, choices=CHOICES)
    made = {written(llava, asked, Sampling(temperature=99.0, seed=seed)) for seed in range(40)}
    assert made == set(CHOICES)


def test_a_single_choice_needs_no_model(llava: LocalEngine, picture: Image.Image) -> None:
    assert written(llava, prompt("llava15", picture, Task.VQA, choices=("only",))) == "only"


def test_a_choice_that_begins_another_can_be_made() -> None:
    tree = ChoiceTree([[1], [1, 2], [3, 4], [1]], end_token=9)
    assert tree.allowed == [1, 3]
    tree.follow(1)
    assert (tree.allowed, tree.made) == ([2, 9], None)
    tree.follow(9)
    assert tree.made == 0


# Limits


def test_a_prompt_longer_than_the_context_is_refused(
    tiny_llava15: Path, picture: Image.Image, llava: LocalEngine
) -> None:
    engine = LocalEngine.load(str(tiny_llava15), device="cpu", context=60)
    length = engine.count_tokens(prompt("llava15", picture))
    cut = written(engine, prompt("llava15", picture), Sampling(max_new_tokens=900))
    assert cut == written(llava, prompt("llava15", picture), Sampling(max_new_tokens=60 - length))
    long = get_family("llava15").prompt(Request(Task.CHAT, "what " * 60, (picture,)))
    with pytest.raises(TooLongError, match="it can take 59"):
        list(engine.stream(long, SHORT))
    engine.close()


def test_a_checkpoint_without_a_template_says_so(llava: LocalEngine, picture: Image.Image) -> None:
    with pytest.raises(EngineError, match="no chat template"):
        list(llava.stream(Prompt((Message("user", "hi", (picture,)),)), SHORT))


# Loading


def test_progress_of_loading_is_told(tiny_llava15: Path) -> None:
    told: list[Progress] = []
    open_engine("local", str(tiny_llava15), device="cpu", on_progress=told.append).close()
    stored = sum(tensor.stored_bytes for tensor in read_weights(tiny_llava15).tensors.values())
    assert {(p.stage, p.total, p.unit) for p in told} == {("loading", stored, "bytes")}
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[0].done, told[-1].done) == (0, stored)
    assert len({p.done for p in told}) > 20
    assert (told[0].shards, told[-1].shards) == ((0, 1), (1, 1))


def test_half_precision_is_widened_on_a_cpu(
    tiny_llava15: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LocalEngine.load(str(tiny_llava15), device="cpu", dtype="float16")
    assert engine._model.dtype == torch.float16
    engine._model.save_pretrained(tmp_path)
    engine._encoder.processor.save_pretrained(tmp_path)
    engine.close()
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    again = LocalEngine.load(str(tmp_path), device="cpu")
    assert again._model.dtype == torch.float32
    again.close()


@pytest.mark.parametrize("quantization", ["4bit", "8bit"])
@pytest.mark.filterwarnings("ignore:MatMul8bitLt:UserWarning")
def test_quantised_weights_answer(
    quantization: Any, tiny_llava15: Path, picture: Image.Image
) -> None:
    pytest.importorskip("bitsandbytes")
    engine = LocalEngine.load(str(tiny_llava15), device="cpu", quantization=quantization)
    try:
        assert engine._model.is_quantized
        list(engine.stream(prompt("llava15", picture), Sampling(max_new_tokens=2)))
    finally:
        engine.close()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no folder .*nothing.*Please give a folder"):
        LocalEngine.load(str(tmp_path / "nothing"))


def test_folder_that_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no config\.json in"):
        LocalEngine.load(str(tmp_path))


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff"])
def test_damaged_config(content: str, broken: Path) -> None:
    (broken / "config.json").write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(LoadError, match=r"config\.json is damaged"):
        LocalEngine.load(str(broken))


def test_damaged_processor_file(broken: Path) -> None:
    (broken / "processor_config.json").write_text("{")
    with pytest.raises(LoadError, match="could not be loaded"):
        LocalEngine.load(str(broken))


def test_unknown_kind_of_model(broken: Path) -> None:
    change(broken / "config.json", model_type="llava_next_century")
    with pytest.raises(LoadError, match="does not know this kind of model"):
        LocalEngine.load(str(broken))


def test_truncated_weights(broken: Path) -> None:
    weights = broken / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:50_000])
    with pytest.raises(LoadError, match="damaged or cut off"):
        LocalEngine.load(str(broken))


def test_missing_weights(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    with pytest.raises(LoadError, match=r"has no model\.safetensors"):
        LocalEngine.load(str(broken))


def test_weights_that_can_hold_programs_are_refused(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    torch.save({}, broken / "pytorch_model.bin")
    with pytest.raises(LoadError, match=r"\.bin form.*\.safetensors"):
        LocalEngine.load(str(broken))


def test_missing_shard(tiny_llava15: Path, tmp_path: Path) -> None:
    engine = LocalEngine.load(str(tiny_llava15), device="cpu")
    engine._model.save_pretrained(tmp_path, max_shard_size="300KB")
    engine._encoder.processor.save_pretrained(tmp_path)
    engine.close()
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1
    LocalEngine.load(str(tmp_path), device="cpu").close()
    shards[-1].unlink()
    with pytest.raises(LoadError, match=f"has no {shards[-1].name}"):
        LocalEngine.load(str(tmp_path))


def test_missing_key_is_refused_not_drawn_at_random(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    gone = sorted(weights)[3]
    del weights[gone]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(LoadError, match="incomplete: 1 are missing"):
        LocalEngine.load(str(broken))


def test_weights_of_another_size(broken: Path) -> None:
    config = json.loads((broken / "config.json").read_text())
    config["text_config"]["hidden_size"] = 96
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(LoadError, match="do not fit"):
        LocalEngine.load(str(broken))


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_processor_that_needs_torchvision(tmp_path: Path, broken: Path) -> None:
    """Molmo 2: everything else of it is there."""
    from transformers import Molmo2Config

    config = Molmo2Config(image_patch_id=4)
    (broken / "config.json").write_text(json.dumps(config.to_dict()))
    (broken / "processor_config.json").write_text('{"processor_class": "Molmo2Processor"}')
    pictures = '{"image_processor_type": "Molmo2ImageProcessor"}'
    (broken / "preprocessor_config.json").write_text(pictures)
    with pytest.raises(LoadError, match=r"with torchvision, which is not installed.*pip install"):
        LocalEngine.load(str(broken))


def test_text_only_checkpoint(tmp_path: Path, tiny_llava15: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=50, num_attention_heads=2, **sizes)).save_pretrained(
        tmp_path
    )
    with pytest.raises(LoadError, match="llama model, which takes no pictures"):
        LocalEngine.load(str(tmp_path))


def test_no_tokenizer(broken: Path) -> None:
    (broken / "tokenizer.json").unlink()
    with pytest.raises(LoadError, match=r"could not be loaded|needs a library"):
        LocalEngine.load(str(broken))


def test_programs_of_a_checkpoint_are_not_run(broken: Path) -> None:
    change(
        broken / "config.json",
        model_type="own",
        auto_map={"AutoConfig": "own.Own", "AutoModelForImageTextToText": "own.Model"},
    )
    (broken / "own.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(LoadError, match="own program code, which is not run"):
        LocalEngine.load(str(broken))


def test_weights_larger_than_the_memory(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vlm_demo.engines.local.checkpoints import loading

    monkeypatch.setattr(loading, "SPARE_BYTES", 10**15)
    with pytest.raises(OutOfMemoryError, match="does not fit into the memory that is free"):
        LocalEngine.load(str(broken), device="cpu")


def test_a_device_that_is_not_there(tiny_llava15: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(LoadError, match="no cuda device"):
        LocalEngine.load(str(tiny_llava15), device="cuda")


# Fetching


def test_offline_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(socket, "create_connection", raising(AssertionError("it asked")))
    started = time.monotonic()
    with pytest.raises(LoadError, match=r"not on this computer.*HF_HUB_OFFLINE is set"):
        LocalEngine.load("nobody/no-such-model")
    assert time.monotonic() - started < 1


def test_no_connection_is_noticed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(fetching.constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(LoadError, match=r"no connection to 127\.0\.0\.1"):
        fetching.fetch("nobody/no-such-model")
    assert time.monotonic() - started < 4


def test_a_name_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, opened = threading.Event(), socket.socket()

    def waits(*_: object) -> socket.socket:
        release.wait(20)
        return opened

    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(fetching, "CONNECT_TIMEOUT_S", 0.2)
    monkeypatch.setattr(socket, "create_connection", waits)
    with pytest.raises(LoadError, match="no connection"):
        fetching.fetch("nobody/no-such-model")
    release.set()


def test_folders_are_loaded_without_a_network(
    tiny_smolvlm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "socket", raising(AssertionError("it opened a socket")))
    monkeypatch.setattr(socket, "getaddrinfo", raising(AssertionError("it looked up a name")))
    LocalEngine.load(str(tiny_smolvlm), device="cpu").close()


REFUSALS = {
    # owner: status, error code, and whether the files are refused or the repository already is
    "gated": (401, "GatedRepo", "files"),
    "agreed": (403, "GatedRepo", "files"),
    "closed": (403, "", "repository"),
    "nameless": (401, "", "repository"),
    "gone": (404, "RepoNotFound", "repository"),
    "plain": (404, "", "repository"),
    "renamed": (404, "RevisionNotFound", "repository"),
    "ill": (500, "", "repository"),
    "busy": (503, "", "repository"),
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as the client asks for: repositories with the files of a folder."""

    folder: Path
    asked: list[str]
    commit = "1" * 40

    def do_HEAD(self) -> None:
        self.respond(with_body=False)

    def do_GET(self) -> None:
        self.respond(with_body=True)

    def respond(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(path)
        found = re.match(r"/(?P<api>api/models/)?(?P<owner>\w+)/model(?P<rest>/.*)?$", path)
        if found is None:
            self.send(404, b"", with_body, error="RepoNotFound")
            return
        owner, about_files = found["owner"], not found["api"]
        status, error, what = REFUSALS.get(owner, (200, "", ""))
        if owner == "silent":
            time.sleep(30)
        elif what == "repository" or (what == "files" and about_files):
            self.send(status, b"", with_body, error=error)
        elif "/tree/" in path:
            entries = [
                {"type": "file", "oid": "0" * 40, "path": file["rfilename"], "size": file["size"]}
                for file in self.files(owner)
            ]
            self.send(200, json.dumps(entries).encode(), with_body)
        elif not about_files:
            info = {"id": f"{owner}/model", "sha": self.commit, "siblings": self.files(owner)}
            self.send(200, json.dumps(info).encode(), with_body)
        else:
            file = self.folder / path.rsplit("/", 1)[1]
            if file.is_file():
                self.send(200, file.read_bytes(), with_body, etag=f'"{file.name}"')
            else:
                self.send(404, b"", with_body, error="EntryNotFound")

    def files(self, owner: str) -> list[dict[str, Any]]:
        left_out = {"old": ".safetensors", "empty": ("safetensors", "bin"), "bare": "config.json"}
        return [
            {"rfilename": file.name, "size": file.stat().st_size}
            for file in sorted(self.folder.iterdir())
            if not file.name.endswith(left_out.get(owner, "\0"))
        ]

    def send(
        self, status: int, body: bytes, with_body: bool, etag: str = "", error: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", self.commit)
        if etag:
            self.send_header("ETag", etag)
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tiny_smolvlm: Path, tmp_path: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Environment variables that lead to a hub with some/model, and the paths it was asked for."""
    folder = Path(shutil.copytree(tiny_smolvlm, tmp_path / "repository"))
    (folder / "pytorch_model.bin").write_bytes(b"program" * 100)
    (folder / "own.py").write_text("raise SystemExit")
    handler = type("OneHub", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False  # one repository never answers
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    yield environment, handler.asked
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(environment: dict[str, str], checkpoint: str) -> Any:
    """Fetch in a process of its own: the client reads its environment when it is imported."""
    script = """if True:
        import json, sys
        from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch
        from vlm_demo.errors import LoadError
        told = []
        try:
            kind = checkpoint_config(sys.argv[1])["model_type"]
            folder = fetch(sys.argv[1], None, told.append)
            names = sorted(path.name for path in folder.iterdir())
            print(json.dumps([kind, names, [(p.stage, p.done, p.total, p.unit) for p in told]]))
        except LoadError as error:
            print(json.dumps(str(error)))
    """
    return json.loads(output_of(script, environment, checkpoint))


def output_of(script: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_fetching_tells_its_progress_in_bytes_and_leaves_programs_alone(
    hub: tuple[dict[str, str], list[str]], tmp_path: Path
) -> None:
    environment, asked = hub
    kind, names, told = fetched(environment, "some/model")
    assert kind == "smolvlm"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(names)
    assert not {"pytorch_model.bin", "own.py"} & set(names)
    wanted = [path for path in (tmp_path / "repository").iterdir() if path.name in names]
    total = sum(path.stat().st_size for path in wanted)
    assert told[0] == ["fetching", 0, total, "bytes"]
    done = [step[1] for step in told]
    assert done == sorted(done)
    assert done[-1] >= 0.9 * total
    asked.clear()
    assert fetched(environment, "some/model")[1] == names
    assert not asked, "what is on disk is not looked up again"


def test_programs_are_fetched_where_they_are_trusted(
    hub: tuple[dict[str, str], list[str]],
) -> None:
    script = """if True:
        from vlm_demo.engines.local.checkpoints.fetching import fetch
        print(sorted(path.name for path in fetch("some/model", with_code=True).iterdir()))
    """
    names = output_of(script, hub[0])
    assert "own.py" in names
    assert "pytorch_model.bin" not in names


def test_the_hubs_refusals_are_explained_in_time(hub: tuple[dict[str, str], list[str]]) -> None:
    explained = {
        "gated": r"asks for an agreement first.*accept it on http.*gated/model and set HF_TOKEN",
        "agreed": "asks for an agreement first",
        "closed": "does not let us have closed/model.*HF_TOKEN is valid",
        "nameless": "does not let us have nameless/model.*HF_TOKEN is valid",
        "gone": "There is no model gone/model on the Hub, or it is private",
        "plain": "There is no model plain/model on the Hub",
        "renamed": "has no revision 'v9'",
        "ill": "could not be fetched.*500",
        "busy": "could not be fetched.*503",
        "old": "weights in an old form only.*can hold programs.*safetensors",
        "empty": r"has no \.safetensors weights",
        "bare": r"has no config\.json: it is not a model",
        "silent": "did not answer within 4 seconds",
    }
    script = """if True:
        import json, sys, time
        from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch
        from vlm_demo.errors import LoadError
        for owner in sys.argv[1:]:
            started = time.monotonic()
            try:
                checkpoint_config(f"{owner}/model", "v9")
                fetch(f"{owner}/model", "v9")
            except LoadError as error:
                print(json.dumps([owner, str(error), time.monotonic() - started]))
    """
    lines = output_of(script, hub[0], *explained).splitlines()
    told = {owner: (message, seconds) for owner, message, seconds in map(json.loads, lines)}
    assert told.keys() == explained.keys()
    for owner, pattern in explained.items():
        message, seconds = told[owner]
        assert re.search(pattern, message), message
        assert "\n" not in message
        assert seconds < 10


def test_models_that_cannot_be_run_are_refused_before_they_are_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config: dict[str, Any] = {"model_type": "moondream1", "auto_map": {"AutoConfig": "own.Own"}}
    monkeypatch.setattr(engine_module, "checkpoint_config", lambda *_: config)
    monkeypatch.setattr(engine_module, "fetch", raising(AssertionError("it was fetched")))
    with pytest.raises(LoadError, match=r"own program code, which is not run.*trust_remote_code"):
        LocalEngine.load("some/model")
    with pytest.raises(AssertionError, match="it was fetched"):
        LocalEngine.load("some/model", revision="1" * 40, trust_remote_code=True)
    config = {"model_type": "llama"}
    with pytest.raises(LoadError, match="llama model, which takes no pictures"):
        LocalEngine.load("some/model")
    config = {}
    with pytest.raises(LoadError, match="does not know this kind of model"):
        LocalEngine.load("some/model")


def raising(error: BaseException) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("tower", ["clip", "siglip"])
@pytest.mark.parametrize(("chosen", "left"), [(-2, 3), (-1, 4), ([-3, 1], 2), (2, 2)])
def test_layers_of_a_tower_that_nobody_reads_are_dropped(tower, chosen, left):
    vision = transformers.CONFIG_MAPPING[f"{tower}_vision_model"](
        num_hidden_layers=4,
        hidden_size=32,
        intermediate_size=32,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    words = transformers.LlamaConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=100,
    )
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=words,
        vision_feature_layer=chosen,
        vision_feature_select_strategy="full",
    )
    model = transformers.LlavaForConditionalGeneration(config).eval()
    pixels = torch.randn(1, 3, 28, 28)

    def features():
        with torch.inference_mode():
            return torch.cat(model.model.get_image_features(pixels).pooler_output)

    before = features()
    drop_unread_layers(model)

    assert torch.equal(features(), before)
    assert len(model.model.vision_tower.encoder.layers) == left
