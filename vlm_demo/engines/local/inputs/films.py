"""Films as processors take them: all frames as one array, with the times at which they are shown.

Every video processor of transformers 5.23 needs torchvision; without it, the frames are pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from transformers.video_utils import VideoMetadata

from vlm_demo.engines.local.checkpoints.processors import VIDEO_PART
from vlm_demo.images.opening import shrink_image
from vlm_demo.prompting.architecture import FilmInput
from vlm_demo.prompting.film_frames import is_film, name_times
from vlm_demo.values import Message

FRAME_PIXELS = 768 * 28 * 28
"""Largest frame, width times height: `VIDEO_MAX_PIXELS` of qwen-vl-utils (vision_process.py).

The video processors of transformers limit a whole film and not a frame.
"""

TICKS_PER_S = 1000
"""Frames a second that processors are told, so that a frame's index is its time to the millisecond.

They divide the index by the rate, and films are sampled where scenes begin, not evenly."""


def takes_films(processor: Any) -> bool:
    """Whether a processor has what prepares films."""
    parts: list[str] = getattr(processor, "get_attributes", list)()
    return VIDEO_PART in parts and bool(getattr(processor, "video_token", None))


def find_films(messages: Sequence[Message]) -> frozenset[int]:
    """Return which of the messages have a film, from 0."""
    return frozenset(index for index, message in enumerate(messages) if is_film(message))


def film_part(message: Message, how: FilmInput) -> dict[str, Any]:
    """Return a message with a film as templates expect it: the film, then its text."""
    text = message.text if how == "timed" else name_times(message).text
    return {"role": message.role, "content": [{"type": "video"}, {"type": "text", "text": text}]}


def film_arguments(films: Sequence[Message]) -> Mapping[str, Any]:
    """Return the arguments of a processor for films, in order; {}: there are none."""
    if not films:
        return {}
    return {
        "videos": [_to_array(film) for film in films],
        "video_metadata": [_describe(film) for film in films],
        "do_sample_frames": False,
    }


def _to_array(film: Message) -> Any:
    """Return the frames as (frames, height, width, 3), 0 to 255."""
    width, height = film.images[0].size
    scale = min(1.0, (FRAME_PIXELS / (width * height)) ** 0.5)
    side = max(1, int(max(width, height) * scale))
    return np.stack([np.asarray(shrink_image(image, side)) for image in film.images])


def _describe(film: Message) -> VideoMetadata:
    """Return the frames' times; the rate at which they were sampled follows from the length."""
    times, count = film.film_times, len(film.film_times)
    seconds = max(times[-1] - times[0], 1 / TICKS_PER_S) * count / (count - 1)
    width, height = film.images[0].size
    return VideoMetadata(
        total_num_frames=round(seconds * TICKS_PER_S),
        fps=float(TICKS_PER_S),
        duration=seconds,
        frames_indices=[round(time * TICKS_PER_S) for time in times],
        width=width,
        height=height,
        video_backend="opencv",
    )
