"""Writes prompts as chat completion requests, with OpenAI's fields and those that vLLM adds.

Sources: https://platform.openai.com/docs/api-reference/chat/create; for vLLM (0.12 or newer)
https://docs.vllm.ai/en/latest/serving/openai_compatible_server/ and
https://docs.vllm.ai/en/latest/features/structured_outputs/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from vlm_demo.engines.load_options import ServerKind
from vlm_demo.engines.remote.image_encoding import data_url
from vlm_demo.errors import EngineError
from vlm_demo.prompting.templates import THINKING_ARGUMENTS, fit_labels, message_parts
from vlm_demo.values import Message, Prompt, Sampling

VLLM_FIELDS = (
    *("top_k", "min_p", "repetition_penalty", "skip_special_tokens", "structured_outputs"),
    *("chat_template", "chat_template_kwargs", "add_special_tokens", "add_generation_prompt"),
    "continue_final_message",
)
"""Fields that servers other than vLLM may refuse."""

_WALK = "{% for message in messages %}{% for part in message['content'] %}{% endfor %}{% endfor %}"
"""Template code that writes nothing. vLLM gives a template the parts of a message, pictures among
them, only if it sees the template walk through them (`_detect_content_format` in
vllm/renderers/hf.py)."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The body of a request, without the name of the model."""

    messages: list[Any]
    options: dict[str, Any]


def chat_request(prompt: Prompt, sampling: Sampling, server: ServerKind) -> ChatRequest:
    """Write the request for a prompt.

    The standard has no fields for a chat template, top-k, a repetition penalty and special
    tokens: an "openai" server decides about those itself.

    Raises:
        EngineError: such a server cannot be asked for this.
    """
    turns = list(prompt.messages)
    if prompt.chat_template is not None:
        turns = fit_labels(prompt.chat_template, turns)
    messages = [_message(message) for message in turns]
    options: dict[str, Any] = {
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.seed is not None:
        options["seed"] = sampling.seed
    if prompt.stop:
        options["stop"] = list(prompt.stop)
    if server == "openai":
        if prompt.thinking is not None:
            # Also what turns reasoning off in Ollama: https://docs.ollama.com/api/openai-compatibility
            options["reasoning_effort"] = "medium" if prompt.thinking else "none"
        return ChatRequest(messages, options | _standard_constraint(prompt))
    options |= {
        "stream_options": {"include_usage": True},
        "logprobs": True,
        # Always sent: otherwise the checkpoint's generation_config.json decides.
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": sampling.repetition_penalty,
        "skip_special_tokens": not prompt.keep_special_tokens,
    }
    if prompt.thinking is not None:
        # A template takes the one that it knows.
        options["chat_template_kwargs"] = dict.fromkeys(THINKING_ARGUMENTS, prompt.thinking)
    if constraint := _constraint(prompt):
        options["structured_outputs"] = constraint
    if prompt.chat_template is not None:
        options["chat_template"] = _template(prompt.chat_template, prompt.answer_prefix)
        options["add_special_tokens"] = not _begins_text(prompt.chat_template)
    elif prompt.answer_prefix:
        # Written as an earlier answer: the template adds what joins it to "ASSISTANT:".
        messages.append({"role": "assistant", "content": prompt.answer_prefix.lstrip()})
        options |= {"add_generation_prompt": False, "continue_final_message": True}
    return ChatRequest(messages, options)


def read_choice(answer: str, choices: Sequence[str]) -> str:
    """Return the choice that an "openai" server has made.

    A server that ignores schemas may have written it without JSON around it.

    Raises:
        EngineError: the answer is none of the choices.
    """
    try:
        choice = json.loads(answer)["answer"]
    except (ValueError, TypeError, KeyError):
        choice = answer.strip()
    if choice not in choices:
        raise EngineError(
            "The server did not keep to the choices; it may not support them. Ask without "
            "them, or choose another model. It answered: {answer}",
            answer=answer.strip()[:200],
        )
    return str(choice)


def _message(message: Message) -> dict[str, Any]:
    """Write a message, its pictures first; without any, as plain text, which all servers take."""
    if not message.images:
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": message_parts(message, _write_image)}


def _write_image(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


def _constraint(prompt: Prompt) -> dict[str, Any]:
    """Return the constraint on the answer in vLLM's fields.

    Many models begin an answer with a blank, which is part of its first token. Held to answers
    without it, they would have to begin in a way that they hardly ever do, and choose by that.
    """
    constraint: dict[str, Any] = {}
    if prompt.choices:
        constraint["choice"] = [*prompt.choices, *(f" {choice}" for choice in prompt.choices)]
    if prompt.pattern:
        whole = prompt.pattern.removeprefix("^")
        if whole.endswith("$") and not whole.endswith("\\$"):
            whole = whole[:-1]  # the whole answer matches anyway
        constraint["regex"] = f" ?({whole})"
    if prompt.schema:
        constraint["json"] = json.loads(prompt.schema)
    return constraint


def _standard_constraint(prompt: Prompt) -> dict[str, Any]:
    """Return the constraint on the answer in the fields of the standard, which has only schemas."""
    if prompt.answer_prefix:
        raise EngineError(
            "This model's server cannot continue a given beginning of the answer; a vLLM "
            "server can. Leave the beginning out, or choose another task or model."
        )
    if prompt.pattern:
        raise EngineError(
            "This model's server cannot constrain an answer to a pattern; a vLLM server can. "
            "Ask without the pattern, or choose another model."
        )
    if prompt.choices:
        return _response_format(_choices_schema(prompt.choices))
    return _response_format(json.loads(prompt.schema)) if prompt.schema else {}


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    json_schema = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def _choices_schema(choices: Sequence[str]) -> dict[str, Any]:
    """Return a schema of one of the choices; OpenAI takes only schemas of objects."""
    return {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }


def _begins_text(template: str) -> bool:
    """Whether a template writes the token that begins every text, which most tokenizers add.

    vLLM lets them add it only on request: its default is for templates that write it.
    """
    return "bos_token" in template or "<s>" in template


def _template(template: str, answer_prefix: str) -> str:
    """Return the family's template, followed by the beginning of the answer."""
    # A JSON string is a Jinja string, too, as long as it has no lone surrogates.
    literal = json.dumps(answer_prefix, ensure_ascii=False)
    return f"{_WALK}{template}{{{{ {literal} }}}}" if answer_prefix else f"{_WALK}{template}"
