"""A chat as Gradio's guide has it and nothing else: how much time Gradio itself takes.

Run by the benchmark: `python -m vlm_demo.bench.bare_chat SERVER MODEL PORT`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import openai

UPDATE_S = 0.05
"""Seconds between two updates of the answer, as on our page."""


def main(server: str, model: str, port: str) -> None:
    """Serve the page until the process is ended."""
    client = openai.OpenAI(base_url=server, api_key="none")

    def answer(message: dict[str, Any], history: list[Any]) -> Iterator[list[Any]]:
        turns = [*history, {"role": "user", "content": message["text"]}]
        chunks = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": message["text"]}], stream=True
        )
        text, due = "", 0.0
        for chunk in chunks:
            text += chunk.choices[0].delta.content or ""
            if text and time.monotonic() >= due:
                yield [*turns, {"role": "assistant", "content": text}]
                due = time.monotonic() + UPDATE_S
        yield [*turns, {"role": "assistant", "content": text}]

    with gr.Blocks() as page:
        chat = gr.Chatbot(elem_id="chat")
        box = gr.MultimodalTextbox(elem_id="chat-box")
        box.submit(answer, [box, chat], chat, show_progress="hidden")
    page.launch(server_port=int(port), quiet=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: python -m vlm_demo.bench.bare_chat SERVER MODEL PORT")
    main(*sys.argv[1:])
