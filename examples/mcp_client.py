"""List the tools that a running page offers to assistants, and call one.

Start the page first (`python app.py --mcp`), then run `python examples/mcp_client.py`.
"""

import argparse
import asyncio
import base64
from pathlib import Path

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

ANIMALS = Path(__file__).parents[1] / "assets" / "examples" / "animals.png"


async def main(page: str, picture: Path, words: str) -> None:
    """Locate `words` in a picture through the tool `locate`."""
    data = base64.b64encode(picture.read_bytes()).decode()
    async with (
        streamable_http_client(f"{page}/gradio_api/mcp/") as (incoming, outgoing, _),
        ClientSession(incoming, outgoing) as session,
    ):
        await session.initialize()
        print("tools:", *(tool.name for tool in (await session.list_tools()).tools))
        arguments = {"picture": f"data:image/png;base64,{data}", "words": words}
        result = await session.call_tool("locate", arguments)
        for part in result.content:  # an annotated picture comes with what was found
            print(part.text if part.type == "text" else f"a picture: {part.mimeType}")


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("picture", nargs="?", default=ANIMALS, type=Path)
parser.add_argument("words", nargs="?", default="elephant")
parser.add_argument("--page", default="http://127.0.0.1:7860")
options = parser.parse_args()
asyncio.run(main(options.page.rstrip("/"), options.picture, options.words))
