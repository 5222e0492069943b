"""Read the raw output of a model that ran elsewhere: no model is loaded.

Each family reads its own markup; here Qwen2-VL, whose boxes count in thousandths of the picture.
"""

from vlm_demo.families import get_family
from vlm_demo.values import Frame, Prompt

SIZE = (640, 480)
RAW = (
    "There is <|object_ref_start|>a cat<|object_ref_end|>"
    "<|box_start|>(500,250),(750,500)<|box_end|> here."
)

reply = get_family("qwen2_vl").reply(RAW, Prompt((), frame=Frame(original=SIZE, seen=SIZE)))
print(reply.text)
for mention in reply.mentions:
    print(mention.phrase, [region.to_pixels(SIZE) for region in mention.regions])
