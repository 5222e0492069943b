"""Tiny checkpoints of every model type that answers here, built by one builder from recipes.

The weights are random and the vocabularies learned from a few lines; the model, tokenizer and
processor classes are the real ones.
"""

from collections.abc import Mapping
from dataclasses import replace

from support.tiny_checkpoints.builder import build, needs_torchvision, save
from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes import blip, google, llava, makers, qwen
from support.torchvision_operators import is_torchvision_installed

__all__ = ["ASKED", "CHECKPOINTS", "OTHERS", "Recipe", "build", "needs_torchvision", "save"]

CHECKPOINTS: Mapping[str, Recipe] = {
    "llava": llava.LLAVA,
    "yi_vl": llava.YI_VL,
    "llava_next": llava.LLAVA_NEXT,
    "llava_next_vicuna": replace(llava.LLAVA_NEXT, family="llava_next_vicuna"),
    "llava_next_34b": llava.LLAVA_NEXT_34B,
    "llava_onevision": llava.LLAVA_ONEVISION,
    "blip_2_opt": blip.BLIP2_OPT,
    "blip_2_t5": blip.BLIP2_T5,
    "instructblip": blip.INSTRUCTBLIP,
    "instructblip_t5": blip.INSTRUCTBLIP_T5,
    "git": blip.GIT,
    "git_vqa": replace(blip.GIT, family="git_vqa"),
    "kosmos2": blip.KOSMOS2,
    "fuyu": blip.FUYU,
    "qwen2_vl": qwen.QWEN2_VL,
    "qwen2_5_vl": qwen.QWEN2_5_VL,
    "qwen3_vl": qwen.QWEN3_VL,
    "qwen3_vl_moe": qwen.QWEN3_VL_MOE,
    "qwen3_vl_thinking": replace(qwen.QWEN3_VL, family="qwen3_vl_thinking"),
    "glm4v": qwen.GLM4V,
    "glm4v_moe": qwen.GLM4V_MOE,
    "glm41v_thinking": replace(qwen.GLM4V, family="glm41v_thinking"),
    "deepseek_vl": llava.DEEPSEEK_VL,
    "deepseek_vl_hybrid": llava.DEEPSEEK_VL_HYBRID,
    "internvl": llava.INTERNVL,
    "ovis2": llava.OVIS2,
    **({"molmo2": google.MOLMO2} if is_torchvision_installed() else {}),
    "idefics3": llava.IDEFICS3,
    "smolvlm": llava.SMOLVLM,
    "paligemma": google.PALIGEMMA,
    "gemma3": google.GEMMA3,
    "florence2": google.FLORENCE2,
}
"""Checkpoints of families with wordings and markup of their own, by a name for tests.

The processor of Molmo 2 exists for torchvision only.
"""

OTHERS: Mapping[str, Recipe] = {
    recipe.model_type: recipe
    for lineage in (llava, google, qwen, makers)
    for recipe in lineage.RECIPES
}
"""Checkpoints that are asked in their own template, by model type."""

ASKED = frozenset(
    recipe.model_type for recipe in (*CHECKPOINTS.values(), google.MOLMO2, *OTHERS.values())
)
"""Every model type of which a tiny checkpoint is asked."""
