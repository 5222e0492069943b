"""Hashes of questions and pictures."""

from PIL import Image

from vlm_demo.arena.votes.fingerprints import hash_images, hash_questions
from vlm_demo.values import Box, Request, Task


def test_hashes_tell_what_differs() -> None:
    words = [
        Request(Task.CHAT, "What is it?"),
        Request(Task.CHAT, "What is that?"),
        Request(Task.VQA, "What is it?"),
        Request(Task.DESCRIBE_REGION, "", regions=(Box(0, 0, 1, 1),)),
        Request(Task.DESCRIBE_REGION, "", regions=(Box(0, 0, 1, 0.5),)),
    ]
    assert len({hash_questions([request]) for request in words} | {hash_questions(words[:2])}) == 6
    red, wide, tall = (
        Image.new("RGB", size, colour)
        for size, colour in (((4, 4), "red"), ((8, 2), "blue"), ((2, 8), "blue"))
    )
    assert len({hash_images([picture]) for picture in (red, wide, tall)}) == 3
    assert hash_images([red]) == hash_images([red.copy()])
    assert hash_images([]) == ""
