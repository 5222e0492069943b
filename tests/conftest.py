"""Shared fixtures: real model classes and processors made tiny: random weights, no download."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest
from PIL import Image, ImageDraw

SIDE = 56  # of the picture that the tiny models see: 4 x 4 patches of 14 pixels
CORPUS = [
    "a photo of a cat sitting on a red sofa near the window. two dogs are running in the park.",
    "What is in the image? Describe the picture in detail, please. USER: ASSISTANT: Question:",
    "The answer is yes. No, there are three people and a blue car. 0.12 0.20 0.45 0.61 [ ] , .",
    "赤い丸と青い四角があります。 絵文字 😀 🐱",
] * 3
LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
VISION = {
    "hidden_size": 64,  # multiples of 64, for weights of 4 bits
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": 14,
}


@pytest.fixture(scope="session")
def tiny_llava15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA with a Llama-like tokenizer, which puts `<s>` in front of a text."""
    return _saved(_llava15, tmp_path_factory.mktemp("tiny-llava15"))


@pytest.fixture(scope="session")
def tiny_kosmos2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _saved(_kosmos2, tmp_path_factory.mktemp("tiny-kosmos2"))


@pytest.fixture(scope="session")
def tiny_smolvlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _saved(_smolvlm, tmp_path_factory.mktemp("tiny-smolvlm"))
    video = {"video_processor_type": "SmolVLMVideoProcessor"}  # as on the Hub
    (folder / "video_preprocessor_config.json").write_text(json.dumps(video))
    return folder


@pytest.fixture
def picture() -> Image.Image:
    """A red disc on white, 96 x 64."""
    image = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill="red")
    return image


def _saved(build: Callable[[], tuple[Any, Any]], folder: Path) -> Path:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = build()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() > 1 and "norm" not in name:
                    weight.normal_(0, 0.3)  # so that picture and prompt visibly change the answer
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _byte_level(special: list[str], *, bos: str, adds_bos: bool = False, **options: Any) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=640,
            special_tokens=special,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    if adds_bos:
        core.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A",
            pair=f"{bos} $A {bos} $B",
            special_tokens=[(bos, core.token_to_id(bos))],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=bos, pad_token="<pad>", padding_side="left", **options
    )


def _ids(tokenizer: Any) -> dict[str, int]:
    return {
        name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")
    }


def _clip_processor() -> Any:
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"height": SIDE, "width": SIDE}, do_center_crop=False)


def _llava15() -> tuple[Any, Any]:
    import transformers as t

    tokenizer = _byte_level(
        ["<pad>", "<s>", "</s>", "<unk>", "<image>"],
        bos="<s>",
        eos_token="</s>",
        adds_bos=True,
        extra_special_tokens={"image_token": "<image>"},
    )
    processor = t.LlavaProcessor(
        _clip_processor(),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**VISION, projection_dim=32),
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **_ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        image_seq_length=16,
    )
    return t.LlavaForConditionalGeneration(config), processor


def _kosmos2() -> tuple[Any, Any]:
    import transformers as t
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    core.train_from_iterator(CORPUS, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = t.PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
    )
    processor = t.Kosmos2Processor(_clip_processor(), tokenizer)
    config = t.Kosmos2Config(
        text_config={
            "vocab_size": len(tokenizer),
            "embed_dim": 64,
            "layers": 2,
            "ffn_dim": 128,
            "attention_heads": 4,
            "max_position_embeddings": 2048,
        },
        vision_config=VISION,
        latent_query_num=64,
    )
    return t.Kosmos2ForConditionalGeneration(config), processor


SMOLVLM_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}:{% else %}: {% endif %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<image>{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def _smolvlm() -> tuple[Any, Any]:
    import transformers as t

    from vlm_demo.engines.local.processors import without_videos

    controls = {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": "<end_of_utterance>",
        "video_token": "<video>",
    }
    rows = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    tokenizer = _byte_level(
        ["<pad>", "<|im_start|>", *controls.values(), *rows],
        bos="<|im_start|>",
        eos_token="<end_of_utterance>",
        extra_special_tokens=controls,
    )
    pictures = t.SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )
    processor = without_videos(t.SmolVLMProcessor)(
        pictures, tokenizer, None, image_seq_len=4, chat_template=SMOLVLM_TEMPLATE
    )
    config = t.SmolVLMConfig(
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **_ids(tokenizer)),
        vision_config=VISION,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    return t.SmolVLMForConditionalGeneration(config), processor
