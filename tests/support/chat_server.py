"""A server of OpenAI's chat completions that does what a test wants, faults included."""

from __future__ import annotations

import json
import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Turn = Callable[["_Handler"], None]
"""What becomes of one request."""


class ChatServer(ThreadingHTTPServer):
    """Has one model, "m", and takes its turns one a request; the last one is repeated."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.turns: list[Turn] = []
        self.bodies: list[dict[str, Any]] = []  # of chat completions, in the order received
        self.keys: list[str] = []
        self.listing: Turn = listed("m")
        self.gone = Event()  # a client has closed its connection while it waited
        self.released = Event()  # silent turns end

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that leave."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            failing(404, {"detail": "Not Found"})(self)
            return
        self.server.listing(self)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.keys.append(self.headers["Authorization"])
        turns = self.server.turns
        turn = turns.pop(0) if len(turns) > 1 else turns[0]
        turn(self)

    def log_message(self, *_: Any) -> None:
        pass

    def begin(self, content_type: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    def wait(self) -> None:
        """Say nothing until the client leaves or the test is over."""
        while not self.server.released.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and not self.connection.recv(1):
                self.server.gone.set()
                break
        self.break_off()


@contextmanager
def chat_server(*turns: Turn) -> Iterator[ChatServer]:
    """Serve on the loopback."""
    server = ChatServer()
    server.turns = list(turns)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def event(text: str | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One server-sent event; `fields` go into the delta, except for `logprobs` and `usage`."""
    choice = {"index": 0, "finish_reason": finish, "logprobs": fields.pop("logprobs", None)}
    usage = fields.pop("usage", None)
    delta = ({"content": text} if text is not None else {}) | fields
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [] if usage else [choice | {"delta": delta}],
        "usage": usage,
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def saying(*texts: str) -> Turn:
    """Answer in pieces, as servers do."""
    return sending(*map(event, texts), event(finish="stop"), DONE)


def speaking_whole(content: object, finish: str | None = "stop", **fields: Any) -> Turn:
    """Answer as a server that does not stream; `fields` go into the message."""
    message = {"role": "assistant", "content": content} | fields
    return failing(200, {"choices": [{"index": 0, "message": message, "finish_reason": finish}]})


def sending(*parts: bytes) -> Turn:
    """Send these bytes, part by part, as the whole answer."""

    def turn(handler: _Handler) -> None:
        handler.begin()
        for part in parts:
            handler.send(part)
        handler.end()

    return turn


def breaking_off(*parts: bytes) -> Turn:
    """Lose the connection after these bytes."""

    def turn(handler: _Handler) -> None:
        handler.begin()
        for part in parts:
            handler.send(part)
        handler.break_off()

    return turn


def hanging_up(handler: _Handler) -> None:
    """Close the connection without a word."""
    handler.break_off()


def silent(handler: _Handler) -> None:
    """Take the request and say nothing."""
    handler.wait()


def falling_silent(*parts: bytes) -> Turn:
    """Send these bytes, then nothing, with the connection open."""

    def turn(handler: _Handler) -> None:
        handler.begin()
        for part in parts:
            handler.send(part)
        handler.wait()

    return turn


def failing(status: int, body: object, headers: Mapping[str, str] = {}) -> Turn:
    """Answer with an error, or with anything that is no stream; text is sent as it is."""

    def turn(handler: _Handler) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json"
        for name, value in {"Content-Type": kind, **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return turn


def listed(*names: str, **fields: Any) -> Turn:
    """The answer to a request for the models, each with these fields."""
    model = {"object": "model", "created": 0, "owned_by": ""} | fields
    data = [{"id": name} | model for name in names]
    return failing(200, {"object": "list", "data": data})


def needing_key(key: str, turn: Turn) -> Turn:
    """Refuse a request that comes without this key."""
    refusal = failing(401, {"error": {"message": "Incorrect API key provided."}})

    def check(handler: _Handler) -> None:
        has_key = handler.headers["Authorization"] == f"Bearer {key}"
        (turn if has_key else refusal)(handler)

    return check


def dripping(handler: _Handler) -> None:
    """Send a header, byte by byte, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.released.wait(0.02):
        handler.wfile.write(b"x")


def endless(content_type: str) -> Turn:
    """Send more than anybody can use."""

    def turn(handler: _Handler) -> None:
        handler.begin(content_type)
        while not handler.server.released.is_set():
            handler.send(b" " * 1_000_000)

    return turn
