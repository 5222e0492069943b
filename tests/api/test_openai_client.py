"""The official client asks the embedded models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from support.api_server import api_server, connect, user
from support.drawings import drawing

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.values import Box, Request, Task

LLAVA, KOSMOS = "embedded-llava15", "embedded-kosmos2"
SIZE, CIRCLE, SQUARE = (640, 480), (60, 60, 200, 200), (360, 240, 540, 420)
PICTURE = drawing(SIZE, ("red", "circle", CIRCLE), ("blue", "square", SQUARE))
OTHER = drawing((300, 300), ("green", "star", (60, 60, 240, 240)))
DETAIL = "Describe the picture in detail."
SCHEMA = {
    "type": "object",
    "properties": {"count": {"type": "integer"}},
    "required": ["count"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "count", "schema": SCHEMA}}
LOCATE = {"task": "grounding"}


@pytest.fixture(scope="module")
def embedded() -> Iterator[Backend]:
    backend = Backend(default_menu())
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def api(embedded: Backend) -> Iterator[str]:
    with api_server(embedded, api_keys=("first", "second")) as address:
        yield address


@pytest.fixture(scope="module")
def client(api: str) -> OpenAI:
    return connect(api, "second")


def ask(client: OpenAI, text: str = DETAIL, model: str = LLAVA, **more: Any) -> Any:
    messages = more.pop("messages", [user(text, PICTURE)])
    return client.chat.completions.create(model=model, messages=messages, **more)


def read(message: ChatCompletionMessage) -> dict[str, Any]:
    return (message.model_extra or {})["vlm_demo"]


def overlap(message: ChatCompletionMessage, truth: tuple[int, ...], item: int = 0) -> float:
    (box,) = read(message)["items"][item]["boxes_xyxy_px"]
    return Box.normalize(*box, by=SIZE).iou(Box.normalize(*truth, by=SIZE))


Check = Callable[[ChatCompletion], object]


def content(answer: ChatCompletion) -> str:
    return answer.choices[0].message.content or ""


def message(answer: ChatCompletion) -> ChatCompletionMessage:
    return answer.choices[0].message


CALLS: dict[str, tuple[dict[str, Any], Check]] = {
    "names what is there": (
        {"text": "What is in the picture?"},
        lambda a: "red circle" in content(a) and "blue square" in content(a),
    ),
    "ends by itself": ({}, lambda a: a.choices[0].finish_reason == "stop"),
    "counts tokens": (
        {},
        lambda a: a.usage.total_tokens == a.usage.prompt_tokens + a.usage.completion_tokens > 80,
    ),
    "is cut off at max_tokens": (
        {"max_tokens": 3},
        lambda a: a.choices[0].finish_reason == "length" and a.usage.completion_tokens == 3,
    ),
    "takes the newer name": (
        {"max_completion_tokens": 2},
        lambda a: a.usage.completion_tokens == 2,
    ),
    "ends before a stop string": (
        {"stop": " circle"},
        lambda a: content(a).endswith("red") and a.choices[0].finish_reason == "stop",
    ),
    "ends before the first of several": (
        {"stop": ["zebra", " circle"]},
        lambda a: content(a).endswith("red"),
    ),
    "obeys a schema": (
        {"text": "How many objects are there?", "response_format": JSON_SCHEMA},
        lambda a: isinstance(json.loads(content(a))["count"], int),
    ),
    "takes free text as a form": ({"response_format": {"type": "text"}}, content),
    "chooses": (
        {
            "text": "What colour is the circle?",
            "extra_body": {"task": "vqa", "structured_outputs": {"choice": ["blue", "red"]}},
        },
        lambda a: content(a) == "red",
    ),
    "chooses by vLLM's older field": (
        {
            "text": "What colour is the square?",
            "extra_body": {"task": "vqa", "guided_choice": ["blue", "red"]},
        },
        lambda a: content(a) == "blue",
    ),
    "keeps to a pattern": (
        {"extra_body": {"structured_outputs": {"regex": "[0-9]{2}"}}},
        lambda a: re.fullmatch("[0-9]{2}", content(a)),
    ),
    "keeps to vLLM's older pattern": (
        {"extra_body": {"guided_regex": "(left|right)"}},
        lambda a: content(a) in ("left", "right"),
    ),
    "keeps to vLLM's older schema": (
        {"extra_body": {"guided_json": SCHEMA}},
        lambda a: isinstance(json.loads(content(a))["count"], int),
    ),
    "answers shortly": (
        {"text": "What colour is the circle?", "extra_body": {"task": "vqa"}},
        lambda a: content(a).strip(".") == "red",
    ),
    "captions": (
        {"text": "", "extra_body": {"task": "caption"}},
        lambda a: "red circle" in content(a),
    ),
    "finds": (
        {"text": "red circle", "extra_body": LOCATE},
        lambda a: overlap(message(a), CIRCLE) >= 0.5,
    ),
    "finds with the field of our own": (
        {"text": "blue square", "extra_body": {"vlm_demo": LOCATE}},
        lambda a: overlap(message(a), SQUARE) >= 0.5 and read(message(a))["state"] == "found",
    ),
    "says what is absent": (
        {"text": "elephant", "extra_body": LOCATE},
        lambda a: not read(message(a))["items"] and read(message(a))["state"] == "none",
    ),
    "finds several": (
        {"text": "red circle, elephant", "extra_body": LOCATE},
        lambda a: [one["regions"] for one in read(message(a))["targets"]] == [1, 0],
    ),
    "finds with another family": (
        {"text": "red circle", "model": KOSMOS, "extra_body": LOCATE},
        lambda a: overlap(message(a), CIRCLE) >= 0.5 and "<" not in content(a),
    ),
    "keeps special tokens on request": (
        {
            "text": "red circle",
            "model": KOSMOS,
            "extra_body": {**LOCATE, "skip_special_tokens": False},
        },
        lambda a: "<patch_index_" in content(a),
    ),
    "grounds a caption": (
        {"text": "", "model": KOSMOS, "extra_body": {"task": "grounded_caption"}},
        lambda a: (
            {"a red circle", "a blue square"}
            <= {item["phrase"] for item in read(message(a))["items"]}
        ),
    ),
    "describes a region": (
        {
            "text": "",
            "extra_body": {"vlm_demo": {"task": "describe_region", "regions": [list(SQUARE)]}},
        },
        lambda a: "blue square" in content(a).lower(),
    ),
    "takes an item of an answer as a region": (
        {
            "text": "",
            "extra_body": {
                "task": "describe_region",
                "vlm_demo": {"regions": [{"phrase": "x", "boxes_xyxy_px": [list(CIRCLE)]}]},
            },
        },
        lambda a: "red circle" in content(a).lower(),
    ),
    "reads regions of a message": (
        {"messages": [user("What is [1]?", PICTURE, regions=[list(SQUARE)])]},
        lambda a: "blue square" in content(a).lower(),
    ),
    "goes on with a conversation": (
        {
            "messages": [
                user("What is in the picture?", PICTURE),
                {"role": "assistant", "content": "A red circle and a blue square."},
                {"role": "user", "content": "What colour is the circle?"},
            ]
        },
        lambda a: "red" in content(a).lower(),
    ),
    "sees the newest picture": (
        {
            "messages": [
                user("What is in the picture?", PICTURE),
                {"role": "assistant", "content": "A red circle and a blue square."},
                user("What is in the picture?", OTHER),
            ]
        },
        lambda a: "green star" in content(a).lower(),
    ),
    "joins messages of one side": (
        {"messages": [user("", PICTURE), {"role": "user", "content": "What is in the picture?"}]},
        lambda a: "red circle" in content(a),
    ),
    "gives probabilities of its tokens": (
        {"max_tokens": 4, "logprobs": True},
        lambda a: (
            [token.logprob <= 0 for token in a.choices[0].logprobs.content] == [True] * 4
            and "".join(token.token for token in a.choices[0].logprobs.content).strip()
            == content(a)
        ),
    ),
    "takes neutral values": (
        {"n": 1, "frequency_penalty": 0, "presence_penalty": 0, "user": "me", "top_p": 1.0},
        content,
    ),
    "takes vLLM's sampling": (
        {"temperature": 0.7, "seed": 3, "extra_body": {"top_k": 5, "repetition_penalty": 1.1}},
        content,
    ),
    "answers as the model that suits the picture": (
        {"model": "automatic", "text": "What is in the picture?"},
        lambda a: read(message(a))["model"] == LLAVA and "red circle" in content(a),
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call(client: OpenAI, call: str) -> None:
    arguments, holds = CALLS[call]
    answer = ask(client, **arguments)
    assert holds(answer), answer


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (LLAVA, {"seed": 7, "temperature": 1.0}),
        (LLAVA, {"stop": [" is", " circle"]}),
        (KOSMOS, {"extra_body": {"task": "grounded_caption"}, "text": ""}),
    ],
)
def test_a_stream_is_the_whole_answer_in_pieces(
    client: OpenAI, model: str, more: dict[str, Any]
) -> None:
    whole = ask(client, model=model, **more)
    options = {"include_usage": True}
    *chunks, counted = ask(client, model=model, stream=True, stream_options=options, **more)

    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == content(whole)
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    streamed = (deltas[-1].model_extra or {})["vlm_demo"]
    assert [item["boxes_xyxy_px"] for item in streamed["items"]] == [
        item["boxes_xyxy_px"] for item in read(message(whole))["items"]
    ]
    assert counted.usage.completion_tokens == whole.usage.completion_tokens
    assert counted.usage.prompt_tokens == whole.usage.prompt_tokens


def test_an_answer_can_be_sent_back_as_it_came(client: OpenAI) -> None:
    question = user("What is in the picture?", PICTURE)
    first = message(ask(client, messages=[question])).model_dump()
    follow_up = {"role": "user", "content": "What colour is the square?"}
    assert "blue" in content(ask(client, messages=[question, first, follow_up])).lower()


def test_probabilities_come_with_the_pieces_of_a_stream(client: OpenAI) -> None:
    whole = ask(client, logprobs=True)
    chunks = ask(client, logprobs=True, stream=True)
    pieces = [chunk.choices[0].logprobs for chunk in chunks]
    tokens = [token for piece in pieces if piece for token in piece.content]
    expected = whole.choices[0].logprobs.content
    assert [token.token for token in tokens] == [token.token for token in expected]


def test_the_models_of_the_menu_are_listed(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert {LLAVA, KOSMOS} <= set(models)
    assert "grounding" in models[LLAVA].vlm_demo["tasks"]
    assert client.models.retrieve(KOSMOS).owned_by == "vlm_demo"


REFUSALS: dict[str, tuple[dict[str, Any], type[openai.APIStatusError], str]] = {
    "tools": (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        openai.BadRequestError,
        "tools",
    ),
    "two answers": ({"n": 2}, openai.BadRequestError, "send the request several times"),
    "probabilities of others": (
        {"logprobs": True, "top_logprobs": 3},
        openai.BadRequestError,
        "token that was chosen",
    ),
    "speech": (
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        openai.BadRequestError,
        "neither hear nor speak",
    ),
    "sound": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
                    ],
                }
            ]
        },
        openai.BadRequestError,
        "sound, video and files are not taken",
    ),
    "an unknown model": ({"model": "embedded-lava"}, openai.NotFoundError, "Did you mean"),
    "a model that runs nowhere": (
        {"model": next(spec.name for spec in default_menu() if not spec.runs_here)},
        openai.BadRequestError,
        "choose another model",
    ),
    "a wild temperature": ({"temperature": 9}, openai.BadRequestError, "temperature"),
    "an unknown field": (
        {"extra_body": {"best_of": 2}},
        openai.BadRequestError,
        "There is no field 'best_of'",
    ),
    "an unknown task": (
        {"extra_body": {"task": "dance"}},
        openai.BadRequestError,
        "grounding",
    ),
    "two tasks": (
        {"extra_body": {"task": "chat", "vlm_demo": {"task": "vqa"}}},
        openai.BadRequestError,
        "two different tasks",
    ),
    "two forms": (
        {"response_format": JSON_SCHEMA, "extra_body": {"guided_choice": ["a"]}},
        openai.BadRequestError,
        "only one of these",
    ),
    "a schema that is none": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "zebra"}},
            }
        },
        openai.BadRequestError,
        "schema",
    ),
    "no picture": (
        {"messages": [{"role": "user", "content": "red circle"}], "extra_body": LOCATE},
        openai.BadRequestError,
        "Add an image",
    ),
    "regions without a picture": (
        {
            "messages": [{"role": "user", "content": "What is [1]?"}],
            "extra_body": {"vlm_demo": {"regions": [[0, 0, 9, 9]]}},
        },
        openai.BadRequestError,
        "need an image",
    ),
    "an empty region": (
        {"extra_body": {"vlm_demo": {"regions": [[5, 5, 5, 9]]}}},
        openai.BadRequestError,
        "A region is a box",
    ),
    "a conversation without a question": (
        {"messages": [{"role": "assistant", "content": "Hello."}]},
        openai.BadRequestError,
        "last message",
    ),
    "no messages": ({"messages": []}, openai.BadRequestError, "messages"),
    "a text that is too long": ({"text": "x" * 9_000}, openai.BadRequestError, "over the limit"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_says_why(client: OpenAI, refusal: str) -> None:
    arguments, kind, words = REFUSALS[refusal]
    with pytest.raises(kind, match=re.escape(words)) as caught:
        ask(client, **arguments)
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(kind, match=re.escape(words)):
        ask(client, stream=True, **arguments)


@pytest.mark.parametrize("key", ["", "wrong", "firstfirst"])
def test_a_wrong_key_is_refused(api: str, key: str) -> None:
    with pytest.raises(openai.AuthenticationError, match="key") as caught:
        connect(api, key or "none").models.list()
    assert caught.value.code == "invalid_api_key"


def test_many_at_once_get_their_own_answers(client: OpenAI) -> None:
    colours = ("red", "blue", "green", "yellow") * 2
    pictures = [drawing((300, 300), (colour, "circle", (50, 50, 250, 250))) for colour in colours]

    def answer(number: int) -> str:
        messages = [user("What colour is the circle?", pictures[number])]
        return content(ask(client, messages=messages))

    with ThreadPoolExecutor(len(colours)) as threads:
        answers = list(threads.map(answer, range(len(colours))))
    assert all(colour in text for colour, text in zip(colours, answers, strict=True)), answers


@pytest.mark.parametrize("key", ["", "first"])
def test_a_vlm_demo_answers_with_the_models_of_another(
    api: str, embedded: Backend, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", key or "second")
    spec = ModelSpec(
        name="behind",
        family="llava15",
        engine="remote",
        server="openai",
        checkpoint=LLAVA,
        base_url=f"{api}/v1",
        api_key_env="OTHER_KEY",
    )
    front = Backend([spec])
    try:
        for task, text in (
            (Task.CHAT, "What is in the picture?"),
            (Task.VQA, "What colour is the circle?"),
            (Task.GROUNDING, "red circle"),
        ):
            request = Request(task, text, (PICTURE,))
            *_, direct = embedded.answer(LLAVA, request)
            *_, reply = front.answer("behind", request)
            assert (reply.text, reply.mentions) == (direct.text, direct.mentions) or (
                [mention.regions for mention in reply.mentions]
                == [mention.regions for mention in direct.mentions]
            )
    finally:
        front.close()
