"""The image-text types of which no tiny checkpoint is asked, and why (transformers 5.23)."""

NO_TEMPLATE = "It has no chat template, and no family here writes its prompts."
NO_PROCESSOR = "transformers names no processor for it, so nothing prepares its pictures."
NEEDS_TIMM = "Its vision tower is computed by the package timm, which is not a requirement."
NO_WORDS = "It takes pictures alone: there is nothing to ask."


def not_small(why: str) -> str:
    return f"No configuration of it has been made small so far: {why}."


UNANSWERED = {
    "blip": NO_TEMPLATE,
    "chameleon": NO_TEMPLATE,
    "cosmos3_omni": NO_PROCESSOR,
    "dots3_note": not_small("its layers differ one by one"),
    "diffusion_gemma": "It fills in blocks of noise, not one token after the other.",
    "evolla": "It describes proteins, not pictures.",
    "fast_vlm": NEEDS_TIMM,
    "gemma3n": NEEDS_TIMM,
    "granite4_vision": not_small("its projectors take 24 features for 70 tokens"),
    "idefics": NO_TEMPLATE,
    "instructblipvideo": "It takes videos, and no pictures.",
    "janus": "Its own `generate` drops logits processors, so it cannot be held to choices.",
    "kosmos-2.5": "It answers one task at a time, without turns; its family's wordings are tested.",
    "mistral4": "The class takes text alone; its pictures belong to mistral_large4.",
    "muse_spark": not_small("its tower has sizes for each of four stages"),
    "perception_lm": NEEDS_TIMM,
    "pi0": "It moves a robot, and writes nothing.",
    "pix2struct": NO_TEMPLATE,
    "pp_formulanet": NO_WORDS,
    "qwen2_5_omni_thinker": NO_PROCESSOR,
    "qwen3_omni_moe_thinker": NO_PROCESSOR,
    "shieldgemma2": "It classifies pictures by rules, and writes nothing.",
    "t5gemma2": not_small("its encoder and decoder together take 8 GB"),
    "udop": NO_TEMPLATE,
    "vision-encoder-decoder": NO_WORDS,
}
"""One sentence for each type."""

NOT_IN_TRANSFORMERS = {
    "deepseek_vl_v2",
    "dots_ocr",
    "internvl_chat",
    "kimi_vl",
    "molmo",
    "moondream",
    "moondream1",
    "moondream3",
    "ofa",
    "qwen",
}
"""Types that families declare and that run only with code from elsewhere.

It is that of their checkpoints, of a server, or of a program of their own.
"""
