"""Whether a model's reasoning can be turned on and off: as its own template says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.batch.job import BatchJob
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.thinking import has_thinking_switch
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import find_thinking_argument
from vlm_demo.values import Request, Sampling, Task

SWITCH = "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"


@pytest.mark.parametrize(
    ("template", "argument"),
    [
        (SWITCH, "enable_thinking"),
        ("{% generation %}{{ x }}{% endgeneration %}{{ '' if thinking else '' }}", "thinking"),
        ("{{ '<thinking>' }}{# enable_thinking #}", ""),
        ("{% set enable_thinking = false %}{{ enable_thinking }}", ""),
        ("{{ unclosed", ""),
        ("", ""),
    ],
)
def test_a_template_shows_its_switch(template: str, argument: str) -> None:
    assert find_thinking_argument(template) == argument


def test_a_checkpoint_on_this_machine_is_known_by_its_own_template(tmp_path: Path) -> None:
    spec = ModelSpec(name="m", family="glm4v", checkpoint=str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "glm4v"}))
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert not has_thinking_switch(spec)
    (tmp_path / "chat_template.jinja").write_text(SWITCH)
    assert has_thinking_switch(spec)
    assert has_thinking_switch(replace(spec, family="generic"))
    assert not has_thinking_switch(replace(spec, family="llava15"))  # asked in another template


def test_of_other_checkpoints_the_family_tells() -> None:
    for family, is_told in {"glm4v": True, "glm41v_thinking": False, "qwen2_vl": False}.items():
        spec = ModelSpec(name="m", family=family, checkpoint="nobody/nothing", engine="remote")
        assert has_thinking_switch(spec) is is_told


def test_a_model_without_a_switch_is_not_asked_to(picture: Image.Image) -> None:
    backend = Backend([ModelSpec(name="m", family="llava15", checkpoint="nobody/nothing")])
    request = Request(Task.CHAT, "hi", (picture,), sampling=Sampling(thinking=False))
    with pytest.raises(InputError, match="reasoning of m cannot be turned on or off"):
        list(backend.answer("m", request))


def test_reasoning_that_is_turned_off_is_not_looked_for() -> None:
    family = get_family("qwen3_vl_thinking")
    request = Request(Task.CHAT, "hi", sampling=Sampling(thinking=False))
    assert family.reply("A cat.", family.prompt(request)).text == "A cat."
    assert family.reply("A cat.", family.prompt(replace(request, sampling=None))).text == ""


def test_journals_and_links_name_the_switch_only_where_it_was_used() -> None:
    assert "thinking" not in Sampling().to_data()
    assert Sampling(thinking=True).to_data()["thinking"] is True
    backend = Backend([ModelSpec(name="m", family="glm4v", checkpoint="nobody/nothing")])
    header = BatchJob(Task.CAPTION, "", "m").to_header(backend, "pictures")
    assert "thinking" not in header["sampling"]
