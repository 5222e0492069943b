"""A page on which people try and compare vision-language models.

The names in `__all__` are the Python interface; `vlm-demo` and `app.py` are the programs.
"""

import pathlib
import sys

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import VlmDemoError
from vlm_demo.images.opening import open_image
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


def _refuse_to_run_a_part() -> None:
    """End `python vlm_demo/backend.py` and the like by saying what to run instead."""
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and (file := getattr(main, "__file__", None)):
        path, package = pathlib.Path(file).resolve(), pathlib.Path(__file__).resolve().parent
        if path.is_relative_to(package) and path != package / "__main__.py":
            raise SystemExit(
                f"{file} is a part of vlm_demo and does nothing by itself. "
                "Run `python app.py` for the page, or `python -m vlm_demo --help`."
            )


_refuse_to_run_a_part()
