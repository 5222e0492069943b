"""Locate something through a running page.

Start the page first (`python app.py`), then run `python examples/api_client.py`.
"""

import argparse
from pathlib import Path

from gradio_client import Client, handle_file

ANIMALS = Path(__file__).parents[1] / "assets" / "examples" / "animals.png"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("picture", nargs="?", default=ANIMALS)
parser.add_argument("words", nargs="?", default="elephant")
parser.add_argument("--page", default="http://127.0.0.1:7860")
arguments = parser.parse_args()

client = Client(arguments.page, verbose=False)
answer = client.predict(handle_file(str(arguments.picture)), arguments.words, api_name="/locate")
for item in answer["items"]:
    print(item["phrase"], item["boxes_xyxy_px"])
