"""Automatic: which model is asked depends on the kind of the picture.

This family only says what can be asked. The model that answers has wording and markup of its own;
see `vlm_demo/answering/model_routing.py`.
"""

from vlm_demo.prompting.family import Family
from vlm_demo.values import Task

FAMILY = Family(
    name="automatic",
    title="Automatic",
    model_types={},
    checkpoints=(),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe the picture in one sentence.",
        Task.DETAILED_CAPTION: "Describe the picture in detail.",
        Task.GROUNDED_CAPTION: "Describe the picture with boxes.",
        Task.VQA: "{text}",
        Task.GROUNDING: "Find: {text}",
        Task.DESCRIBE_REGION: "Describe {text}.",
        Task.READ: "Read all the text in the image.",
    },
    documented_template="{{ messages[-1]['content'][-1]['text'] }}",
    prefix_separator=None,
)
