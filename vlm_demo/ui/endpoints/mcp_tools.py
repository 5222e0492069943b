"""The endpoints as tools of assistants, over the Model Context Protocol.

Gradio lists them and speaks the protocol. It would write each result as Python writes it, so calls
are answered here: as structured content, as the same in JSON, and where places were found, with the
picture and its boxes.

Source: https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool-result.
"""

from __future__ import annotations

import base64
import html
import inspect
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
import gradio as gr
from mcp import types
from mcp.server.lowlevel import Server

from vlm_demo.errors import ImageError, InputError, VlmDemoError
from vlm_demo.images.data_uri import decode_data_uri, is_data_uri
from vlm_demo.images.opening import open_image, shrink_image
from vlm_demo.markup.region_json import RegionsInPixelsModel
from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.settings import Settings
from vlm_demo.ui.components.fetching import fetch_picture
from vlm_demo.ui.endpoints.payloads import Upload
from vlm_demo.ui.files.folders import find_file, make_folder
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Mention, Size

LONGEST_SIDE = 1024
"""Longest side of an annotated picture in pixels: assistants see no finer ones."""

JPEG_QUALITY = 90
"""JPEG quality of an annotated picture."""

PICTURE_FORMAT = "data URI, path of an upload, or address of an image"
"""How the listing describes what a picture may be."""

Tool = Callable[..., Any]


class ToolError(Exception):
    """Ends a call; its message is what the assistant reads."""


class ToolCalls:
    """Answers the calls of assistants."""

    def __init__(self, tools: Mapping[str, Tool], settings: Settings, max_calls: int) -> None:
        """Take the tools by name, and how many calls are answered at the same time."""
        self._tools = tools
        self._settings = settings
        self._limiter = anyio.CapacityLimiter(max_calls)

    async def answer(
        self, name: str, arguments: dict[str, Any], request: gr.Request
    ) -> types.CallToolResult:
        """Return the result of a tool that a request has called.

        Raises:
            ToolError: it cannot be called in this way, or has failed.
        """
        if name not in self._tools:
            raise ToolError(f"There is no tool {name!r}.")
        call = partial(self._call, self._tools[name], arguments, request)
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)

    def _call(
        self, tool: Tool, arguments: dict[str, Any], request: gr.Request
    ) -> types.CallToolResult:
        signature = inspect.signature(tool)
        own = {"request": request} if "request" in signature.parameters else {}
        try:
            bound = signature.bind(**{**arguments, **own}).arguments
            owner = read_owner(request)
            uploads = {
                name: self._find_file(value, owner)
                for name, value in bound.items()
                if isinstance(value, str) and _takes_file(tool, name)
            }
            files = {name: {"path": str(path)} for name, path in uploads.items()}
            result = tool(**{**bound, **files})
            pictures = list(_annotate(result, uploads.get("picture")))
        except TypeError as error:  # of `bind`: tools themselves raise only gr.Error
            raise ToolError(f"This tool cannot be called in this way: {error}.") from error
        except VlmDemoError as error:
            raise ToolError(str(error)) from error
        except gr.Error as error:
            cause = error.__cause__
            words = str(cause) if isinstance(cause, VlmDemoError) else html.unescape(error.message)
            raise ToolError(words) from error
        data = result if isinstance(result, dict) else {"result": result}
        text = types.TextContent(type="text", text=json.dumps(data, ensure_ascii=False))
        return types.CallToolResult(
            content=[text, *pictures], structuredContent=json.loads(text.text)
        )

    def _find_file(self, sent: str, owner: str) -> Path:
        """Return the file that an argument of a visitor stands for.

        Raises:
            ImageError: there is none, or it may not be fetched.
        """
        settings = self._settings
        if is_data_uri(sent):
            most = max(settings.max_upload_bytes, settings.batch_bytes)
            content = decode_data_uri(sent, max_bytes=most)
            file = make_folder(owner) / "file"
            file.write_bytes(content)
            return file
        address = urlsplit(sent)
        path = unquote(address.path.rpartition("/file=")[2]) if "/file=" in sent else sent
        if upload := find_file(path, owner):
            return upload
        if address.scheme not in ("http", "https"):
            raise ImageError("Send an image: as a data URI, or the path of an upload.")
        if not (settings.is_private() or settings.allow_addresses):
            raise ImageError("This page does not download images. Send a data URI.")
        file = make_folder(owner) / "fetched"
        fetch_picture(sent, file, max_bytes=settings.max_upload_bytes)
        return file


def answer_calls(blocks: gr.Blocks, settings: Settings, max_calls: int) -> None:
    """Take over the calls of the tools of a page that is served with `mcp_server=True`."""
    gradio_server = blocks.mcp_server_obj
    if gradio_server is None:
        raise InputError("This page has no tools.")
    by_name = {f"/{block.api_name}": block.fn for block in blocks.fns.values() if block.fn}
    tools = {name: by_name[place] for name, place in gradio_server.tool_to_endpoint.items()}
    server: Server[Any, Any] = gradio_server.mcp_server
    calls = ToolCalls(tools, settings, max_calls)

    async def answer(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        request = gr.Request(server.request_context.request)
        return await calls.answer(name, arguments, request)

    # Its decorators are how this kind of server is given its handlers; the last one counts.
    server.call_tool()(answer)
    list_as_gradio = server.request_handlers[types.ListToolsRequest]

    async def list_tools(request: types.ListToolsRequest) -> types.ServerResult:
        result: types.ServerResult = await list_as_gradio(request)
        if isinstance(result.root, types.ListToolsResult):
            for tool in result.root.tools:
                _describe_files(tool.inputSchema)
        return result

    server.request_handlers[types.ListToolsRequest] = list_tools


def _describe_files(schema: dict[str, Any]) -> None:
    for argument in schema.get("properties", {}).values():
        if str(argument.get("format", "")).startswith("Gradio File Input"):
            argument["format"] = PICTURE_FORMAT


def _takes_file(tool: Tool, name: str) -> bool:
    annotation = inspect.signature(tool).parameters[name].annotation
    return annotation in (Upload, Upload | None)


def _annotate(result: object, picture: Path | None) -> Iterator[types.ImageContent]:
    """Yield the picture with what was found on it, once for each answer with places."""
    if picture is None:
        return
    answers = result if isinstance(result, list) else [result]
    found = [list(_items(answer)) for answer in answers if isinstance(answer, dict)]
    if not any(found):
        return
    whole = open_image(picture, max_bytes=picture.stat().st_size)
    shown = shrink_image(whole, LONGEST_SIDE)
    for items in filter(None, found):
        buffer = io.BytesIO()
        mentions = [mention for item in items if (mention := _mention(item, whole.size))]
        if not mentions:
            continue
        draw_mentions(shown, mentions).save(buffer, "JPEG", quality=JPEG_QUALITY)
        data = base64.b64encode(buffer.getvalue()).decode()
        yield types.ImageContent(type="image", data=data, mimeType="image/jpeg")


def _items(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what an answer, a check or a comparison has found, each with its regions."""
    yield from answer.get("items", ())
    yield from answer.get("findings", ())
    for thing in answer.get("things", ()):
        boxes = [seen["box_xyxy_px"] for seen in thing["seen_by"]]
        yield {"phrase": thing["phrase"], "boxes_xyxy_px": boxes}


def _mention(item: Mapping[str, Any], size: Size) -> Mention | None:
    regions = RegionsInPixelsModel.model_validate(dict(item)).to_regions(size)
    return Mention(str(item["phrase"]), (0, 0), regions) if regions else None
