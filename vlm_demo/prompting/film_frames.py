"""Frames of a film among the words of a prompt: each picture with its time before it."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.units import format_film_time
from vlm_demo.values import Message


def frame_label(number: int, seconds: float) -> str:
    """Return what stands before a frame: "Frame 3, 0:12.5:"; frames count from 1."""
    return f"Frame {number}, {format_film_time(seconds)}:"


def label_frames(message: Message) -> Message:
    """Give the images of a message their labels where they are frames of a film.

    Where some of its images have gone, or crops have joined them, nothing is said about times.
    """
    if not message.film_times or len(message.film_times) != len(message.images):
        return message
    labels = (frame_label(n, time) for n, time in enumerate(message.film_times, start=1))
    return replace(message, labels=tuple(labels))


def is_film(message: Message) -> bool:
    """Whether the images of a message are several frames of one film, all of one size."""
    sizes = {image.size for image in message.images}
    count = len(message.images)
    return count > 1 and len(message.film_times) == count and len(sizes) == 1


def name_times(message: Message) -> Message:
    """Give a film's message the times of its frames in words, before its text."""
    times = ", ".join(map(format_film_time, message.film_times))
    return replace(message, text=f"Times of the frames: {times}.\n{message.text}")
