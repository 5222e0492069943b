"""A server whose model writes given tokens at an even rate."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

MODEL = "paced"


@dataclass(slots=True)
class StreamedAnswer:
    """One answer; times are seconds since the epoch, as in the browser."""

    asked_at: float
    tokens: Sequence[str]
    sent_at: list[float] = field(default_factory=list)  # of each token

    @property
    def text(self) -> str:
        """The text that was sent."""
        return "".join(self.tokens[: len(self.sent_at)])


class ScriptedServer(ThreadingHTTPServer):
    """Implements as much of OpenAI's chat completions as a streaming client needs.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    daemon_threads = True

    def __init__(self, tokens: Sequence[str], per_second: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = tokens  # of each answer
        self.pause_s = 1 / per_second
        self.answers: list[StreamedAnswer] = []

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def serve_script(tokens: Sequence[str], per_second: float) -> Iterator[ScriptedServer]:
    """Serve while the block runs."""
    with ScriptedServer(tokens, per_second) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = StreamedAnswer(time.time(), self.server.tokens)
        self.server.answers.append(answer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        due = time.monotonic()
        for token in self.server.tokens:
            due += self.server.pause_s
            time.sleep(max(0.0, due - time.monotonic()))
            answer.sent_at.append(time.time())
            self._send({"role": "assistant", "content": token}, None)
        self._send({}, "length")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _send(self, delta: dict[str, str], finish_reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
        self.wfile.write(f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def number_tokens(count: int) -> tuple[str, ...]:
    """Return words that all differ, one token each."""
    return tuple(f" w{index}" for index in range(count))


def box_tokens(count: int) -> tuple[str, ...]:
    """Return boxes with names as LLaVA-1.5 writes them, in tokens as long as its own."""
    columns = 10
    text = ", ".join(
        f"thing {index} [{x:.2f}, {y:.2f}, {x + 0.08:.2f}, {y + 0.08:.2f}]"
        for index in range(count)
        for x, y in [(index % columns / columns, 0.15 + index // columns % 7 / columns)]
    )
    return tuple(re.findall(r" ?[a-z]+|[0-9]|[^a-z0-9]", text))
