"""The number formats in which models can be loaded."""

from __future__ import annotations

from enum import StrEnum

from vlm_demo.translatable_text import message


class NumberFormat(StrEnum):
    """The number format of a model's weights in memory."""

    AUTO = "auto"  # as they are stored, or widened where the processor works better with that
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    EIGHT_BIT = "8-bit"
    FOUR_BIT = "4-bit"

    @property
    def is_quantized(self) -> bool:
        """Whether the weights of linear layers are quantized; all others are not."""
        return self in (NumberFormat.EIGHT_BIT, NumberFormat.FOUR_BIT)

    @property
    def bits(self) -> float:
        """Bits of each parameter; AUTO counts as half precision, in which most are stored.

        With 4 bits, every 64 weights share a constant of 32 bits, half a bit each
        (QLoRA, https://arxiv.org/abs/2305.14314, section 3).
        """
        match self:
            case NumberFormat.FLOAT32:
                return 32
            case NumberFormat.EIGHT_BIT:
                return 8
            case NumberFormat.FOUR_BIT:
                return 4.5
            case _:
                return 16

    @property
    def label(self) -> str:
        """What people read, and what votes record."""
        return message("as it is") if self is NumberFormat.AUTO else self.value
