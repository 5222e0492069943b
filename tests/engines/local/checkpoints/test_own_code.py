"""Checkpoints with code of their own: which class is loaded, and that untrusted code never runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.engines import ask, load_engine
from support.own_code import CODE, MARK, change_json, save_with_own_code

from vlm_demo.engines import find_own_code
from vlm_demo.engines.local.checkpoints.code_files import code_revision
from vlm_demo.errors import LoadError
from vlm_demo.values import Sampling

MODEL = {"AutoModelForCausalLM": "mini.MiniVlm"}


@pytest.fixture
def checkpoint(folder_of: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    """Save a tiny checkpoint whose `auto_map` names a class."""

    def save(auto_map: dict[str, str] = MODEL, code: str = CODE) -> Path:
        return save_with_own_code(folder_of("llava"), tmp_path / "mini", auto_map, code=code)

    return save


def code_ran(folder: Path) -> bool:
    return (folder.parent / MARK).exists()


@pytest.mark.parametrize(
    "auto_map",
    [
        {"AutoModelForImageTextToText": "mini.MiniVlm"},
        {"AutoModelForVision2Seq": "mini.MiniVlm"},
        {"AutoModelForCausalLM": "mini.MiniVlm", "AutoModel": "mini.MiniTower"},
        {"AutoModel": "mini.MiniVlm"},
    ],
    ids=lambda auto_map: next(iter(auto_map)),
)
def test_the_class_that_auto_map_names_answers_as_the_native_one_does(
    auto_map: dict[str, str],
    checkpoint: Callable[..., Path],
    folder_of: Callable[[str], Path],
    picture: Image.Image,
) -> None:
    folder = checkpoint(auto_map)
    answers = []
    for engine in (
        load_engine(folder_of("llava")),
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder)),
    ):
        answers.append("".join(engine.stream(ask("llava15", picture), Sampling(max_new_tokens=8))))
        engine.close()
    assert answers[0] == answers[1] != ""
    assert code_ran(folder)


def test_a_processor_of_its_own_is_used(
    checkpoint: Callable[..., Path], picture: Image.Image
) -> None:
    folder = checkpoint()
    change_json(
        folder / "processor_config.json",
        processor_class="MiniProcessor",
        auto_map={"AutoProcessor": "mini.MiniProcessor"},
    )
    engine = load_engine(folder, trust_remote_code=True, revision=code_revision(folder))
    try:
        assert type(engine._encoder.processor).__name__ == "MiniProcessor"
        assert list(engine.stream(ask("llava15", picture), Sampling(max_new_tokens=3)))
    finally:
        engine.close()


def test_code_is_not_run_unless_it_is_trusted(checkpoint: Callable[..., Path]) -> None:
    folder = checkpoint()
    with pytest.raises(LoadError, match="own code, which does not run"):
        load_engine(folder)
    with pytest.raises(LoadError, match="own code, which does not run"):
        load_engine(folder, revision=code_revision(folder))
    assert not code_ran(folder)


def test_code_beside_a_native_model_is_not_run(
    folder_of: Callable[[str], Path], tmp_path: Path, picture: Image.Image
) -> None:
    folder = Path(shutil.copytree(folder_of("llava"), tmp_path / "mini"))
    own = {"AutoConfig": "mini.MiniConfig", "AutoModelForImageTextToText": "mini.MiniVlm"}
    change_json(folder / "config.json", auto_map=own)
    change_json(folder / "processor_config.json", auto_map={"AutoProcessor": "mini.MiniProcessor"})
    change_json(
        folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["mini.Mini", "mini.Mini"]}
    )
    code = CODE.replace("{mark!r}", repr(str(tmp_path / MARK)))
    (folder / "mini.py").write_text(code)
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(code)
    engine = load_engine(folder)
    try:
        assert list(engine.stream(ask("llava15", picture), Sampling(max_new_tokens=3)))
    finally:
        engine.close()
    assert not code_ran(folder)


def test_a_folder_is_trusted_with_the_code_that_was_read(checkpoint: Callable[..., Path]) -> None:
    folder = checkpoint()
    trusted = code_revision(folder)
    for wrong in (None, "", "abc123", trusted[:6], "main"):
        with pytest.raises(LoadError, match=rf"mini\.py.*its revision is {trusted}"):
            load_engine(folder, trust_remote_code=True, revision=wrong)
    (folder / "helpers").mkdir()
    (folder / "helpers" / "more.py").write_text("pass")
    with pytest.raises(LoadError, match="is not the code that is trusted"):
        load_engine(folder, trust_remote_code=True, revision=trusted)
    (folder / "helpers" / "more.py").unlink()
    (folder / "model.safetensors").touch()
    assert code_revision(folder) == trusted, "weights are no code"
    assert not code_ran(folder)


@pytest.mark.parametrize(
    ("auto_map", "reason"),
    [
        ({}, "names no model class that generates text, only: AutoConfig"),
        ({"AutoModelForSequenceClassification": "mini.MiniVlm"}, "no model class"),
        ({"AutoModel": "else/where--mini.MiniVlm"}, r"in another repository \(else/where\)"),
        ({"AutoModel": "gone.MiniVlm"}, r"no gone\.py"),
        ({"AutoModel": ["mini.MiniVlm"]}, "no model class"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_its_code_runs(
    auto_map: dict[str, str], reason: str, checkpoint: Callable[..., Path]
) -> None:
    folder = checkpoint(auto_map)
    with pytest.raises(LoadError, match=reason):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))
    assert not code_ran(folder)


def test_a_damaged_auto_map_is_refused(checkpoint: Callable[..., Path]) -> None:
    folder = checkpoint()
    change_json(folder / "config.json", auto_map=["mini.MiniVlm"])
    with pytest.raises(LoadError, match=r"auto_map in its config\.json is damaged"):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))
    change_json(folder / "config.json", auto_map=MODEL)
    with pytest.raises(LoadError, match="no configuration class"):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))
    assert not code_ran(folder)


def test_a_model_without_a_processor_is_refused_before_its_code_runs(
    checkpoint: Callable[..., Path],
) -> None:
    folder = checkpoint()
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file():
            content = json.loads(path.read_text())
            content.pop("processor_class", None)
            path.write_text(json.dumps(content))
    with pytest.raises(LoadError, match="has no processor for images and text"):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))
    assert not code_ran(folder)


@pytest.mark.parametrize(
    "line", ["import gone_library", "1 / 0", "def", "raise NameError('x')", "raise SystemExit"]
)
def test_code_that_fails_is_told_with_the_version_it_was_made_for(
    line: str, checkpoint: Callable[..., Path]
) -> None:
    folder = checkpoint(code=f"{CODE}\n{line}\n")
    with pytest.raises(
        LoadError, match=r"fails with transformers 5.*saved with transformers 4\.31"
    ):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))


def test_a_class_that_cannot_write_is_told(checkpoint: Callable[..., Path]) -> None:
    folder = checkpoint({"AutoModel": "mini.MiniTower"})
    (folder / "mini.py").write_text(
        (folder / "mini.py")
        .read_text()
        .replace(
            "class MiniTower(MiniVlm):\n    generate = property()", "class MiniTower:\n    pass"
        )
    )
    with pytest.raises(LoadError, match="cannot generate text: it has no generate"):
        load_engine(folder, trust_remote_code=True, revision=code_revision(folder))


def test_the_code_that_a_checkpoint_needs_is_named_without_running_it(
    checkpoint: Callable[..., Path], folder_of: Callable[[str], Path]
) -> None:
    folder = checkpoint()
    found = find_own_code(str(folder))
    assert found
    assert (found.revision, found.files, found.problem) == (code_revision(folder), ("mini.py",), "")
    assert find_own_code(str(folder_of("llava"))) is None
    change_json(folder / "config.json", auto_map={"AutoConfig": "mini.MiniConfig"})
    found = find_own_code(str(folder))
    assert found
    assert "no model class" in str(found.problem)
    assert not code_ran(folder)
