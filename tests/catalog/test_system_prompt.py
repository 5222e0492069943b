"""A system prompt goes to the models whose template writes one, and no other is asked."""

from __future__ import annotations

import pytest

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.system_prompt import takes_system_prompt
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import writes_system_messages
from vlm_demo.values import Request, Task

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("template", "writes"),
    [
        ("{% for m in messages %}{{ m.role }}:{{ m.content[0].text }}{% endfor %}", True),
        ("{{ messages[-1].content[0].text }}", False),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", False),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}",
            False,
        ),
    ],
)
def test_a_template_tells_whether_it_writes_system_messages(template: str, writes: bool) -> None:
    assert writes_system_messages(template) is writes


def test_the_system_prompt_comes_before_the_conversation() -> None:
    family = get_family("llava15")
    asked = Request(Task.CHAT, "Hello?", system="Answer as a pirate. <image>")
    first = family.prompt(asked, control_tokens=["<image>"]).messages[0]
    assert (first.role, first.text) == ("system", "Answer as a pirate. < image>")
    roles = [message.role for message in family.prompt(Request(Task.CHAT, "Hello?")).messages]
    assert roles == ["user"]


def test_a_model_without_system_messages_refuses_one() -> None:
    refusing = next(
        spec
        for spec in default_menu()
        if spec.engine == "local" and spec.supports(Task.CHAT) and not takes_system_prompt(spec)
    )
    backend = Backend((refusing,))
    with pytest.raises(InputError, match="takes no system prompt"):
        backend.check(refusing.name, Request(Task.CHAT, "Hello?", system="Be brief."))


def test_a_server_takes_one() -> None:
    spec = ModelSpec(
        name="s", family="generic", checkpoint="m", engine="remote", base_url="http://x"
    )
    assert takes_system_prompt(spec)
