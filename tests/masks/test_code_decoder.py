"""Masks written as codes: decoded with made-up weights of the shapes of the published file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.signal import convolve2d

from vlm_demo.catalog.menu_file import read_menu_file
from vlm_demo.errors import SettingsError
from vlm_demo.families import get_family
from vlm_demo.masks import draw_mask, mask_iou
from vlm_demo.masks.code_decoder import MaskDecoder, load_mask_decoder
from vlm_demo.values import Box, Polygon, Request, Task

SIZES = {
    "decoder.0": (128, 512, 1),
    **{f"decoder.{block}.net.{at}": (128, 128, 3) for block in (2, 3) for at in (0, 2)},
    **{f"decoder.{block}.net.4": (128, 128, 1) for block in (2, 3)},
    **{"decoder.4": (128, 128, 4), "decoder.6": (128, 64, 4)},
    **{"decoder.8": (64, 32, 4), "decoder.10": (32, 16, 4)},
    "decoder.12": (1, 16, 1),
}
"""Channels, and sides of the kernels, of vae-oid.npz; where sides double, (in, out)."""

DOUBLINGS = ("decoder.4", "decoder.6", "decoder.8", "decoder.10")


def blank_weights(share: int = 1) -> dict[str, Any]:
    """Return weights of 0, with a part of the channels."""
    weights: dict[str, Any] = {"_vq_vae._embedding": np.zeros((128, 512 // share), np.float32)}
    for name, channels in SIZES.items():
        first, second = (max(1, number // share) for number in channels[:2])
        side = channels[2]
        weights[f"{name}.weight"] = np.zeros((first, second, side, side), np.float32)
        out = second if name in DOUBLINGS else first
        weights[f"{name}.bias"] = np.zeros(out, np.float32)
    return weights


def random_weights() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        name: random.normal(0, 0.1, value.shape).astype(np.float32)
        for name, value in blank_weights(8).items()
    }


def repeating_weights() -> dict[str, Any]:
    """Weights of which code 1 is inside, code 0 outside, in squares of 16 pixels."""
    weights = blank_weights()
    weights["_vq_vae._embedding"][1, 0] = 1
    weights["decoder.0.weight"][0, 0] = 1
    for name in DOUBLINGS:
        weights[f"{name}.weight"][0, 0, 1:3, 1:3] = 1
    weights["decoder.12.weight"][0, 0] = 1
    weights["decoder.12.bias"][0] = -0.5
    return weights


def convolve(weights: dict[str, Any], name: str, grid: Any) -> Any:
    kernel = weights[f"{name}.weight"][:, :, ::-1, ::-1]
    layers = [
        sum(convolve2d(one, part, "same") for one, part in zip(grid, out, strict=True))
        for out in kernel
    ]
    return np.array(layers) + weights[f"{name}.bias"][:, None, None]


def double(weights: dict[str, Any], name: str, grid: Any) -> Any:
    """Put zeros between the places, convolve in full, and cut one place off on each side."""
    wide = np.zeros((len(grid), 2 * grid.shape[1] - 1, 2 * grid.shape[2] - 1))
    wide[:, ::2, ::2] = grid
    kernel = weights[f"{name}.weight"]
    layers = [
        sum(convolve2d(one, kernel[at, out]) for at, one in enumerate(wide))
        for out in range(kernel.shape[1])
    ]
    return np.array(layers)[:, 1:-1, 1:-1] + weights[f"{name}.bias"][:, None, None]


def test_it_computes_what_the_published_layout_says() -> None:
    weights, codes = random_weights(), [7 * number % 128 for number in range(16)]
    grid = weights["_vq_vae._embedding"][codes].reshape(4, 4, -1).transpose(2, 0, 1)
    grid = np.maximum(convolve(weights, "decoder.0", grid), 0)
    for name in ("decoder.2.net", "decoder.3.net"):
        inner = np.maximum(convolve(weights, f"{name}.0", grid), 0)
        inner = np.maximum(convolve(weights, f"{name}.2", inner), 0)
        grid = grid + convolve(weights, f"{name}.4", inner)
    for name in DOUBLINGS:
        grid = np.maximum(double(weights, name, grid), 0)
    expected = convolve(weights, "decoder.12", grid)[0]
    decoded = MaskDecoder(weights).decode(codes)
    assert decoded.shape == (64, 64) and float(np.std(decoded)) > 0
    np.testing.assert_allclose(decoded, expected, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("decoder") / "masks.npz"
    np.savez(path, **repeating_weights())
    return path


PATTERN = [0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_paligemma_answers_with_outlines_where_its_decoder_is_given(weights_file: Path) -> None:
    family = get_family("paligemma").with_mask_decoder(weights_file)
    picture = Image.new("RGB", (640, 480))
    prompt = family.prompt(Request(Task.GROUNDING, "cat", (picture,)))
    assert prompt.messages[-1].text == "segment cat"
    codes = "".join(f"<seg{code:03}>" for code in PATTERN)
    dog_box = "<loc0000><loc0000><loc0512><loc0512>"
    raw = f"<loc0256><loc0256><loc0768><loc0768>{codes} cat ; {dog_box} dog"
    reply = family.reply(raw, prompt)
    cat, dog = (mention.regions[0] for mention in reply.mentions)
    assert isinstance(cat, Polygon) and dog == Box(0, 0, 0.5, 0.5) and not reply.note
    assert [place.region for place in reply.parsed_places] == [cat, dog]
    truth = np.zeros((480, 640), bool)
    cells = np.array(PATTERN, bool).reshape(4, 4)
    truth[120:360, 160:480] = np.kron(cells, np.ones((60, 80), bool))
    assert mask_iou(draw_mask(cat, (640, 480)), truth) > 0.95
    cut = family.reply(raw[: raw.index(" cat") - 9], prompt)  # one code less
    assert cut.mentions[0].regions == (Box(0.25, 0.25, 0.75, 0.75),)
    empty = family.reply(raw.replace("<seg001>", "<seg000>"), prompt)
    assert empty.mentions[0].regions == (Box(0.25, 0.25, 0.75, 0.75),)


def test_a_menu_names_the_decoder_and_files_that_are_none_are_refused(
    weights_file: Path, tmp_path: Path
) -> None:
    menu = tmp_path / "menu.toml"

    def read(family: str, decoder: Path) -> Any:
        menu.write_text(
            f'[[model]]\nname = "a"\nfamily = "{family}"\ncheckpoint = "google/a"\n'
            f'mask_decoder = "{decoder}"\n'
        )
        return read_menu_file(menu, tmp_path)[0].find_family()

    assert read("paligemma", weights_file).mask_decoder is load_mask_decoder(weights_file)
    with pytest.raises(SettingsError, match="takes no mask_decoder"):
        read("llava15", weights_file)
    other, text = tmp_path / "other.npz", tmp_path / "text.npz"
    np.savez(other, **{"decoder.0.weight": np.zeros(3)})
    text.write_text("This is a text.")
    for path, words in ((other, "not a decoder"), (text, "cannot be read")):
        with pytest.raises(SettingsError, match=words):
            read("paligemma", path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read("paligemma", tmp_path / "gone.npz")
