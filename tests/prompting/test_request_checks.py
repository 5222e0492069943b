"""Texts that no model can be given."""

import pytest

from vlm_demo.errors import InputError, TooLongError
from vlm_demo.prompting.request_checks import MAX_CHARACTERS, check_text


def test_a_text_may_be_as_long_as_is_allowed() -> None:
    check_text("")
    check_text("x" * MAX_CHARACTERS)
    check_text("猫" * 3, max_characters=3)
    with pytest.raises(TooLongError, match="8,001 characters, 1 over the limit of 8,000"):
        check_text("x" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc80bytes of another encoding"])
def test_half_a_character_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="broken characters"):
        check_text(text)
