"""Checkpoints of every native family, made tiny: real model, tokenizer and processor classes.

The weights are random and the vocabularies learned from a few lines. What matters for asking and
reading is as in the real checkpoints: the tokenizer's pipeline, the special tokens that mean
something, which of them the tokenizer adds by itself, the processor, and the chat template. Where
a checkpoint ships a template it is the text that the family documents.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vlm_demo.families import get_family

SIDE, PATCH = 56, 14  # of the picture that most of the tiny models see: 4 x 4 patches
CORPUS = [
    "a photo of a cat sitting on a red sofa near the window. two dogs are running in the park.",
    "What is in the image? Describe the picture in detail, please. USER: ASSISTANT: Question:",
    "The answer is yes. No, there are three people and a blue car. 0.12 0.20 0.45 0.61 [ ] , .",
    "赤い丸と青い四角があります。 絵文字 😀 🐱",
    '[{"bbox_2d": [10, 20, 30, 40], "label": "cat"}] (536,509),(588,602) [[1, 2, 3, 4]]',
] * 3
ASCII = "".join(map(chr, range(33, 127)))
LESSONS = [*(f" {word}" for line in CORPUS for word in line.split()), *ASCII]
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
    "patch_size": PATCH,
}
MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e6}

Built = tuple[Any, Any]  # model and processor


@dataclass(frozen=True)
class Checkpoint:
    """One tiny checkpoint: how it is made, and the family that it is asked as."""

    family: str
    build: Callable[[str | None], Built]  # given the chat template that it ships
    ships_template: bool = True
    video_processor: str = ""  # class named in the files that the Hub has beside


def save(checkpoint: Checkpoint, folder: Path) -> Path:
    """Build a checkpoint and save it as the Hub has it."""
    import torch

    template = documented_template(checkpoint.family) if checkpoint.ships_template else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = checkpoint.build(template)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name.endswith("mm_input_projection_weight"):
                    weight.normal_(0, 0.05)  # Gemma 3 begins with zeros: it would see nothing
                elif weight.dim() > 1 and "norm" not in name and checkpoint.family != "gemma3":
                    weight.normal_(0, 0.3)  # so that picture and prompt visibly change the answer
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if checkpoint.video_processor:
        video = json.dumps({"video_processor_type": checkpoint.video_processor})
        (folder / "video_preprocessor_config.json").write_text(video)
    return folder


def documented_template(family: str) -> str | None:
    return get_family(family).documented_template or get_family(family).chat_template


# Tokenizers


def byte_level(
    special: Sequence[str] = (),
    words: Sequence[str] = (),
    *,
    kind: str = "Qwen2Tokenizer",
    **options: Any,
) -> Any:
    """Tokens of bytes, as GPT-2 has them. `special` ones are left out of answers on demand."""
    import transformers

    vocabulary, merges = learned(getattr(transformers, kind)())
    tokenizer = getattr(transformers, kind)(vocab=vocabulary, merges=merges, **options)
    return with_tokens(tokenizer, special, words)


def with_beginning(tokenizer: Any, **options: Any) -> Any:
    """The same tokens in a class without habits, which puts `bos_token` in front of a text."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    bos, core = options["bos_token"], tokenizer.backend_tokenizer
    core.post_processor = TemplateProcessing(
        single=f"{bos} $A",
        pair=f"{bos} $A {bos} $B",
        special_tokens=[(bos, core.token_to_id(bos))],
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, padding_side="left", **options)


def pieces(
    special: Sequence[str] = (),
    words: Sequence[str] = (),
    *,
    kind: str = "LlamaTokenizer",
    **options: Any,
) -> Any:
    """Pieces of words with their blanks, and bytes for the rest, as SentencePiece makes them."""
    import transformers

    blank = getattr(transformers, kind)()
    vocabulary, merges = learned(blank)
    first = [
        *sorted(blank.get_vocab(), key=blank.get_vocab().get),
        *(f"<0x{byte:02X}>" for byte in range(256)),
    ]
    ordered = [*first, *(piece for piece in vocabulary if piece not in set(first))]
    tokenizer = getattr(transformers, kind)(
        vocab={piece: index for index, piece in enumerate(ordered)},
        merges=merges,
        add_bos_token=True,
        **options,
    )
    return with_tokens(tokenizer, special, words)


def learned(blank: Any) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Learn vocabulary and merges with the pipeline of an empty tokenizer."""
    tokenizer = blank.train_new_from_iterator(LESSONS, 700, show_progress=False)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def with_tokens(tokenizer: Any, special: Sequence[str], words: Sequence[str]) -> Any:
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.add_tokens(list(words))
    return tokenizer


def ids(tokenizer: Any) -> dict[str, int]:
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {name: getattr(tokenizer, name) for name in names}


# LLaVA and its kin


def clip_pictures(**options: Any) -> Any:
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, do_center_crop=False, **options
    )


def llava(template: str | None) -> Built:
    import transformers as t

    tokenizer = pieces(["<image>", "<pad>"], pad_token="<pad>", padding_side="left", **IMAGE)
    processor = t.LlavaProcessor(
        clip_pictures(), tokenizer, chat_template=template, **LLAVA_PICTURES
    )
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**VISION, projection_dim=32),
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,  # all layers are read, and so none is dropped
        image_seq_length=16,
    )
    return t.LlavaForConditionalGeneration(config), processor


def yi_vl(template: str | None) -> Built:
    import transformers as t

    from vlm_demo.engines.local.checkpoints.yi_vl import (
        YiVlConfig,
        YiVlForConditionalGeneration,
    )

    image_token = "<image_placeholder>"
    tokenizer = pieces([image_token, "<pad>"], pad_token="<pad>", padding_side="left")
    processor = t.LlavaProcessor(
        clip_pictures(),
        tokenizer,
        chat_template=template,
        image_token=image_token,
        **LLAVA_PICTURES,
    )
    config = YiVlConfig(
        vision_config=t.CLIPVisionConfig(**VISION, projection_dim=32),
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids(image_token),
        vision_feature_layer=-1,
        image_seq_length=16,
    )
    return YiVlForConditionalGeneration(config), processor


IMAGE = {"extra_special_tokens": {"image_token": "<image>"}}
LLAVA_PICTURES = {
    "patch_size": PATCH,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}
TILES = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE]]


def llava_next(template: str | None, *, chatml: bool = False) -> Built:
    import transformers as t

    special = ["<image>", "<pad>", *(CHATML if chatml else ())]
    end = {"eos_token": "<|im_end|>"} if chatml else {}
    tokenizer = pieces(special, pad_token="<pad>", padding_side="left", **IMAGE, **end)
    pictures = t.LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE},
        crop_size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=TILES,
    )
    processor = t.LlavaNextProcessor(pictures, tokenizer, chat_template=template, **LLAVA_PICTURES)
    config = t.LlavaNextConfig(
        vision_config=t.CLIPVisionConfig(**VISION, projection_dim=32),
        text_config=t.MistralConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=TILES,
        image_seq_length=16,
    )
    return t.LlavaNextForConditionalGeneration(config), processor


CHATML = ("<|im_start|>", "<|im_end|>")


def qwen_language(tokenizer: Any) -> Any:
    from transformers import Qwen2Config

    return Qwen2Config(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer))


def siglip(**options: Any) -> Any:
    from transformers import SiglipVisionConfig

    return SiglipVisionConfig(**{**VISION, **options}, vision_use_head=False)


def llava_onevision(template: str | None) -> Built:
    import transformers as t

    controls = {"image_token": "<image>", "video_token": "<video>"}
    tokenizer = byte_level(
        [*CHATML, *controls.values()], eos_token="<|im_end|>", extra_special_tokens=controls
    )
    pictures = t.LlavaOnevisionImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=TILES
    )
    processor = without_videos(t.LlavaOnevisionProcessor)(
        pictures,
        tokenizer,
        None,
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=template,
    )
    config = t.LlavaOnevisionConfig(
        vision_config=siglip(),
        text_config=qwen_language(tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=TILES,
    )
    return t.LlavaOnevisionForConditionalGeneration(config), processor


# BLIP-2, InstructBLIP, GIT: no chat template


def blip_pictures() -> Any:
    from transformers import BlipImageProcessorPil

    return BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})


def q_former(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "encoder_hidden_size": VISION["hidden_size"],
    }


def blip_vision() -> dict[str, Any]:
    return {**VISION, "initializer_range": 0.02}  # its own, 1e-10, would make it blind


def blip_2_opt(_: str | None) -> Built:
    import transformers as t

    blank = byte_level(["<pad>", "</s>"], kind="GPT2Tokenizer")
    tokenizer = with_beginning(
        blank, bos_token="</s>", eos_token="</s>", unk_token="</s>", pad_token="<pad>"
    )
    return blip_2(
        tokenizer,
        t.OPTConfig(
            vocab_size=len(tokenizer) + 1,  # with <image>, which the processor adds
            hidden_size=64,
            ffn_dim=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            word_embed_proj_dim=64,
            max_position_embeddings=512,
            **{**ids(tokenizer), "eos_token_id": tokenizer.encode("\n")[-1]},  # as on the Hub
        ),
    )


def blip_2_t5(_: str | None) -> Built:
    tokenizer = t5_tokenizer()
    return blip_2(tokenizer, t5_language(tokenizer, len(tokenizer) + 1))


def t5_tokenizer() -> Any:
    import transformers as t

    return t.T5Tokenizer().train_new_from_iterator(LESSONS, 500, show_progress=False)


def t5_language(tokenizer: Any, vocabulary: int) -> Any:
    from transformers import T5Config

    return T5Config(
        vocab_size=vocabulary,
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def blip_2(tokenizer: Any, language: Any) -> Built:
    import transformers as t

    processor = t.Blip2Processor(blip_pictures(), tokenizer, num_query_tokens=8)
    config = t.Blip2Config(
        vision_config=blip_vision(),
        qformer_config=q_former(tokenizer),
        text_config=language.to_dict(),
        num_query_tokens=8,
        image_text_hidden_size=16,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    return t.Blip2ForConditionalGeneration(config), processor


def instructblip_vicuna(_: str | None) -> Built:
    import transformers as t

    tokenizer = pieces(["[PAD]"], pad_token="[PAD]", padding_side="left")
    size = len(tokenizer) + 1
    return instructblip(
        tokenizer, t.LlamaConfig(vocab_size=size, **LANGUAGE, **ids(tokenizer)).to_dict()
    )


def instructblip_t5(_: str | None) -> Built:
    tokenizer = t5_tokenizer()
    return instructblip(tokenizer, t5_language(tokenizer, len(tokenizer) + 1).to_dict())


def instructblip(tokenizer: Any, language: dict[str, Any]) -> Built:
    import transformers as t

    reader = bert_tokenizer()  # the Q-Former reads the question, too
    processor = t.InstructBlipProcessor(blip_pictures(), tokenizer, reader, num_query_tokens=8)
    config = t.InstructBlipConfig(
        vision_config=blip_vision(),
        qformer_config=q_former(reader),
        text_config=language,
        num_query_tokens=8,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    return t.InstructBlipForConditionalGeneration(config), processor


def bert_tokenizer() -> Any:
    import transformers as t

    return t.BertTokenizer().train_new_from_iterator(LESSONS, 400, show_progress=False)


def git(_: str | None) -> Built:
    import transformers as t

    tokenizer = bert_tokenizer()
    config = t.GitConfig(
        vision_config=dict(VISION),
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return t.GitForCausalLM(config), t.GitProcessor(clip_pictures(), tokenizer)


# KOSMOS-2, Fuyu


def kosmos2(_: str | None) -> Built:
    import transformers as t
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    core.train_from_iterator(LESSONS, trainer)
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
    processor = t.Kosmos2Processor(clip_pictures(), tokenizer)  # adds tags and 1024 places
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


def fuyu(_: str | None) -> Built:
    """Each number up to 1000 is one piece, and the tags of places are bytes, as in the real one."""
    import transformers as t
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = sorted({word for line in CORPUS for word in line.split()})
    tags = ["|SPEAKER|", "|NEWLINE|"]
    likely = [*(f"\u2581{word}" for word in words), *words, *map(str, range(1001)), *tags]
    alphabet = sorted({*ASCII, *"".join(words), "\u2581", "\n"})
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    special = ["|ENDOFTEXT|", "<unk>", "<s>", "</s>"]
    scores = dict.fromkeys([*special, *bytes_], -8.0)
    scores |= dict.fromkeys(alphabet, -9.0) | dict.fromkeys(likely, -10.0)
    core = Tokenizer(models.Unigram(list(scores.items()), unk_id=1, byte_fallback=True))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    core.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer = t.PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="|ENDOFTEXT|",
        pad_token="|ENDOFTEXT|",
        unk_token="<unk>",
        padding_side="left",
    )
    pictures = t.FuyuImageProcessorPil(
        size={"height": 60, "width": 90}, patch_size={"height": 30, "width": 30}
    )
    config = t.FuyuConfig(
        text_config={
            "model_type": "persimmon",
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 4096,
            **ids(tokenizer),
        },
        image_size=60,
        patch_size=30,
        image_token_id=tokenizer.convert_tokens_to_ids("|SPEAKER|"),
    )
    return t.FuyuForCausalLM(config), t.FuyuProcessor(pictures, tokenizer)


# Qwen-VL and GLM-V


QWEN = (
    *CHATML,
    *("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"),
    *("<|quad_start|>", "<|quad_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
THOUGHTS = ("<think>", "</think>")  # ordinary words of the newer tokenizers


def qwen_tokenizer(words: Sequence[str] = ()) -> Any:
    return byte_level(QWEN, words, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def qwen_pictures(patch: int) -> Any:
    from transformers import Qwen2VLImageProcessorPil

    least = (4 * patch) ** 2
    return Qwen2VLImageProcessorPil(
        size={"shortest_edge": least, "longest_edge": 4 * least},
        patch_size=patch,
        merge_size=2,
        temporal_patch_size=2,
    )


def qwen_tokens(tokenizer: Any) -> dict[str, int]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}


def mrope_language(tokenizer: Any, **options: Any) -> dict[str, Any]:
    shape = {"vocab_size": len(tokenizer), "rope_parameters": MROPE, **LANGUAGE, **options}
    return {**shape, **ids(tokenizer)}


def qwen2_vl(template: str | None) -> Built:
    import transformers as t

    tokenizer = qwen_tokenizer()
    processor = without_videos(t.Qwen2VLProcessor)(
        qwen_pictures(14), tokenizer, None, chat_template=template
    )
    config = t.Qwen2VLConfig(
        text_config=mrope_language(tokenizer),
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "num_heads": 4,
            "patch_size": 14,
            "mlp_ratio": 2,
            "hidden_size": 64,
        },
        **qwen_tokens(tokenizer),
    )
    return t.Qwen2VLForConditionalGeneration(config), processor


QWEN_VISION = {
    "depth": 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 4,
    "out_hidden_size": 64,
}


def qwen2_5_vl(template: str | None) -> Built:
    import transformers as t

    tokenizer = qwen_tokenizer()
    processor = without_videos(t.Qwen2_5_VLProcessor)(
        qwen_pictures(14), tokenizer, None, chat_template=template
    )
    vision = {**QWEN_VISION, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}
    config = t.Qwen2_5_VLConfig(
        text_config=mrope_language(tokenizer), vision_config=vision, **qwen_tokens(tokenizer)
    )
    return t.Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl(template: str | None, *, experts: bool = False) -> Built:
    import transformers as t

    tokenizer = qwen_tokenizer(THOUGHTS)
    processor = without_videos(t.Qwen3VLProcessor)(
        qwen_pictures(16), tokenizer, None, chat_template=template
    )
    language = mrope_language(tokenizer, head_dim=16)
    language["rope_parameters"] = {**MROPE, "mrope_interleaved": True}
    vision = {
        **QWEN_VISION,
        "patch_size": 16,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    if not experts:
        config = t.Qwen3VLConfig(
            text_config=language, vision_config=vision, **qwen_tokens(tokenizer)
        )
        return t.Qwen3VLForConditionalGeneration(config), processor
    language |= {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    config = t.Qwen3VLMoeConfig(
        text_config=language, vision_config=vision, **qwen_tokens(tokenizer)
    )
    return t.Qwen3VLMoeForConditionalGeneration(config), processor


GLM = (
    *("[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|image|>", "<|video|>"),
)
GLM_WORDS = ("<think>", "</think>", "<answer>", "</answer>", "<|begin_of_box|>", "<|end_of_box|>")


def glm4v(template: str | None, *, experts: bool = False) -> Built:
    import transformers as t

    tokenizer = byte_level(GLM, GLM_WORDS, pad_token="<|endoftext|>")
    pictures = t.Glm4vImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 112 * 112},
        patch_size=14,
        merge_size=2,
        temporal_patch_size=2,
    )
    processor = without_videos(t.Glm4vProcessor)(pictures, tokenizer, None, chat_template=template)
    token = tokenizer.convert_tokens_to_ids
    marks = {
        "image_token_id": token("<|image|>"),
        "video_token_id": token("<|video|>"),
        "image_start_token_id": token("<|begin_of_image|>"),
        "image_end_token_id": token("<|end_of_image|>"),
        "video_start_token_id": token("<|begin_of_video|>"),
        "video_end_token_id": token("<|end_of_video|>"),
    }
    language = mrope_language(tokenizer)
    language["rope_parameters"] = {**MROPE, "partial_rotary_factor": 1.0}
    vision = {**QWEN_VISION, "image_size": SIDE, "patch_size": 14}
    if not experts:
        config = t.Glm4vConfig(text_config=language, vision_config=vision, **marks)
        return t.Glm4vForConditionalGeneration(config), processor
    language |= {
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "n_group": 1,
        "topk_group": 1,
    }
    config = t.Glm4vMoeConfig(text_config=language, vision_config=vision, **marks)
    return t.Glm4vMoeForConditionalGeneration(config), processor


# DeepSeek-VL, InternVL, Ovis2, Molmo 2


def deepseek_tokenizer() -> Any:
    marks = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
    return with_beginning(
        byte_level([*marks, "<image_placeholder>"]),
        bos_token=marks[0],
        eos_token=marks[1],
        pad_token=marks[2],
        extra_special_tokens={"image_token": "<image_placeholder>"},
    )


def deepseek_vl(template: str | None) -> Built:
    import transformers as t

    tokenizer = deepseek_tokenizer()
    pictures = t.DeepseekVLImageProcessorPil(size={"height": SIDE, "width": SIDE}, min_size=14)
    processor = t.DeepseekVLProcessor(
        pictures, tokenizer, chat_template=template, num_image_tokens=16
    )
    config = t.DeepseekVLConfig(
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        vision_config=siglip(),
        image_token_id=tokenizer.image_token_id,
    )
    return t.DeepseekVLForConditionalGeneration(config), processor


def deepseek_vl_hybrid(template: str | None) -> Built:
    import transformers as t

    tokenizer = deepseek_tokenizer()
    pictures = t.DeepseekVLHybridImageProcessorPil(
        size={"height": 64, "width": 64}, high_res_size={"height": 128, "width": 128}, min_size=14
    )
    processor = t.DeepseekVLHybridProcessor(
        pictures, tokenizer, chat_template=template, num_image_tokens=16
    )
    config = t.DeepseekVLHybridConfig(
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        vision_config=siglip(image_size=64, patch_size=16),
        high_res_vision_config=t.SamVisionConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=128,
            patch_size=8,
            output_channels=16,
            global_attn_indexes=[1],
            mlp_dim=64,
            window_size=4,
            num_pos_feats=16,
        ),
        image_token_id=tokenizer.image_token_id,
    )
    return t.DeepseekVLHybridForConditionalGeneration(config), processor


def internvl(template: str | None) -> Built:
    import transformers as t

    controls = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    places = ("<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>")
    tokenizer = byte_level(
        [*CHATML, *controls.values(), *places],
        eos_token="<|im_end|>",
        extra_special_tokens=controls,
    )
    pictures = t.GotOcr2ImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, crop_to_patches=True, min_patches=1, max_patches=4
    )
    processor = without_videos(t.InternVLProcessor)(
        pictures, tokenizer, None, image_seq_length=4, chat_template=template
    )
    config = t.InternVLConfig(
        text_config=qwen_language(tokenizer),
        vision_config=dict(VISION),
        image_token_id=tokenizer.context_image_token_id,
        image_seq_length=4,
        downsample_ratio=0.5,
        tie_word_embeddings=False,
    )
    return t.InternVLForConditionalGeneration(config), processor


def ovis2(template: str | None) -> Built:
    import transformers as t

    indicators = ("<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>")
    tokenizer = byte_level([*CHATML, "<image>", "<IMG_ATOM>", *indicators], eos_token="<|im_end|>")
    pictures = t.Ovis2ImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, crop_to_patches=True, max_patches=2
    )
    processor = t.Ovis2Processor(pictures, tokenizer, chat_template=template, image_seq_length=16)
    config = t.Ovis2Config(
        text_config=qwen_language(tokenizer),
        vision_config={**VISION, "vocab_size": 128},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_ATOM>"),
        visual_indicator_token_ids=tokenizer.convert_tokens_to_ids(list(indicators)),
        vocab_size=len(tokenizer),
        hidden_size=64,
    )
    return t.Ovis2ForConditionalGeneration(config), processor


def molmo2(template: str | None) -> Built:
    """Its processor exists for torchvision only."""
    import transformers as t

    controls = {"image_token": "<|image|>", "video_token": "<|video|>"}
    marks = (
        *("<im_start>", "<im_end>", "<im_patch>", "<im_col>", "<low_res_im_start>", "<im_low>"),
        *("<frame_start>", "<frame_end>"),
    )
    tokenizer = byte_level(
        [*CHATML, *controls.values(), *marks],
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens=controls,
    )
    size = {"height": SIDE, "width": SIDE}
    processor = t.Molmo2Processor(
        t.Molmo2ImageProcessor(size=size, patch_size=PATCH, max_crops=2, overlap_margins=[1, 1]),
        t.Molmo2VideoProcessor(size=size, patch_size=PATCH),
        tokenizer,
        chat_template=template,
    )
    token = tokenizer.convert_tokens_to_ids
    heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8}
    config = t.Molmo2Config(
        text_config={
            "vocab_size": len(tokenizer),
            "additional_vocab_size": 0,
            "head_dim": 16,
            **LANGUAGE,
            **ids(tokenizer),
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "image_size": [SIDE, SIDE],
            "patch_size": PATCH,
            **heads,
        },
        adapter_config={
            "vision_feature_layer": [-1, -2],
            "hidden_size": 32,
            "intermediate_size": 64,
            "text_hidden_size": 64,
            **heads,
        },
        image_start_token_id=token("<im_start>"),
        image_end_token_id=token("<im_end>"),
        image_patch_id=token("<im_patch>"),
        low_res_image_start_token_id=token("<low_res_im_start>"),
        frame_start_token_id=token("<frame_start>"),
        frame_end_token_id=token("<frame_end>"),
    )
    return t.Molmo2ForConditionalGeneration(config), processor


# Idefics3, SmolVLM


ROWS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))


def idefics3(template: str | None) -> Built:
    import transformers as t

    llama3 = ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>")
    pictures_ = ("<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>")
    tokenizer = with_beginning(
        byte_level([*llama3, *pictures_, *ROWS]),
        bos_token="<|begin_of_text|>",
        eos_token="<end_of_utterance>",
        pad_token="<|finetune_right_pad_id|>",
    )
    pictures = t.Idefics3ImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )
    processor = t.Idefics3Processor(pictures, tokenizer, image_seq_len=4, chat_template=template)
    config = t.Idefics3Config(**pixel_shuffled(tokenizer))
    return t.Idefics3ForConditionalGeneration(config), processor


def smolvlm(template: str | None) -> Built:
    import transformers as t

    controls = {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": "<end_of_utterance>",
        "video_token": "<video>",
    }
    tokenizer = byte_level(
        [*CHATML, *controls.values(), *ROWS],
        kind="GPT2Tokenizer",
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        padding_side="left",
        extra_special_tokens=controls,
    )
    pictures = t.SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )
    processor = without_videos(t.SmolVLMProcessor)(
        pictures, tokenizer, None, image_seq_len=4, chat_template=template
    )
    config = t.SmolVLMConfig(**pixel_shuffled(tokenizer))
    return t.SmolVLMForConditionalGeneration(config), processor


def pixel_shuffled(tokenizer: Any) -> dict[str, Any]:
    import transformers as t

    return {
        "text_config": t.LlamaConfig(vocab_size=len(tokenizer), **LANGUAGE, **ids(tokenizer)),
        "vision_config": VISION,
        "scale_factor": 2,
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
        "pad_token_id": tokenizer.pad_token_id,
    }


# Gemma's kin


def paligemma(_: str | None) -> Built:
    import transformers as t

    tokenizer = pieces(["<image>"], kind="GemmaTokenizer", **IMAGE)
    pictures = t.SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    pictures.image_seq_length = 16
    processor = t.PaliGemmaProcessor(pictures, tokenizer)  # adds <loc0000>.. and <seg000>..
    config = t.PaliGemmaConfig(
        text_config=t.GemmaConfig(
            vocab_size=len(tokenizer), head_dim=16, **LANGUAGE, **ids(tokenizer)
        ),
        vision_config=siglip(),
        image_token_index=tokenizer.image_token_id,
        projection_dim=64,
        hidden_size=64,
        vocab_size=len(tokenizer),
    )
    return t.PaliGemmaForConditionalGeneration(config), processor


def gemma3(template: str | None) -> Built:
    import transformers as t

    controls = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    tokenizer = pieces(
        ["<start_of_turn>", "<end_of_turn>", *controls.values()],
        kind="GemmaTokenizer",
        extra_special_tokens=controls,
    )
    pictures = t.Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE})
    processor = t.Gemma3Processor(pictures, tokenizer, chat_template=template, image_seq_length=4)
    config = t.Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer),
            "head_dim": 16,
            "sliding_window": 64,
            "layer_types": ["sliding_attention", "full_attention"],
            "query_pre_attn_scalar": 16,
            **LANGUAGE,
            **ids(tokenizer),
        },
        vision_config=siglip(),
        mm_tokens_per_image=4,
        boi_token_index=tokenizer.boi_token_id,
        eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
    )
    model = t.Gemma3ForConditionalGeneration(config)
    ending = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")]
    model.generation_config.eos_token_id = ending
    return model, processor


def florence2(_: str | None) -> Built:
    import transformers as t

    tasks = ("od", "ocr", "cap", "ncap", "dcap", "grounding", "seg", "region_cap", "proposal")
    tags = (*tasks, "region_to_desciption", "poly")  # the misspelling is the checkpoint's
    special = [tag for name in tags for tag in (f"<{name}>", f"</{name}>")]
    tokenizer = byte_level(
        [*special, "<and>", "<sep>", "<image>", *(f"<loc_{bin_}>" for bin_ in range(1000))],
        kind="RobertaTokenizer",
        **IMAGE,
    )
    side = 64  # at 1/32 of it 2 x 2 places, and one for all
    size = {"height": side, "width": side}
    pictures = t.CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False)
    pictures.image_seq_length = 5
    processor = t.Florence2Processor(pictures, tokenizer, post_processor_config=FLORENCE_PARTS)
    config = t.Florence2Config(
        vision_config={
            "depths": [1, 1, 1, 1],
            "embed_dim": [16, 16, 32, 32],
            "num_heads": [2, 2, 4, 4],
            "num_groups": [2, 2, 4, 4],
            "window_size": 2,
            "projection_dim": 64,
            "drop_path_rate": 0.0,
        },
        text_config=t.BartConfig(
            vocab_size=len(tokenizer),
            d_model=64,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            max_position_embeddings=512,
            decoder_start_token_id=tokenizer.eos_token_id,
            forced_bos_token_id=tokenizer.bos_token_id,
            forced_eos_token_id=tokenizer.eos_token_id,
            **ids(tokenizer),
        ),
        image_token_id=tokenizer.image_token_id,
    )
    return t.Florence2ForConditionalGeneration(config), processor


FLORENCE_PARTS: dict[str, Any] = {
    name: {}
    for name in (
        *("ocr", "phrase_grounding", "pure_text", "polygons", "bboxes"),
        *("description_with_bboxes", "description_with_polygons"),
        "description_with_bboxes_or_polygons",
    )
}


def without_videos(processor: Any) -> Any:
    from vlm_demo.engines.local.checkpoints.processors import without_videos as derived

    return derived(processor)


MOLMO2 = Checkpoint("molmo2", molmo2, video_processor="Molmo2VideoProcessor")
"""Its processor exists for torchvision only, which the program does without."""

CHECKPOINTS: dict[str, Checkpoint] = {
    "llava": Checkpoint("llava15", llava, ships_template=False),
    "yi_vl": Checkpoint("yi_vl", yi_vl, ships_template=False),
    "llava_next": Checkpoint("llava_next", llava_next),
    "llava_next_vicuna": Checkpoint("llava_next_vicuna", llava_next),
    "llava_next_34b": Checkpoint("llava_next_34b", partial(llava_next, chatml=True)),
    "llava_onevision": Checkpoint(
        "llava_onevision", llava_onevision, video_processor="LlavaOnevisionVideoProcessor"
    ),
    "blip_2_opt": Checkpoint("blip2", blip_2_opt, ships_template=False),
    "blip_2_t5": Checkpoint("blip2_t5", blip_2_t5, ships_template=False),
    "instructblip": Checkpoint("instructblip", instructblip_vicuna, ships_template=False),
    "instructblip_t5": Checkpoint("instructblip_t5", instructblip_t5, ships_template=False),
    "git": Checkpoint("git", git, ships_template=False),
    "git_vqa": Checkpoint("git_vqa", git, ships_template=False),
    "kosmos2": Checkpoint("kosmos2", kosmos2, ships_template=False),
    "fuyu": Checkpoint("fuyu", fuyu, ships_template=False),
    "qwen2_vl": Checkpoint("qwen2_vl", qwen2_vl, video_processor="Qwen2VLVideoProcessor"),
    "qwen2_5_vl": Checkpoint("qwen2_5_vl", qwen2_5_vl, video_processor="Qwen2VLVideoProcessor"),
    "qwen3_vl": Checkpoint("qwen3_vl", qwen3_vl, video_processor="Qwen3VLVideoProcessor"),
    "qwen3_vl_moe": Checkpoint(
        "qwen3_vl", partial(qwen3_vl, experts=True), video_processor="Qwen3VLVideoProcessor"
    ),
    "qwen3_vl_thinking": Checkpoint(
        "qwen3_vl_thinking", qwen3_vl, video_processor="Qwen3VLVideoProcessor"
    ),
    "glm4v": Checkpoint("glm4v", glm4v, video_processor="Glm4vVideoProcessor"),
    "glm4v_moe": Checkpoint(
        "glm4v", partial(glm4v, experts=True), video_processor="Glm4vVideoProcessor"
    ),
    "glm41v_thinking": Checkpoint("glm41v_thinking", glm4v, video_processor="Glm4vVideoProcessor"),
    "deepseek_vl": Checkpoint("deepseek_vl", deepseek_vl),
    "deepseek_vl_hybrid": Checkpoint("deepseek_vl", deepseek_vl_hybrid),
    "internvl": Checkpoint(
        "internvl", internvl, ships_template=False, video_processor="InternVLVideoProcessor"
    ),
    "ovis2": Checkpoint("ovis2", ovis2),
    **({"molmo2": MOLMO2} if find_spec("torchvision") else {}),
    "idefics3": Checkpoint("idefics3", idefics3),
    "smolvlm": Checkpoint("smolvlm", smolvlm, video_processor="SmolVLMVideoProcessor"),
    "paligemma": Checkpoint("paligemma", paligemma, ships_template=False),
    "gemma3": Checkpoint("gemma3", gemma3),
    "florence2": Checkpoint("florence2", florence2, ships_template=False),
}
