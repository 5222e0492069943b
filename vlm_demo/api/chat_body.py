"""What a chat completion request may hold; anything else is refused, as it would not be obeyed.

Sources: https://platform.openai.com/docs/api-reference/chat/create; for the fields of vLLM
https://docs.vllm.ai/en/latest/serving/openai_compatible_server/ and
https://docs.vllm.ai/en/latest/features/structured_outputs/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from vlm_demo.api.failures import ApiError, refuse_value
from vlm_demo.errors import describe_validation_error
from vlm_demo.markup.region_json import Pixel, RegionsInPixelsModel
from vlm_demo.values import MAX_REGIONS, RegionForm, Task

MAX_MESSAGES = 1_000
"""Largest number of messages in one request."""

MAX_STOPS = 16
"""Largest number of stop strings."""

MAX_STOP_CHARACTERS = 200
"""Length of the longest stop string."""

MAX_SEED = 2**63 - 1
"""Largest seed that torch takes with either sign."""

IGNORED = (
    *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"),
    *("prompt_cache_options", "prompt_cache_retention"),
)
"""Fields of the standard that change nothing about an answer."""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "min_p": (0,),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "parallel_tool_calls": (True, False),
    "prediction": (),
    "presence_penalty": (0,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""Fields that can be sent only with values that ask for nothing; null is always one of them."""

REASONS: Mapping[str, str] = {
    "audio": "Models here neither hear nor speak.",
    "chat_template": "Each model is asked in the template of its family.",
    "frequency_penalty": "Use repetition_penalty instead.",
    "function_call": "Models here cannot call functions.",
    "functions": "Models here cannot call functions.",
    "logit_bias": "Tokens cannot be weighted here.",
    "min_p": "Use top_p or top_k instead.",
    "modalities": "Models here answer in text only.",
    "n": "There is one answer to a request: send the request several times.",
    "prediction": "Models here take no predicted answer.",
    "presence_penalty": "Use repetition_penalty instead.",
    "tool_choice": "Models here cannot call tools.",
    "tools": "Models here cannot call tools.",
    "top_logprobs": "Only the probability of the token that was chosen is known.",
    "verbosity": "Say in words how long the answer should be.",
    "web_search_options": "Models here search nothing.",
}
"""Why a field that the standard or vLLM has cannot be used here."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(_Strict):
    """Text of a message."""

    type: Literal["text"]
    text: str


class ImageAddress(_Strict):
    """Where the picture is: in the address itself."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None  # the family decides


class ImagePart(_Strict):
    """A picture of a message."""

    type: Literal["image_url"]
    image_url: ImageAddress


def _part_type(part: object) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else None


Part = Annotated[
    Annotated[TextPart, Tag("text")] | Annotated[ImagePart, Tag("image_url")],
    Discriminator(
        _part_type,
        custom_error_type="part",
        custom_error_message="Input should be a part of type text or image_url: "
        "sound, video and files are not taken",
    ),
]
"""A part of a message."""


def _content_form(content: object) -> str:
    return "(parts)" if isinstance(content, list) else "(words)"


TextContent = Annotated[
    Annotated[str, Tag("(words)")] | Annotated[list[TextPart], Field(min_length=1), Tag("(parts)")],
    Discriminator(_content_form),
]
"""The text of a message, whole or in parts."""

Content = Annotated[
    Annotated[str, Tag("(words)")] | Annotated[list[Part], Field(min_length=1), Tag("(parts)")],
    Discriminator(_content_form),
]
"""The text and pictures of a message."""

_TAGS = re.compile(r"(?<=\])\.(?:system|developer|user|assistant)\b|\.\((?:words|parts)\)")
"""What pydantic adds to the place of an error where there are several forms."""

BoxNumbers = tuple[Pixel, Pixel, Pixel, Pixel]
"""x1, y1, x2, y2 in pixels of the picture as it is seen upright."""

RegionField = Annotated[BoxNumbers, Field(strict=False)] | RegionsInPixelsModel
"""A box as four numbers, or regions of any form as the items of an answer hold them."""

Regions = Annotated[list[RegionField], Field(max_length=MAX_REGIONS)]


class MessageFields(_Strict):
    """Our own fields of a user's message."""

    regions: Regions = []


class SystemMessage(_Strict):
    """Instructions before the conversation."""

    role: Literal["system", "developer"]
    content: TextContent
    name: str | None = None


class UserMessage(_Strict):
    """A question, with pictures or without."""

    role: Literal["user"]
    content: Content
    name: str | None = None
    vlm_demo: MessageFields | None = None


class AssistantMessage(_Strict):
    """An earlier answer; it may come back with all that it was sent with."""

    role: Literal["assistant"]
    content: TextContent
    name: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[object], Field(max_length=0)] | None = None
    annotations: Any = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    vlm_demo: Any = None


ChatMessage = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]
"""A message of a conversation."""


class StreamOptions(_Strict):
    """What a stream holds beside the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class JsonSchema(_Strict):
    """A JSON Schema with a name."""

    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(_Strict):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StructuredOutputs(_Strict):
    """vLLM's constraints on an answer; one of them at a time."""

    choice: list[str] | None = None
    regex: str | None = None
    json_: dict[str, Any] | str | None = Field(None, alias="json")


class TemplateArguments(_Strict):
    """vLLM's way to turn reasoning on and off; templates know it by one of these names."""

    enable_thinking: bool | None = None
    thinking: bool | None = None


class OwnFields(_Strict):
    """Our own fields of a request."""

    task: Annotated[Task, Field(strict=False)] | None = None
    regions: Regions = []
    region_form: Literal["words", "marks", "crop"] = RegionForm.AUTO.value
    outlines: bool = False  # whether what is found is outlined, once the answer is complete


class ChatBody(_Strict):
    """A chat completion request."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1_000_000)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    seed: Annotated[int, Field(ge=-MAX_SEED, le=MAX_SEED)] | None = None
    stop: (
        Annotated[str, Field(max_length=MAX_STOP_CHARACTERS)]
        | Annotated[
            list[Annotated[str, Field(max_length=MAX_STOP_CHARACTERS)]],
            Field(max_length=MAX_STOPS),
        ]
        | None
    ) = None
    logprobs: bool | None = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    guided_choice: list[str] | None = None
    guided_regex: str | None = None
    guided_json: dict[str, Any] | str | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    chat_template_kwargs: TemplateArguments | None = None
    skip_special_tokens: bool | None = None
    task: Annotated[Task, Field(strict=False)] | None = None
    vlm_demo: OwnFields | None = None


def read_chat_body(content: bytes) -> ChatBody:
    """Read the body of a request.

    Raises:
        ApiError: it is no JSON, or no request that can be answered as it is.
    """
    try:
        data = pydantic_core.from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise refuse_value(f"The body of this request is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise refuse_value("The body of a request is a JSON object.")
    asked = {name: value for name, value in data.items() if not _asks_nothing(name, value)}
    for name in asked:
        if name in NEUTRAL or (name in REASONS and name not in ChatBody.model_fields):
            raise _refuse_field(name)
    try:
        return ChatBody.model_validate(asked)
    except ValidationError as error:
        raise _refuse_body(error) from error


def _asks_nothing(name: str, value: object) -> bool:
    if name in IGNORED or (value is None and (name in NEUTRAL or name in ChatBody.model_fields)):
        return True
    return any(value == neutral for neutral in NEUTRAL.get(name, ()))


def _refuse_field(name: str) -> ApiError:
    reason = REASONS.get(name, "There is nothing like it here.")
    message = f"{name} cannot be used in this way. {reason}"
    return refuse_value(message, name, "unsupported_parameter")


def _refuse_body(error: ValidationError) -> ApiError:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = str(problem["loc"][0]) if problem["loc"] else None
    if problem["type"] == "extra_forbidden":
        place = ".".join(map(str, problem["loc"]))
        message = f"There is no field {place[:200]!r}, and so it would not be obeyed."
        return refuse_value(message, param, "unknown_parameter")
    message = f"{_TAGS.sub('', describe_validation_error(error))}."
    code = "missing_required_parameter" if problem["type"] == "missing" else "invalid_value"
    return refuse_value(message, param, code)
