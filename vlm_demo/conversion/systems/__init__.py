"""What differs between the systems that can be converted: one file a system.

A file that defines SYSTEM is found; there is nothing else to register. It has the name of its
system.
"""

from collections.abc import Mapping
from functools import cache

from vlm_demo.conversion.system import System
from vlm_demo.plugins import discover

__all__ = ["all_systems"]


@cache
def all_systems() -> Mapping[str, System]:
    """Return every system, by name."""
    return discover(__name__, __path__, "SYSTEM", System)
