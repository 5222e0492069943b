"""Makes the default configuration of any model type small, whatever its numbers are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIDE = 64
"""Width of all hidden states, so that the parts fit together."""

LARGEST = {
    name: number
    for number, names in {
        0: "num_kv_shared_layers num_nextn_predict_layers",
        1: "n_group topk_group n_shared_experts num_global_layers first_k_dense_replace",
        2: "num_hidden_layers num_layers depth n_layers num_decoder_layers encoder_layers "
        "decoder_layers vision_layers layers num_key_value_heads linear_num_key_heads "
        "num_global_key_value_heads index_n_heads num_experts_per_tok moe_k moe_topk",
        4: "num_attention_heads num_heads n_heads attention_heads encoder_attention_heads "
        "decoder_attention_heads mamba_num_heads linear_num_value_heads linear_num_heads "
        "moe_num_experts num_experts num_local_experts n_routed_experts",
        16: "head_dim global_head_dim d_kv qk_rope_head_dim qk_nope_head_dim v_head_dim "
        "linear_key_head_dim linear_value_head_dim linear_head_dim index_head_dim "
        "index_topk ssm_state_size",
        32: "q_lora_rank kv_lora_rank qk_head_dim hidden_size_per_layer_input mamba_head_dim",
        SIDE: "hidden_size d_model embed_dim n_embd n_embed attention_dim out_hidden_size "
        "text_hidden_size projection_dim projector_hidden_size vision_output_dim "
        "vision_hidden_size encoder_hidden_size projection_hidden_size word_embed_proj_dim "
        "moe_intermediate_size shared_expert_intermediate_size sliding_window",
        128: "intermediate_size ffn_dim d_ff encoder_ffn_dim decoder_ffn_dim mlp_dim "
        "intermediate_size_mlp block_ff_dim",
        1200: "vocab_size vocab_size_per_layer_input",
        4096: "max_position_embeddings",
    }.items()
    for name in names.split()
}
"""The largest number that stays, by the name of the number."""

DERIVED = frozenset(
    [
        "layer_types",
        "mlp_layer_types",
        "torch_dtype",
        "dtype",
        "architectures",
        "moe_layers",
        "no_rope_layers",
        "rope_parameters",
        "rope_scaling",
        "hybrid_override_pattern",
        "layers_block_type",
        "transformers_version",
        "_name_or_path",
        "id2label",
        "label2id",
        "_attn_implementation",
        "model_type_",
    ]
)
"""Names of values that follow from the others, or would contradict them."""


def shrink(config: Mapping[str, Any], changes: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return a small copy of a configuration.

    Args:
        config: the default one.
        changes: values by dotted path ("text_config.num_hidden_layers"); `...` removes one.
        path: of `config` in the whole, with a dot at its end.
    """
    small: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and isinstance(key, str) and key.endswith("config"):
            small[key] = shrink(value, changes, f"{path}{key}.")
        elif key not in DERIVED and not str(key).startswith("_"):
            small[key] = _smaller(key, value)
    for dotted, value in changes.items():
        folder, _, key = dotted.rpartition(".")
        if (f"{folder}." if folder else "") != path:
            continue
        small[key] = value
        if value is ...:
            del small[key]
    return small


def _smaller(key: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or key not in LARGEST:
        return value
    return LARGEST[key] if key == "vocab_size" else min(value, LARGEST[key])
