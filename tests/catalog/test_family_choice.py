"""Which family a checkpoint is asked as: the rule, on folders without weights."""

import json
from pathlib import Path

import pytest
from PIL import Image
from support.config_folders import write_config_folder

from vlm_demo.catalog.added_model import render_prompt, spec_for_checkpoint
from vlm_demo.catalog.family_choice import FAMILY_KEY, Basis, choose_family
from vlm_demo.engines import describe_checkpoint
from vlm_demo.errors import LoadError, NotRunnableError
from vlm_demo.families import get_family
from vlm_demo.values import Request, Task


def family_and_basis(folder: Path) -> tuple[str, Basis]:
    choice = choose_family(describe_checkpoint(str(folder)))
    return choice.family, choice.basis


def asked(folder: Path) -> str:
    """What a chat about one picture is rendered to."""
    spec = spec_for_checkpoint(str(folder))
    request = Request(Task.CHAT, "Q", (Image.new("RGB", (64, 48)),))
    return render_prompt(spec, get_family(spec.family).prompt(request))


RELATIVES = {
    # folder: model_type, template, family, basis, how a chat begins and ends
    "pixtral-12b": ("llava", "pixtral", "generic", Basis.NONE, "<s>[INST][IMG]Q[/INST]"),
    "llava-interleave-qwen-7b-hf": (
        *("llava", "interleave", "generic", Basis.NONE),
        "<|im_start|>user <image>\nQ<|im_end|><|im_start|>assistant\n",
    ),
    "granite-vision-3.3-2b": (
        *("llava_next", "granite", "generic", Basis.NONE),
        "<|user|>\n<image>\nQ\n<|assistant|>\n",
    ),
    "llava-1.5-7b-hf": (
        *(
            "llava",
            "llava15",
            "llava15",
            Basis.FOLDER_NAME,
            "USER: <image>\nQ ASSISTANT:",
        ),
    ),
    "llava-v1.6-vicuna-7b-hf": (
        *("llava_next", "llava15", "llava_next_vicuna", Basis.FOLDER_NAME),
        "A chat between a curious human and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the human's questions. "
        "USER: <image>\nQ ASSISTANT:",
    ),
    "llava-v1.6-mistral-7b-hf": (
        *(
            "llava_next",
            "mistral",
            "llava_next",
            Basis.FOLDER_NAME,
            "[INST] <image>\nQ [/INST]",
        ),
    ),
    "InternVL3_5-8B-HF": (
        *("internvl", "internvl", "internvl_3_5", Basis.FOLDER_NAME),
        "<|im_start|>user\n<image>\nQ<|im_end|>\n<|im_start|>assistant\n",
    ),
    "SmolDocling-256M-preview": (
        *("idefics3", "smolvlm", "smoldocling", Basis.FOLDER_NAME),
        "<|im_start|>User:<image>Q<end_of_utterance>\nAssistant:",
    ),
    "my-llava": (
        "llava",
        "llava15",
        "llava15",
        Basis.TEMPLATE,
        "USER: <image>\nQ ASSISTANT:",
    ),
    "my-mistral": (
        *(
            "llava_next",
            "mistral",
            "llava_next",
            Basis.TEMPLATE,
            "[INST] <image>\nQ [/INST]",
        ),
    ),
    "my-smolvlm": (
        *("idefics3", "smolvlm", "smolvlm", Basis.TEMPLATE),
        "<|im_start|>User:<image>Q<end_of_utterance>\nAssistant:",
    ),
    "my-qwen": (
        *("qwen3_vl", "qwen3", "qwen3_vl", Basis.TEMPLATE),
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Q<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    "other-qwen": (
        "qwen3_vl",
        "pixtral",
        "qwen3_vl",
        Basis.MARKUP,
        "<s>[INST][IMG]Q[/INST]",
    ),
    "unheard-of": (
        "aria",
        "granite",
        "generic",
        Basis.NONE,
        "<|user|>\n<image>\nQ\n<|assist",
    ),
}


@pytest.mark.parametrize("place", ["chat_template.jinja", "chat_template.json"])
@pytest.mark.parametrize("name", RELATIVES)
def test_a_checkpoint_is_asked_in_its_own_template_unless_a_family_lists_it(
    name: str, place: str, tmp_path: Path
) -> None:
    model_type, template, family, basis, text = RELATIVES[name]
    folder = write_config_folder(tmp_path / name, model_type, template, place=place)
    assert family_and_basis(folder) == (family, basis)
    assert asked(folder).startswith(text)
    assert spec_for_checkpoint(str(folder)).note


def test_a_name_that_the_template_contradicts_does_not_count(tmp_path: Path) -> None:
    folder = write_config_folder(
        tmp_path / "llava-1.5-7b-hf", "llava", "pixtral", place="tokenizer_config.json"
    )
    assert family_and_basis(folder) == ("generic", Basis.NONE)
    assert asked(folder) == "<s>[INST][IMG]Q[/INST]"


def test_a_name_that_the_type_contradicts_does_not_count(tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "Qwen3-VL-8B-Instruct", "aria", "qwen3")
    assert family_and_basis(folder) == ("generic", Basis.NONE)


@pytest.mark.parametrize(
    ("name", "model_type", "family"),
    [
        ("EvoVLM-JP-v1-7B", "llava", "evovlm_jp"),
        ("InternVL2-8B", "internvl_chat", "internvl_2"),
        ("granite-docling-258M", "idefics3", "doctags"),
    ],
)
def test_a_folder_with_only_a_config_is_guessed_by_its_name(
    name: str, model_type: str, family: str, tmp_path: Path
) -> None:
    spec = spec_for_checkpoint(str(write_config_folder(tmp_path / name, model_type)))
    assert spec.family == family
    assert spec.family_choice
    assert spec.family_choice.is_guess
    assert (
        str(spec.note)
        == f"Prompted as {get_family(family).title}: guessed from the name of its folder, {name}."
    )


@pytest.mark.parametrize(
    ("card", "family"),
    [
        ("base_model: Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl"),
        ("license: mit\nbase_model:\n  - 'Qwen/Qwen3-VL-8B-Instruct'\ntags: [x]", "qwen3_vl"),
        ('base_model: ["Qwen/Qwen3-VL-8B-Instruct"]', "qwen3_vl"),
    ],
)
def test_a_fine_tune_is_asked_as_its_base_model(card: str, family: str, tmp_path: Path) -> None:
    folder = write_config_folder(
        tmp_path / "tuned", "qwen3_vl", "qwen3", card=f"---\n{card}\n---\n# Mine\n"
    )
    assert family_and_basis(folder) == (family, Basis.BASE_MODEL)


def test_a_converted_checkpoint_keeps_the_family_that_was_noted(tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "x", "llava", **{FAMILY_KEY: "shikra"})
    assert family_and_basis(folder) == ("shikra", Basis.CONVERTED)
    other = write_config_folder(tmp_path / "y", "aria", "granite", **{FAMILY_KEY: "nobody"})
    assert family_and_basis(other) == ("generic", Basis.NONE)


def test_what_the_config_was_saved_from_counts(tmp_path: Path) -> None:
    base = "llava-hf/llava-v1.6-vicuna-7b-hf"
    folder = write_config_folder(tmp_path / "tuned", "llava_next", "llava15", _name_or_path=base)
    assert family_and_basis(folder) == ("llava_next_vicuna", Basis.SAVED_NAME)
    other = write_config_folder(tmp_path / "other", "llava_next", "granite", _name_or_path=base)
    assert family_and_basis(other) == ("generic", Basis.NONE)


def test_a_fine_tune_that_learnt_another_markup_is_known_by_its_name(tmp_path: Path) -> None:
    card = "---\nbase_model: HuggingFaceTB/SmolVLM-Instruct\n---\n"
    named = write_config_folder(
        tmp_path / "SmolDocling-256M-preview", "idefics3", "smolvlm", card=card
    )
    assert family_and_basis(named) == ("smoldocling", Basis.FOLDER_NAME)
    same = write_config_folder(
        tmp_path / "InternVL3-8B-hf",
        "internvl",
        "internvl",
        _name_or_path="OpenGVLab/InternVL3_5-8B-HF",
    )
    assert family_and_basis(same) == ("internvl_3_5", Basis.SAVED_NAME)


def test_the_tokenizer_tells_families_with_one_template_apart(tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "renamed", "idefics3", "smolvlm")
    tokens = {str(n): {"content": token} for n, token in enumerate(("<doctag>", "</doctag>"))}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": tokens}))
    assert family_and_basis(folder) == ("smoldocling", Basis.TEMPLATE)


def test_a_copy_in_the_hubs_cache_is_known_by_its_path(tmp_path: Path) -> None:
    cached = tmp_path / "models--llava-hf--llava-1.5-7b-hf" / "snapshots" / ("1" * 40)
    folder = write_config_folder(cached, "llava", "pixtral")
    assert family_and_basis(folder) == ("llava15", Basis.HUB_ID)
    assert spec_for_checkpoint(str(folder)).name == "llava-1.5-7b-hf"


def test_types_whose_checkpoints_bring_no_template_are_asked_as_their_family(
    tmp_path: Path,
) -> None:
    for model_type, family in (("blip-2", "blip2"), ("paligemma", "paligemma"), ("git", "git")):
        folder = write_config_folder(tmp_path / model_type, model_type)
        assert family_and_basis(folder) == (family, Basis.MODEL_TYPE)
    bare = write_config_folder(tmp_path / "bare", "qwen3_vl")
    assert family_and_basis(bare) == ("qwen3_vl", Basis.TYPE_ALONE)
    own = write_config_folder(tmp_path / "own", "paligemma", "granite")
    assert family_and_basis(own) == ("generic", Basis.NONE)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("", "x has no chat template, and no family knows how to prompt models of type 'aria'"),
        ("words only", "x takes no images: its chat template has no place for them"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    template: str, words: str, tmp_path: Path
) -> None:
    folder = write_config_folder(tmp_path / "x", "aria", template)
    with pytest.raises(NotRunnableError, match=words):
        spec_for_checkpoint(str(folder))


@pytest.mark.parametrize(
    "template",
    ["{% endfor %}", "{{ messages | nothing }}", "{{ 1 / 0 }}", "{{ raise_exception('no') }}"],
)
def test_a_template_that_cannot_be_filled_in_takes_no_pictures(
    template: str, tmp_path: Path
) -> None:
    folder = write_config_folder(tmp_path / "x", "aria")
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(NotRunnableError, match="takes no images"):
        spec_for_checkpoint(str(folder))


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "x", "aria", "granite")
    (folder / name).write_text("{]")
    with pytest.raises(LoadError, match=rf"{name} is damaged"):
        spec_for_checkpoint(str(folder))


def test_a_folder_without_config_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"There is no config\.json in "):
        spec_for_checkpoint(str(tmp_path))
