"""Films that are given to models as films, with the times of their frames."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from support.engines import SHORT, load_engine, write
from support.torchvision_operators import is_torchvision_installed

from vlm_demo.engines.local.inputs.films import FRAME_PIXELS, film_arguments, find_films
from vlm_demo.families import get_family
from vlm_demo.values import Message, Prompt, Request, Task

TIMES = (0.5, 2.25, 4.0, 7.5)
FRAMES = tuple(Image.new("RGB", (112, 112), (40 * number, 10, 10)) for number in range(4))
FILM = Message("user", "When?", FRAMES, film_times=TIMES)
TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% else %}<|vision_start|>"
    "{{ {'image': '<|image_pad|>', 'video': '<|video_pad|>'}[part.type] }}<|vision_end|>"
    "{% endif %}{% endfor %}\n{% endfor %}assistant: "
)
"""Has places for images and films, as the templates of Qwen's checkpoints do."""


def test_a_film_has_the_true_times_of_frames_that_are_not_evenly_spaced() -> None:
    large = tuple(image.resize((1920, 1080)) for image in FRAMES)
    arguments = film_arguments([Message("user", "", large, film_times=TIMES)])
    (metadata,) = arguments["video_metadata"]
    assert metadata.timestamps == list(TIMES)
    assert metadata.sampled_fps == pytest.approx(3 / 7, rel=0.01)
    frames, height, width, _ = arguments["videos"][0].shape
    assert frames == 4
    assert height * width <= FRAME_PIXELS
    assert width / height == pytest.approx(16 / 9, rel=0.01)


def test_pictures_and_frames_of_several_sizes_are_no_film() -> None:
    pictures = Message("user", "Which?", FRAMES)
    cropped = Message("user", "", (*FRAMES[:3], FRAMES[0].resize((9, 9))), film_times=TIMES)
    assert find_films([pictures, FILM, cropped]) == {1}
    assert film_arguments([]) == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qwen2_vl", "Times of the frames: 0:00.5, 0:02.2, 0:04, 0:07.5."),
        ("qwen2_5_vl", "Times of the frames: 0:00.5, 0:02.2, 0:04, 0:07.5."),
        ("qwen3_vl", "<1.4 seconds>"),  # of a pair of frames, in the middle
    ],
)
def test_models_for_films_are_given_films(
    name: str, words: str, folder_of: Callable[[str], Path]
) -> None:
    if not is_torchvision_installed():
        pytest.skip("films are prepared with torchvision")
    with closing(load_engine(folder_of(name))) as engine:
        prompt = get_family(name).prompt(Request(Task.CHAT, "When?", FRAMES, film_times=TIMES))
        as_pictures = engine._encoder.encode(prompt)
        assert "pixel_values_videos" not in as_pictures.inputs  # its template has no place for one
        engine._encoder.processor.chat_template = TEMPLATE
        as_film = engine._encoder.encode(prompt)
        assert as_film.inputs["video_grid_thw"].tolist()[0][0] == len(FRAMES) // 2
        assert "pixel_values" not in as_film.inputs
        text = engine._encoder.tokenizer.decode(as_film.ids)
        assert words in text
        assert not re.search("Frame 1", text)
        assert len(as_film.images) == len(FRAMES)
        assert write(engine, prompt, SHORT) == write(engine, prompt, SHORT)  # by its cache, too
        mixed = Prompt((Message("user", "Compare.", FRAMES[:1]), FILM), frame=prompt.frame)
        both = engine._encoder.encode(mixed).inputs
        assert len(both["image_grid_thw"]) == len(both["video_grid_thw"]) == 1
