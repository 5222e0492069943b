"""The models that can be chosen: what is known of each, and which family asks it."""

from vlm_demo.catalog.menu import default_menu, find, load_menu
from vlm_demo.catalog.spec import ModelSpec

__all__ = ["ModelSpec", "default_menu", "find", "load_menu"]
