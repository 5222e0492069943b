"""Everything that is declared about a family of checkpoints: its wording, markup and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from PIL.Image import Image

from vlm_demo.markup.base import Markup
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.images.image_resolutions import ImageResolution
from vlm_demo.prompting.regions.region_wording import ENGLISH, RegionWording
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Sampling, Size, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLimits:
    """How much a family was made to be given."""

    max_images: int = 1
    """Largest number of images that the model is shown at a time."""

    history: Literal["full", "none"] = "full"
    """"none": each question stands alone."""

    context: int | None = None
    """Tokens of prompt and answer together; None: as the checkpoint says."""

    longest_side: int = 2_048
    """Longest side, in pixels, of an image that a server is sent; larger ones are scaled down.

    It is at least what the checkpoints make use of. The default is OpenAI's:
    https://platform.openai.com/docs/guides/images-vision ("fit in a 2048px x 2048px square").
    """

    chats_without_image: bool = True
    """Whether the model can chat before it has seen an image."""


def leave_unchanged(image: Image) -> Image:
    """Give the model the user's own image."""
    return image


@dataclass(frozen=True, kw_only=True)
class FamilySpec:
    """What a family declares. `Family` adds how it is asked and read.

    In `instructions`, "{text}" stands for the user's words and "{region}" for the region as
    `markup.write` writes it. A task without an instruction is one that the family cannot do. Where
    the instruction for DESCRIBE_REGION has no "{region}", the region is drawn into the image, and
    "{text}" stands for what it is called there.

    Four fields list strings that mean something to the checkpoints:

                        a person types one   an earlier answer has one   a new answer has one
        control_tokens  made plain text      made plain text             nothing happens
        markup_tokens   made plain text      goes back to the model      `markup` reads it
        end_markers     -                    text from it on is dropped  text from it on is dropped
        stop            -                    -                           the model is stopped there

    "-" means that the list plays no part. Most end markers are control tokens too.
    """

    name: str
    """The name of the family's file, or of one of its relatives; used in menus and on the command
    line."""

    title: str
    """The name that people know it by."""

    model_types: Mapping[str, Architecture]
    """How each `model_type` in the checkpoints' config.json is run; {}: not by this program."""

    checkpoints: tuple[str, ...]
    """Ids on the Hugging Face Hub."""

    instructions: Mapping[Task, str]
    """The wording of each task that the checkpoints were made for."""

    target_lists: Mapping[Task, TargetList] = field(default_factory=dict)
    """How one prompt for a task names several things, where that is documented; for a task that is
    not here, each thing has a prompt of its own."""

    markup: Markup | None = None
    """How regions are written in text; None: they are not."""

    contested_spaces: tuple[str, ...] = ()
    """Names of other coordinate spaces that sources or checkpoints disagree about.

    People can switch an answer to them; see `markup.coordinate_spaces.SPACES`."""

    markup_signature: str = ""
    """A regular expression that finds markup which only this family writes; "": there is none."""

    region_template: str = ""
    """A "{region}" in a question, and what stands around it; "": regions are drawn in instead."""

    multi_region_instruction: str = ""
    """The instruction for DESCRIBE_REGION of several regions; "": one at a time."""

    example_instruction: str = ""
    """Asks for what is like a box that is drawn into the first of two images; "": none does."""

    region_wording: RegionWording = ENGLISH
    """What regions are called that are drawn in or cropped."""

    numbers_images: bool = False
    """Whether the markup says which image a region is on; otherwise it is on the newest."""

    prepare_image: Callable[[Image], Image] = leave_unchanged
    """Makes the image that the model is given, such as a padded square."""

    seen_size: Callable[[Size], Size] | None = None
    """The size at which the model sees an image of a size, where its numbers count pixels of that;
    `prepare_image` makes it."""

    resolutions: tuple[ImageResolution, ...] = ()
    """The resolutions to choose from, fewest visual tokens first; (): there is no choice."""

    system: str = ""
    """The system message; "": there is none."""

    chat_template: str | None = None
    """A Jinja template for the processor; None: the checkpoint's own."""

    documented_template: str | None = None
    """A Jinja template of the whole prompt, where `chat_template` is not all of it."""

    has_thinking_switch: bool = False
    """Whether the checkpoints' templates take an argument that turns reasoning on or off; of a
    checkpoint that is on this machine, its own template tells."""

    published_templates: tuple[str, ...] = ()
    """Jinja templates that write what the checkpoints' own do, where `chat_template` differs.

    A copy of a checkpoint is recognized by them. (): the checkpoints are published without one.
    """

    starts_in_reasoning: bool = False
    """Whether the template itself ends with `<think>`, so that an answer begins with reasoning."""

    thinking_opens_reasoning: bool = False
    """Whether the template ends with `<think>` where reasoning is turned on for a request."""

    keep_special_tokens: bool = False
    """Whether special tokens are decoded; True where the markup may be made of them."""

    control_tokens: tuple[str, ...] = ()
    """Strings with a meaning of their own in a prompt, which nobody may type. See above."""

    markup_tokens: tuple[str, ...] = ()
    """Control tokens that answers are made of. See above."""

    end_markers: tuple[str, ...] = ()
    """Strings that end an answer; the text from the first one on is dropped. See above."""

    stop: tuple[str, ...] = ()
    """Stop strings for the engine, for models that would go on after the answer. See above."""

    prefix_separator: str | None = " "
    """What stands before a given beginning of the answer; None: the model takes no beginning."""

    sampling: Sampling = field(default_factory=Sampling)
    """How tokens are drawn, unless a request says otherwise."""

    limits: FamilyLimits = field(default_factory=FamilyLimits)
    """How many images, turns and tokens a prompt may have."""

    notes: Mapping[Task, str] = field(default_factory=dict)
    """What people should know about a task, shown above each answer to it."""

    unsupported_reason: str = ""
    """Why tasks without an instruction have none, where that is not plain."""

    unavailable_reason: str = ""
    """Why no checkpoint can be asked, and which relative can; "": they can be."""

    @property
    def writes_regions(self) -> bool:
        """Whether a region goes into the prompt as text, and is not drawn into the image."""
        instruction = self.instructions.get(Task.DESCRIBE_REGION, "")
        return "{region}" in self.region_template + instruction

    @property
    def keeps_history(self) -> bool:
        """Whether the model is given the turns before a question."""
        return self.limits.history == "full"

    def accepts_prefix(self, task: Task) -> bool:
        """Whether a caption can continue a beginning that is given."""
        return self.prefix_separator is not None or "{text}" in self.instructions[task]
