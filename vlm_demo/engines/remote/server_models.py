"""Which models a server offers, found out from an address as people type it.

Source of the list: https://platform.openai.com/docs/api-reference/models/list. What servers add to
it is documented at https://docs.mistral.ai/api/#tag/models (`capabilities.vision`),
https://openrouter.ai/docs/api-reference/list-available-models (`architecture`),
https://lmstudio.ai/docs/developer/rest/endpoints (`type`) and
https://github.com/ggml-org/llama.cpp/tree/master/tools/server (`models[].capabilities`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import httpx2

from vlm_demo.engines.remote.addresses import base_urls
from vlm_demo.engines.server_listing import ServerListing, ServerModel
from vlm_demo.errors import InputError, ServerError
from vlm_demo.translatable_text import TranslatableText

LOCAL_SERVERS: Mapping[str, int] = {
    "Ollama": 11434,
    "LM Studio": 1234,
    "llama.cpp": 8080,
    "vLLM": 8000,
    "SGLang": 30000,
}
"""Usual ports of servers, by their names.

Sources: https://docs.ollama.com/faq, https://lmstudio.ai/docs/developer/core/server,
https://github.com/ggml-org/llama.cpp/tree/master/tools/server,
https://docs.vllm.ai/en/latest/cli/serve/ and https://docs.sglang.io/.
"""

MAX_LIST_BYTES = 8 << 20
"""Largest list of models that is read."""

MAX_MODELS = 1_000
"""Most models of a list that are taken."""

MAX_NAME_CHARACTERS = 300
"""Longest name of a model that is taken."""

LIST_TIMEOUT_S = 15.0
"""Seconds in which a server must have sent its whole list."""

LOCAL_TIMEOUT_S = 3.0
"""The same, for servers that are looked for on this computer."""

_Result = TypeVar("_Result")


def list_server_models(
    address: str, api_key: str = "", *, timeout_s: float = LIST_TIMEOUT_S
) -> ServerListing:
    """Ask a server for its models.

    Args:
        address: as people write it, with or without a scheme and /v1.
        api_key: is sent to this address and nowhere else; "": none.
        timeout_s: seconds in which the server must have answered.

    Raises:
        InputError: this is no address of a server, or no key.
        ServerError: it cannot be reached, needs a key, has no models, or is no such server; the
            message says what to do, and holds no key.
    """
    bases, api_key = base_urls(address), api_key.strip()
    if not (api_key.isascii() and api_key.isprintable()):
        raise InputError("This cannot be a key: keys consist of letters, digits and symbols.")
    return _run(_list_first(bases, api_key, timeout_s))


def find_local_servers(
    ports: Mapping[str, int] = LOCAL_SERVERS, *, timeout_s: float = LOCAL_TIMEOUT_S
) -> tuple[ServerListing, ...]:
    """Return the servers that answer on this computer, at their usual ports.

    Raises:
        ServerError: there is none, or they need keys; the message says so.
    """
    return _run(_find_local(ports, timeout_s))


def _run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run some work in an event loop of its own, in whatever thread this is."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


class _NoListError(Exception):
    """There is no list of models at an address.

    Args:
        template: what is there instead, with {who} for the server.
        weight: how much this says; of several addresses, the most telling error is shown.
        values: what fills other blanks.
    """

    def __init__(self, template: str, weight: int, **values: object) -> None:
        super().__init__(template)
        self.template = template
        self.weight = weight
        self.values = values


async def _list_first(bases: Sequence[str], api_key: str, timeout_s: float) -> ServerListing:
    """Return the first list that is found.

    Raises:
        ServerError: there is none.
    """
    problems: list[tuple[str, _NoListError]] = []
    async with _client(api_key, is_local=False) as client:
        for base in bases:
            try:
                return await _list(client, base, timeout_s)
            except _NoListError as error:
                problems.append((base, error))
                if error.weight >= _DECISIVE:
                    break
    base, problem = max(problems, key=lambda entry: entry[1].weight)
    who = TranslatableText("The server at {address}", {"address": base})
    raise ServerError(problem.template, who=who, **problem.values) from problem


async def _find_local(ports: Mapping[str, int], timeout_s: float) -> tuple[ServerListing, ...]:
    closed: list[str] = []  # they need a key

    async def look(title: str, port: int) -> ServerListing | None:
        try:
            base = f"http://127.0.0.1:{port}/v1"
            listing = await _list(client, base, timeout_s)
        except _NoListError as error:
            if error.weight > _DECISIVE:
                closed.append(f"{title} ({port})")
            return None
        return ServerListing(listing.base_url, listing.kind, listing.models, title)

    async with _client("", is_local=True) as client:
        found = await asyncio.gather(*(look(title, port) for title, port in ports.items()))
    listings = tuple(listing for listing in found if listing is not None)
    if closed and not listings:
        raise ServerError(
            "These servers on this computer need a key: {closed}. Enter the address and the key.",
            closed=", ".join(closed),
        )
    if not listings:
        tried = ", ".join(f"{title} ({port})" for title, port in ports.items())
        raise ServerError(
            "No server answered on this computer at the usual ports: {tried}. Start one, or "
            "enter its address.",
            tried=tried,
        )
    return listings


def _client(api_key: str, *, is_local: bool) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    # Redirections are not followed: they would take the key to an address that nobody has chosen.
    return httpx2.AsyncClient(
        headers=headers, follow_redirects=False, timeout=None, trust_env=not is_local
    )


_DECISIVE = 3
"""Weight of an error after which no other address is tried."""


async def _list(client: httpx2.AsyncClient, base: str, timeout_s: float) -> ServerListing:
    """Ask for the models at one address.

    Raises:
        _NoListError: there are none.
    """
    try:
        async with asyncio.timeout(timeout_s):
            status, content = await _get(client, f"{base}/models")
    except TimeoutError as error:
        raise _NoListError(
            "{who} has not answered within {seconds} seconds. Try again later.",
            _DECISIVE,
            seconds=f"{timeout_s:g}",
        ) from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise _NoListError("{who} has an address that cannot be used. Correct it.", 3) from (error)
    except httpx2.RequestError as error:
        raise _NoListError(
            "{who} cannot be reached. Check the address, and that it runs.", _DECISIVE
        ) from error
    _check_status(status)
    return _read_listing(base, content)


async def _get(client: httpx2.AsyncClient, url: str) -> tuple[int, bytes]:
    """Return the status and the body, of which no more is read than may be needed."""
    content = b""
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            return response.status_code, b""
        async for part in response.aiter_bytes():
            content += part
            if len(content) > MAX_LIST_BYTES:
                raise _NoListError("{who} sent a list of models that is too long to be read.", 3)
    return response.status_code, content


def _check_status(status: int) -> None:
    """Say what a status other than success means.

    Raises:
        _NoListError: it is another one.
    """
    if status == 200:
        return
    if status in (401, 403):
        raise _NoListError("{who} needs a key, or rejects this one. Enter its key.", 4)
    if 300 <= status < 400:
        raise _NoListError(
            "{who} redirects to another address, and redirects are not followed. Enter that "
            "address.",
            2,
        )
    if status in (404, 405):
        raise _NoListError(
            "{who} has no list of models: it may be something else. Enter the address of an "
            "OpenAI-compatible server, which usually ends in /v1.",
            1,
        )
    raise _NoListError("{who} answered with error {status}. Try again later.", 2, status=status)


def _read_listing(base: str, content: bytes) -> ServerListing:
    """Read a list of models.

    Raises:
        _NoListError: it is none, or empty.
    """
    if content.lstrip()[:1] == b"<":
        raise _NoListError(
            "{who} is a web page, not an OpenAI-compatible server. Enter the address of such a "
            "server.",
            2,
        )
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    data = answer.get("data") if isinstance(answer, dict) else None
    if data is None and isinstance(answer, dict) and answer.get("object") == "list":
        data = []  # what Ollama sends for null
    if not isinstance(data, list):
        raise _NoListError(
            "{who} sent no list of models. Enter the address of an OpenAI-compatible server.",
            2,
        )
    entries = [entry for entry in data if isinstance(entry, dict)][:MAX_MODELS]
    models = {name: _read_model(name, entry, answer) for entry in entries if (name := _name(entry))}
    if not models:
        raise _NoListError("{who} has no models. Load one there, and try again.", _DECISIVE)
    is_vllm = any(entry.get("owned_by") == "vllm" for entry in entries)
    return ServerListing(base, "vllm" if is_vllm else "openai", tuple(models.values()))


def _name(entry: Mapping[str, Any]) -> str:
    name = entry.get("id")
    is_usable = isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME_CHARACTERS
    return str(name) if is_usable else ""


def _read_model(name: str, entry: Mapping[str, Any], answer: Mapping[str, Any]) -> ServerModel:
    """Read what a server says of one model. Each says in its own way whether it sees pictures."""
    capabilities = entry.get("capabilities")
    architecture = entry.get("architecture")
    modalities = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    sees: bool | None = None
    if isinstance(capabilities, dict) and isinstance(capabilities.get("vision"), bool):
        sees = capabilities["vision"]
    elif isinstance(modalities, list):
        sees = "image" in modalities
    elif entry.get("type") in ("vlm", "llm", "embeddings"):
        sees = entry["type"] == "vlm"
    else:
        sees = _sees_by_llama_cpp(name, answer.get("models"))
    return ServerModel(name, sees)


def _sees_by_llama_cpp(name: str, models: object) -> bool | None:
    """Return whether llama.cpp lists a model as multimodal; None: it does not list it."""
    for model in models if isinstance(models, list) else ():
        if isinstance(model, dict) and name in (model.get("name"), model.get("model")):
            capabilities = model.get("capabilities")
            return "multimodal" in capabilities if isinstance(capabilities, list) else None
    return None
