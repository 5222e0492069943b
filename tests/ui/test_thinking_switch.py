"""The switch for reasoning among the settings: there only where the model has one."""

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.ui.components.settings.panel import build_settings
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.settings.sampling_values import setting_values
from vlm_demo.values import Sampling

FAMILIES = ("smolvlm", "glm4v")


def test_the_switch_is_shown_and_used_only_where_the_model_has_one() -> None:
    backend = Backend([ModelSpec(name=name, family=name, checkpoint="a/b") for name in FAMILIES])
    with gr.Blocks():
        controls = build_settings(backend, gr.Dropdown())
        assert not controls.thinking.visible
        shown = {name: controls.values_for(name, {})[controls.thinking] for name in FAMILIES}
    assert [shown[name].visible for name in FAMILIES] == [False, True]
    for name, thinking in zip(FAMILIES, (None, False), strict=True):
        values = setting_values(Sampling(thinking=False))
        assert RequestSettings.read(backend, name, *values).sampling.thinking is thinking
