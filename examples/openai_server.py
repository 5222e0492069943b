"""Ask a model on a server with OpenAI's chat completions: vLLM, llama.cpp, Ollama and others.

The family writes the prompt and reads the boxes; the server only writes tokens:
`python examples/openai_server.py http://127.0.0.1:8000/v1 Qwen/Qwen2-VL-7B-Instruct qwen2_vl`.
"""

import argparse
from pathlib import Path

from vlm_demo import Backend, ModelSpec, Request, Task, open_image

ANIMALS = Path(__file__).parents[1] / "assets" / "examples" / "animals.png"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("base_url", help="address of the server, ending in /v1")
parser.add_argument("checkpoint", help="what the server calls the model")
parser.add_argument("family", help="how the model is asked and read, such as qwen2_vl")
parser.add_argument("--server", choices=("vllm", "openai"), default="vllm")
parser.add_argument("--words", default="elephant")
arguments = parser.parse_args()

model = ModelSpec(
    name="remote",
    family=arguments.family,
    checkpoint=arguments.checkpoint,
    engine="remote",
    base_url=arguments.base_url,
    server=arguments.server,
)
backend = Backend([model])
image = open_image(ANIMALS)
*_, reply = backend.answer("remote", Request(Task.GROUNDING, arguments.words, images=(image,)))
print(reply.text)
for mention in reply.mentions:
    print(mention.phrase, [region.to_pixels(image.size) for region in mention.regions])
backend.close()
