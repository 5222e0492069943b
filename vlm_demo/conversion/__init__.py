"""Turns published weights of older systems into folders of classes that run here.

What differs between the systems is data: a file each in `systems`. Heavy libraries load with the
first conversion.
"""

from vlm_demo.conversion.convert import Conversion, convert

__all__ = ["Conversion", "convert"]
