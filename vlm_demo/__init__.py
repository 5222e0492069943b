"""A page on which people try, and compare, vision-language models."""

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec, default_menu, load_menu
from vlm_demo.errors import VlmDemoError
from vlm_demo.images import open_image
from vlm_demo.settings import Settings
from vlm_demo.values import Box, Mention, Message, Point, Polygon, Reply, Request, Sampling, Task

__all__ = [
    "Backend",
    "Box",
    "Mention",
    "Message",
    "ModelSpec",
    "Point",
    "Polygon",
    "Reply",
    "Request",
    "Sampling",
    "Settings",
    "Task",
    "VlmDemoError",
    "default_menu",
    "load_menu",
    "open_image",
]
