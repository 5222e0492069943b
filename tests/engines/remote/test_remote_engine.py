"""Models on other servers: a real one on the loopback, and one that does everything wrong."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

import openai
import psutil
import pytest
from PIL import Image
from support.chat_server import (
    DONE,
    ChatServer,
    Turn,
    breaking_off,
    chat_server,
    event,
    failing,
    falling_silent,
    hanging_up,
    listed,
    saying,
    sending,
    silent,
)
from support.drawings import drawing

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import REPOSITORY, default_menu, find, load_menu
from vlm_demo.cli import run
from vlm_demo.engines import Server, ServerKind, Serving
from vlm_demo.engines.remote.chat_request import chat_request
from vlm_demo.engines.remote.client import Timeouts
from vlm_demo.engines.remote.engine import RemoteEngine
from vlm_demo.errors import (
    AnswerTimeoutError,
    EngineError,
    LoadError,
    NoScoresError,
    QueueFullError,
    ServerError,
    TooLongError,
    UnsupportedTaskError,
    VlmDemoError,
)
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import fill_template
from vlm_demo.values import Message, Prompt, Request, Sampling, StopReason, Task, TextChunk

# What httpx reads a broken answer with may be collected while it runs; nothing is lost with it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object Response.aiter_raw"
    ":pytest.PytestUnraisableExceptionWarning"
)

MODEL = REPOSITORY / "assets/models/embedded-llava15"
KEY = "secret-key-0123456789"
QUESTION = Prompt((Message("user", "What is it?"),))
GREEDY = Sampling()
SHORT = Timeouts(list_s=1, first_s=1, between_s=1)
"""For servers that are silent on purpose."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# A real server


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `transformers serve`, a process of its own, with the embedded model."""
    from vlm_demo.bench.transformers_serve import serve_command  # which imports torch

    folder = tmp_path_factory.mktemp("serve")
    (folder / "hub").mkdir()  # without the cache of the Hub it cannot list its models
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            serve_command(MODEL, port),
            cwd=REPOSITORY,
            env=os.environ | {"HF_HOME": str(folder), "HF_HUB_OFFLINE": "1"},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None:
        try:
            direct.open(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail("transformers serve has ended before it answered")


@pytest.fixture(scope="module")
def menu(transformers_serve: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("menu") / "menu.toml"
    path.write_text(
        f"""
        [[model]]
        name = "there"
        family = "llava15"
        engine = "remote"
        server = "openai"
        checkpoint = "{MODEL}"
        base_url = "{transformers_serve}"
        """,
        "utf-8",
    )
    return path


@pytest.fixture(scope="module")
def backend(menu: Path) -> Iterator[Backend]:
    """The same model twice: on this machine, and on the server."""
    backend = Backend((find(default_menu(), "embedded-llava15"), *load_menu(menu)))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shapes() -> Image.Image:
    """A red circle at the left and a blue square at the right."""
    return drawing(
        (640, 400), ("red", "circle", (60, 120, 220, 280)), ("blue", "square", (400, 100, 580, 280))
    )


def test_several_pictures_all_reach_the_model(transformers_serve: str, shapes: Image.Image) -> None:
    with closing(
        RemoteEngine(str(MODEL), Server(base_url=transformers_serve, kind="openai"))
    ) as engine:
        lengths = []
        for count in range(3):
            before = engine.usage().prompt_tokens
            prompt = Prompt((Message("user", "What is this?", (shapes,) * count),))
            assert "".join(engine.stream(prompt, Sampling(max_new_tokens=4))).strip()
            lengths.append(engine.usage().prompt_tokens - before)
    none, one, two = lengths
    assert one - none > 50  # tokens of a picture
    assert two - one > 50


def test_a_server_that_is_not_vllm_is_recognised_by_what_it_refuses(
    transformers_serve: str,
) -> None:
    with (
        closing(RemoteEngine(str(MODEL), Server(base_url=transformers_serve))) as engine,
        pytest.raises(ServerError, match=r'error 422.*server = "openai"'),
    ):
        list(engine.stream(QUESTION, Sampling()))


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (Task.VQA, "What colour is the circle?"),
        (Task.CAPTION, ""),
        (Task.DETAILED_CAPTION, ""),
        (Task.GROUNDING, "blue square"),
        (Task.CHAT, "How many squares are there?"),
    ],
)
def test_a_server_says_what_the_model_says_here(
    backend: Backend, shapes: Image.Image, task: Task, text: str
) -> None:
    request = Request(task, text, (shapes,))
    *_, here = backend.answer("embedded-llava15", request)
    *_, there = backend.answer("there", request)
    assert there.raw.strip() == here.raw.strip()
    assert [mention.regions for mention in there.mentions] == [
        mention.regions for mention in here.mentions
    ]


def test_a_question_is_answered_in_several_chunks(backend: Backend, shapes: Image.Image) -> None:
    texts = [
        reply.text
        for reply in backend.answer("there", Request(Task.DETAILED_CAPTION, images=(shapes,)))
    ]
    assert len(set(texts)) > 2
    assert all(after.startswith(before.strip()) for before, after in pairwise(texts))
    assert "red circle" in texts[-1]
    assert "blue square" in texts[-1]


def test_a_conversation_is_sent_with_its_pictures(backend: Backend, shapes: Image.Image) -> None:
    history = (
        Message("user", "What colour is the square?", (shapes,)),
        Message("assistant", "It is blue."),
    )
    request = Request(Task.CHAT, "What colour is the circle?", history=history)
    *_, reply = backend.answer("there", request)
    assert "red" in reply.text.lower()


def test_a_bare_answer_that_is_a_choice_is_taken(backend: Backend, shapes: Image.Image) -> None:
    choices = ("green", "red", "blue")  # this server ignores schemas
    question = Request(Task.VQA, "What colour is the circle?", (shapes,), choices=choices)
    *_, reply = backend.answer("there", question)
    assert reply.text == "red"
    with pytest.raises(EngineError, match=r"did not keep to the choices.*red"):
        list(backend.answer("there", replace(question, choices=("green", "blue"))))


def test_a_stopped_answer_leaves_the_server_free(backend: Backend, shapes: Image.Image) -> None:
    request = Request(Task.DETAILED_CAPTION, images=(shapes,))
    replies = backend.answer("there", request)
    assert next(reply.text for reply in replies if reply.text)
    replies.close()
    *_, reply = backend.answer("there", Request(Task.VQA, "What colour is the square?", (shapes,)))
    assert reply.text.lower() == "blue"
    usage = backend.usage("there")
    assert usage is not None
    assert (usage.answering, usage.waiting) == (0, 0)


def test_the_command_line_asks_a_server(
    menu: Path, shapes: Image.Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shapes.save(tmp_path / "shapes.png")
    question = ("ask", str(tmp_path / "shapes.png"), "What colour is the circle?")
    status = run([*question, "--menu", str(menu), "--model", "there"])
    out, err = capfd.readouterr()
    assert (status, out.strip()) == (0, "red"), err
    assert run(["models", "--menu", str(menu)]) == 0
    assert "another server" in capfd.readouterr().out


# What is sent


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(saying(" It", " is", " a cat.")) as server:
        yield server


def connect(
    to: ChatServer, /, *, server: ServerKind = "vllm", api_key_env: str = "", **options: Any
) -> closing[RemoteEngine]:
    address = Server(base_url=to.base_url, kind=server, api_key_env=api_key_env)
    return closing(RemoteEngine("m", address, **options))


def answer(engine: RemoteEngine, prompt: Prompt = QUESTION, **sampling: Any) -> str:
    return "".join(engine.stream(prompt, Sampling(**sampling)))


def request_body(prompt: Prompt, sampling: Sampling = GREEDY, **options: Any) -> dict[str, Any]:
    """The body that a server gets for a prompt."""
    with chat_server(saying("x")) as server, connect(server, **options) as engine:
        list(engine.stream(prompt, sampling))
        (body,) = server.bodies
    return body


def test_vllm_gets_every_option_so_that_none_is_the_checkpoints() -> None:
    prompt = Prompt(
        (Message("system", "Be brief."), Message("user", "Hi")),
        keep_special_tokens=True,
        stop=("Question:",),
    )
    sampling = Sampling(
        max_new_tokens=7, temperature=0.5, top_p=0.9, top_k=40, repetition_penalty=1.1, seed=3
    )
    assert request_body(prompt, sampling) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.0,
        "repetition_penalty": 1.1,
        "seed": 3,
        "stop": ["Question:"],
        "logprobs": True,
        "skip_special_tokens": False,
    }


def test_other_servers_get_the_standard_and_nothing_else() -> None:
    prompt = replace(QUESTION, keep_special_tokens=True, chat_template="x")
    assert request_body(prompt, Sampling(top_k=5, repetition_penalty=2), server="openai") == {
        "model": "m",
        "messages": [{"role": "user", "content": "What is it?"}],
        "stream": True,
        "max_tokens": 512,
        "temperature": 0.0,
        "top_p": 1.0,
    }


@pytest.mark.parametrize(("thinking", "effort"), [(True, "medium"), (False, "none")])
def test_a_server_is_told_whether_to_reason(thinking: bool, effort: str) -> None:
    prompt = replace(QUESTION, thinking=thinking)
    template_arguments = request_body(prompt, Sampling())["chat_template_kwargs"]
    assert template_arguments == {"enable_thinking": thinking, "thinking": thinking}
    assert request_body(prompt, Sampling(), server="openai")["reasoning_effort"] == effort


def test_pictures_come_first_and_keep_every_pixel() -> None:
    pictures = (Image.effect_noise((40, 30), 80).convert("RGB"), Image.new("RGB", (3, 2), "red"))
    body = request_body(Prompt((Message("user", "Compare.", pictures),)))
    *urls, text = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "Compare."}
    for part, picture in zip(urls, pictures, strict=True):
        kind, data = part["image_url"]["url"].split(",")
        assert kind == "data:image/png;base64"
        received = Image.open(io.BytesIO(base64.b64decode(data)))
        assert received.tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("held_to", "constraint"),
    [
        ({"choices": ("red", "blue")}, {"choice": ["red", "blue", " red", " blue"]}),
        ({"pattern": r"\d+"}, {"regex": r" ?(\d+)"}),
        ({"pattern": r"^\d\$$"}, {"regex": r" ?(\d\$)"}),
        ({"schema": '{"type": "array"}'}, {"json": {"type": "array"}}),
    ],
)
def test_vllm_holds_answers_to_what_is_asked(
    held_to: dict[str, Any], constraint: dict[str, Any]
) -> None:
    assert request_body(replace(QUESTION, **held_to))["structured_outputs"] == constraint


def test_vllm_goes_on_from_a_beginning_in_the_checkpoints_own_template() -> None:
    body = request_body(replace(QUESTION, answer_prefix=" There is"))
    assert body["messages"][-1] == {"role": "assistant", "content": "There is"}
    assert (body["add_generation_prompt"], body["continue_final_message"]) == (False, True)


@pytest.mark.parametrize("beginning", ["", ' <a> "{{ b }}" \\n\n{% c %} 猫 🐈'])
@pytest.mark.parametrize("family", ["llava15", "paligemma", "blip2", "internvl"])
def test_vllm_writes_the_prompt_that_this_program_writes(family: str, beginning: str) -> None:
    template = get_family(family).chat_template
    assert template
    messages = (Message("user", "Hi", (Image.new("RGB", (2, 2)),)),)
    prompt = Prompt(messages, chat_template=template, answer_prefix=beginning)
    body = request_body(prompt)
    assert len(body["messages"]) == 1
    written = fill_template(body["chat_template"], messages)
    assert written == fill_template(template, messages) + beginning


def test_vllm_begins_a_text_with_its_first_token_once() -> None:
    """By default it leaves that token to the template; most families' templates do not write it."""
    for template in ("{{ bos_token }}Hi", "<s>[INST] Hi"):
        body = request_body(replace(QUESTION, chat_template=template))
        assert body["add_special_tokens"] is False
    for family in ("llava15", "paligemma", "internvl"):
        body = request_body(replace(QUESTION, chat_template=get_family(family).chat_template))
        assert body["add_special_tokens"] is True
    assert "add_special_tokens" not in request_body(QUESTION)  # the checkpoint's own template


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", StopReason.FINISHED),
        ("length", StopReason.LENGTH),
        ("content_filter", StopReason.FILTERED),
        ("tool_calls", StopReason.FINISHED),
    ],
)
def test_the_server_says_why_an_answer_ended(reason: str, stop: StopReason) -> None:
    turn = sending(event("A lion, an"), event(finish=reason), DONE)
    with chat_server(turn) as server, connect(server) as engine:
        *earlier, last = engine.stream(QUESTION, GREEDY)
    assert last.stop is stop
    assert {chunk.stop for chunk in earlier} == {None}


def test_a_standard_server_is_held_to_choices_by_a_schema() -> None:
    turns = (saying('{"ans', 'wer": "blue"}'), saying('{"answer": "green"}'))
    prompt = replace(QUESTION, choices=("red", "blue"))
    with chat_server(*turns) as server, connect(server, server="openai") as engine:
        assert answer(engine, prompt) == "blue"
        with pytest.raises(EngineError, match="did not keep to the choices"):
            answer(engine, prompt)
    described = server.bodies[0]["response_format"]["json_schema"]
    assert described["strict"] is True
    assert described["schema"]["properties"] == {
        "answer": {"type": "string", "enum": ["red", "blue"]}
    }


def test_a_standard_server_is_held_to_a_schema() -> None:
    body = request_body(replace(QUESTION, schema='{"type": "object"}'), server="openai")
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"pattern": "a+"}, "cannot constrain an answer to a pattern"),
        ({"answer_prefix": " There"}, "cannot continue a given beginning"),
    ],
)
def test_what_the_standard_cannot_say_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        chat_request(replace(QUESTION, **asked), Sampling(), "openai")


def test_the_key_goes_to_the_server_and_into_no_message(
    monkeypatch: pytest.MonkeyPatch, server: ChatServer
) -> None:
    monkeypatch.setenv("VLLM_KEY", f" {KEY}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "another-secret")
    with connect(server, api_key_env="VLLM_KEY") as engine:
        answer(engine)
        server.turns = [failing(400, {"error": {"message": f"Bad request with {KEY}."}})]
        with pytest.raises(ServerError, match=r"Bad request with …") as caught:
            answer(engine)
        server.turns = [failing(401, {"error": {"message": f"Wrong key: {KEY[:8]}"}})]
        with pytest.raises(ServerError, match="rejects the key in the environment variable VLLM_K"):
            answer(engine)
        assert KEY not in repr(engine._client.failures)
    assert KEY not in str(caught.value)
    with connect(server) as engine, pytest.raises(ServerError, match=r"needs a key.*api_key_env"):
        answer(engine)
    assert server.keys == [f"Bearer {KEY}"] * 3 + ["Bearer none"]


@pytest.mark.parametrize("held", [None, " ", "två\u0000"])
def test_a_key_that_is_none_is_refused(held: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_KEY", raising=False)
    if held:
        monkeypatch.setitem(os.environ, "VLLM_KEY", held.replace("\u0000", "\u0001"))
    with pytest.raises(LoadError, match="environment variable VLLM_KEY"):
        RemoteEngine.connect("m", Server(base_url="http://127.0.0.1:1/v1", api_key_env="VLLM_KEY"))


# What comes back


def test_chunks_carry_the_probabilities_of_their_tokens(server: ChatServer) -> None:
    def scored(*values: float) -> dict[str, Any]:
        return {"content": [{"token": "t", "logprob": v, "top_logprobs": []} for v in values]}

    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    server.turns = [
        sending(
            event("", role="assistant"),
            event("a cat", logprobs=scored(-0.5, -0.25)),
            event(".", logprobs=scored(-1.0), finish="length"),
            event(usage=usage | {"prompt_tokens_details": {"cached_tokens": 4}}),
            DONE,
        )
    ]
    with connect(server) as engine:
        pieces = [piece for piece in engine.stream(QUESTION, Sampling()) if piece]
        counted = engine.usage()
    assert [(piece, piece.logprobs) for piece in pieces] == [("a cat", (-0.5, -0.25)), (".", (-1,))]
    assert (counted.requests, counted.tokens) == (1, 3)
    assert (counted.prompt_tokens, counted.reused_tokens) == (9, 4)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_separate_reasoning_is_read_as_reasoning(server: ChatServer, field: str) -> None:
    server.turns = [
        sending(
            event(**{field: "It has"}),
            event(**{field: " fur."}),
            event("A cat."),
            event("", finish="stop"),
        )
    ]
    with connect(server) as engine:
        raw = answer(engine)
    reply = get_family("glm4v").reply(raw, QUESTION)
    assert (reply.reasoning, reply.text) == ("It has fur.", "A cat.")


def test_an_answer_that_comes_byte_by_byte_is_whole(server: ChatServer) -> None:
    stream = event("猫 is") + event(" 🐈.", finish="stop") + DONE
    server.turns = [sending(*(stream[at : at + 1] for at in range(len(stream))))]
    with connect(server) as engine:
        assert answer(engine) == "猫 is 🐈."


# Faults


def failure(
    *turns: Turn, kind: type[VlmDemoError], words: str, beginning: str = "", **options: Any
) -> ChatServer:
    """Check that an answer fails in the expected way, after the text that came before."""
    with chat_server(*turns) as server, connect(server, **options) as engine:
        text = ""
        with pytest.raises(kind, match=words):
            for piece in engine.stream(QUESTION, Sampling()):
                text += piece
        assert text == beginning
        assert engine.usage().answering == 0
        server.turns = [saying("Still there.")]
        assert answer(engine) == "Still there."
        server.bodies.pop()
    return server


TOO_LONG = "This model's maximum context length is 2048 tokens. However, your request has 9000."


@pytest.mark.parametrize(
    ("turn", "kind", "words"),
    [
        (failing(500, {"error": {"message": "CUDA error"}}), ServerError, "error 500.*CUDA error"),
        (failing(502, "<html>Bad gateway</html>"), ServerError, r"error 502\.$"),
        (failing(500, "not JSON"), ServerError, "error 500.*not JSON"),
        (failing(403, {}), ServerError, "needs a key"),
        (failing(422, {"detail": [{"msg": "no field x"}]}), ServerError, "error 422.*no field x"),
        (failing(400, {"error": {"message": "top_k?"}}), ServerError, 'server = "openai"'),
        (failing(400, {"error": {"message": TOO_LONG}}), TooLongError, "Shorten.*2048 tokens"),
        (
            failing(
                400, {"error": {"code": "context_length_exceeded", "message": "context length"}}
            ),
            TooLongError,
            "more than m can take",
        ),
        (failing(400, {"error": {"message": "x" * 9999}}), ServerError, "x{300}$"),
        (failing(503, "", {"Retry-After": "3600"}), ServerError, "busy or not ready"),
        (
            failing(400, {"error": {"message": "image_url is only supported by certain models."}}),
            UnsupportedTaskError,
            "m accepts no images",
        ),
        (failing(413, "<html>Too large</html>"), ServerError, "a smaller image"),
        (failing(307, "", {"Location": "http://x.invalid"}), ServerError, "are not followed"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_repeated(
    turn: Turn, kind: type[VlmDemoError], words: str
) -> None:
    assert len(failure(turn, kind=kind, words=words).bodies) == 1


def test_a_missing_model_is_reported_with_those_that_are_there() -> None:
    server = failure(
        failing(404, {"error": {"message": "The model `m` does not exist."}}),
        kind=ServerError,
        words="has no model with this name. Its models are: m. Correct checkpoint",
    )
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "fault",
    [
        failing(429, {"error": "busy"}, {"Retry-After": "0"}),
        failing(503, "", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        hanging_up,
    ],
)
def test_what_is_safe_is_asked_again(fault: Turn) -> None:
    with chat_server(fault, saying("Now.")) as server, connect(server) as engine:
        assert answer(engine) == "Now."
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1]


def test_a_server_that_stays_busy_is_given_up() -> None:
    server = failure(
        *[failing(429, {"message": "Slow down."}, {"Retry-After": "0"})] * 9,
        kind=ServerError,
        words="is busy or not ready.*Slow down",
    )
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    "turn",
    [
        breaking_off(event(" It"), event(" is")),
        sending(event(" It"), event(" is")),
    ],
)
def test_half_an_answer_stays_and_is_not_asked_for_again(turn: Turn) -> None:
    server = failure(turn, kind=ServerError, words="stopped in the middle", beginning=" It is")
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "junk",
    [
        b"data: {not json}\n\n",
        b"data: \xff\xfe\n\n",
        b"data: 42\n\n",
        b'data: {"choices": "x"}\n\n',
        b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
        b'data: {"choices": [{"delta": null}]}\n\n',
        b"data: []\n\n",
    ],
)
def test_junk_in_the_middle_is_an_error_and_not_a_crash(junk: bytes) -> None:
    failure(
        sending(event(" It"), junk, event(" is", finish="stop")),
        kind=ServerError,
        words="sent something.* that cannot be read",
        beginning=" It",
    )


def test_an_error_holds_no_stream_that_another_thread_would_end() -> None:
    junk = b"data: {broken\n\n"
    with (
        chat_server(sending(event(" It"), junk)) as server,
        connect(server) as engine,
        pytest.raises(ServerError) as failed,
    ):
        list(engine.stream(QUESTION, Sampling()))
    causes: list[BaseException] = [failed.value]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    assert len(causes) > 1
    here = sys._getframe()
    held = [
        value
        for error in causes
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame is not here
        for value in frame.f_locals.values()
    ]
    open_ones = [one for one in held if isinstance(one, AsyncGeneratorType) and one.ag_frame]
    assert not open_ones + [one for one in held if isinstance(one, openai.AsyncStream)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>Welcome</html>", "sent a web page that cannot be read"),
        ({"object": "nothing"}, "sent something that is not an answer"),
        ([1], "sent something that is not a message"),
    ],
)
def test_an_answer_that_is_no_answer_is_an_error(body: object, words: str) -> None:
    failure(failing(200, body), kind=ServerError, words=words)


@pytest.mark.parametrize("error", ["CUDA error", {"message": "CUDA error", "code": 500}])
def test_an_error_in_the_stream_is_reported(error: object) -> None:
    told = f"data: {json.dumps({'error': error})}\n\n".encode()
    failure(sending(event("A"), told), kind=ServerError, words="failed.*CUDA error", beginning="A")


@pytest.mark.parametrize(
    ("turn", "beginning"),
    [(silent, ""), (falling_silent(), ""), (falling_silent(event(" It")), " It")],
)
def test_silence_ends(turn: Turn, beginning: str) -> None:
    server = failure(
        turn,
        kind=AnswerTimeoutError,
        words="not responded for 1 seconds",
        beginning=beginning,
        timeouts=SHORT,
    )
    assert server.gone.wait(10)


def test_an_error_that_is_never_complete_ends() -> None:
    def half_an_error(handler: Any) -> None:
        handler.send_response(500)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.wait()

    failure(half_an_error, kind=AnswerTimeoutError, words="not responded", timeouts=SHORT)


def test_an_answer_has_a_time_limit_although_it_goes_on() -> None:
    def endless(handler: Any) -> None:
        handler.begin()
        while not handler.server.released.wait(0.01):
            handler.send(event("x"))

    limited = Serving(timeout_s=1)
    with chat_server(endless) as server, connect(server, serving=limited) as engine:
        text = ""
        with pytest.raises(AnswerTimeoutError, match="longer than 1 seconds"):
            for piece in engine.stream(QUESTION, Sampling()):
                text += piece
        assert set(text) == {"x"}
        assert engine.usage().answering == 0


@pytest.fixture
def nobody() -> str:
    """An address where no server is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_a_server_that_is_gone_is_reported(nobody: str) -> None:
    with (
        closing(RemoteEngine("m", Server(base_url=nobody))) as engine,
        pytest.raises(ServerError, match=r"cannot be reached.*base_url"),
    ):
        answer(engine)


# Opening


def loops() -> set[threading.Thread]:
    """The threads of engines that are open."""
    return {thread for thread in threading.enumerate() if thread.name == "event loop"}


def test_progress_is_reported_and_the_model_is_found(server: ChatServer) -> None:
    stages: list[str] = []
    with closing(
        RemoteEngine.connect(
            "m",
            Server(base_url=server.base_url),
            on_progress=lambda progress: stages.append(progress.stage),
        )
    ) as engine:
        assert answer(engine) == " It is a cat."
    assert stages == ["connecting"]


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (listed("a/b", "c"), "no model with this name. Its models are: a/b, c"),
        (listed(), "no model with this name. Correct"),
        (failing(401, {}), "needs a key"),
        (failing(404, {}), "usually ends in /v1"),
        (failing(503, {"error": "Loading the model"}), "not ready.*Loading the model"),
        (failing(200, "<html>hello</html>"), "cannot be read"),
        (failing(200, [1, 2]), "cannot be read"),
        (silent, "not responded for 1 seconds"),
        (hanging_up, "cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_used_is_found_out_first(
    server: ChatServer, listing: Turn, words: str
) -> None:
    server.listing = listing
    before = loops()
    with pytest.raises(LoadError, match=words):
        RemoteEngine.connect(
            "m",
            Server(base_url=server.base_url),
            timeouts=SHORT if listing is silent else Timeouts(),
        )
    assert loops() == before


def test_other_servers_need_not_list_their_model(server: ChatServer) -> None:
    server.listing = listed("something else")
    RemoteEngine.connect("m", Server(base_url=server.base_url, kind="openai")).close()


def test_no_server_at_all(nobody: str) -> None:
    with pytest.raises(LoadError, match=r"cannot be reached\. Start it"):
        RemoteEngine.connect("m", Server(base_url=nobody))


# The queue, stopping, and what is left behind


def begin(engine: RemoteEngine) -> tuple[Iterator[TextChunk], TextChunk]:
    """A request, and the first that it yields."""
    pieces = engine.stream(QUESTION, Sampling())
    return pieces, next(pieces)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in other threads; pytest's own time limit ends a vain wait."""
    while not condition():
        time.sleep(0.01)


def test_requests_wait_in_order_and_too_many_are_refused() -> None:
    with (
        chat_server(falling_silent(event("A"))) as server,
        connect(server, serving=Serving(batch=1, waiting=2)) as engine,
    ):
        first, _ = begin(engine)
        second, piece = begin(engine)
        assert (piece, piece.queue_position) == ("", 1)
        third, piece = begin(engine)
        assert piece.queue_position == 2
        assert (engine.usage().answering, engine.usage().waiting) == (1, 2)
        with pytest.raises(QueueFullError, match="1 answers are being written and 2 requests are"):
            begin(engine)

        second.close()  # somebody who waits goes: the one behind moves up
        wait_until(lambda: next(third).queue_position == 1)
        first.close()  # the one that is answered goes: it is the next one's turn
        wait_until(lambda: next(third) == "A")
        wait_until(lambda: len(server.bodies) == 2)
        third.close()
        assert (engine.usage().answering, engine.usage().waiting) == (0, 0)


def test_waiting_has_a_time_limit() -> None:
    with (
        chat_server(falling_silent(event("A"))) as server,
        connect(server, serving=Serving(batch=1, waiting=1, timeout_s=1)) as engine,
    ):
        first, _ = begin(engine)
        with pytest.raises(AnswerTimeoutError, match="longer than 1 seconds"):
            list(engine.stream(QUESTION, Sampling()))
        first.close()


def test_a_stop_is_heard_by_a_silent_server() -> None:
    with chat_server(silent) as server, connect(server) as engine:
        pieces, piece = begin(engine)  # a sign of life, though nothing has come
        assert piece == ""
        pieces.close()
        assert server.gone.wait(10)


def test_unloading_ends_answers_that_run_and_wait() -> None:
    with chat_server(falling_silent(event("A"))) as server:
        engine = RemoteEngine("m", Server(base_url=server.base_url), serving=Serving(batch=1))
        first, _ = begin(engine)
        second, _ = begin(engine)
        engine.close()
        for pieces in (first, second):
            with pytest.raises(EngineError, match="unloaded"):
                list(pieces)
        assert server.gone.wait(10)
        with pytest.raises(EngineError, match="unloaded"):
            answer(engine)
        engine.close()


def test_nothing_is_left_of_fifty_stopped_requests() -> None:
    engines = loops()
    with chat_server(falling_silent(event("A"))) as server:
        with connect(server, serving=Serving(batch=4, waiting=60)) as engine:
            own = psutil.Process()

            def left() -> tuple[int, int]:
                """Threads of this process that are not the server's, and its open files."""
                serving = [t for t in threading.enumerate() if "process_request" in t.name]
                return threading.active_count() - len(serving), own.num_fds()

            answered, _ = begin(engine)
            answered.close()
            wait_until(lambda: not any("process_request" in t.name for t in threading.enumerate()))
            before = left()
            for _ in range(5):
                requests = [engine.stream(QUESTION, Sampling()) for _ in range(10)]
                for request in requests:
                    next(request)
                for request in requests:
                    request.close()
            wait_until(lambda: left() <= before)
            assert (engine.usage().answering, engine.usage().waiting) == (0, 0)
            server.turns = [saying("Still there.")]
            assert answer(engine) == "Still there."
        assert loops() == engines


def test_eight_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(8)

    def all_at_once(handler: Any) -> None:
        together.wait(30)
        saying("Yes.")(handler)

    with chat_server(all_at_once) as server, connect(server) as engine:
        answers: list[str] = []
        threads = [
            threading.Thread(target=lambda: answers.append(answer(engine))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == ["Yes."] * 8


def test_what_a_server_does_not_tell_is_said(server: ChatServer) -> None:
    with connect(server) as engine:
        with pytest.raises(NoScoresError, match="no probabilities for the choices"):
            engine.score(QUESTION, ("a", "b"))
        with pytest.raises(EngineError, match="does not show the exact prompt"):
            engine.inspect(QUESTION)
    assert server.bodies == []
