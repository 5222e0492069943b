"""The models in memory: loads them when they are needed, and makes room for them."""

from vlm_demo.pool.memory import FormatOption
from vlm_demo.pool.model_pool import ModelPool

__all__ = ["FormatOption", "ModelPool"]
