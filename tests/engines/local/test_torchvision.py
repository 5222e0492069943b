"""A torchvision that is installed but cannot be imported counts as not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support import ROOT

SCRIPT = """if True:
    import sys
    from support.engines import ask, drawing, load_engine, write
    from vlm_demo.errors import LoadError
    from vlm_demo.values import Sampling
    for family, folder in (("llava15", sys.argv[1]), ("qwen2_vl", sys.argv[2])):
        engine = load_engine(folder)
        list(engine.stream(ask(family, drawing()), Sampling(max_new_tokens=2)))
        print(family, "answered", engine._encoder.processor.image_processor.__class__.__name__)
        engine.close()
    try:
        load_engine(sys.argv[3])
    except LoadError as error:
        print(error)
"""


def test_models_answer_without_it_and_those_that_need_it_say_so(
    folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    package = tmp_path / "packages" / "torchvision"
    package.mkdir(parents=True)
    why = "operator torchvision::nms does not exist"
    (package / "__init__.py").write_text(f"raise RuntimeError({why!r})")
    done = subprocess.run(
        [
            *(sys.executable, "-c", SCRIPT),
            *(folder_of("llava"), folder_of("qwen2_vl"), prepared_by_torchvision_only(folder_of)),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(package.parent), str(ROOT), "tests")),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert "llava15 answered" in done.stdout, done.stderr
    assert "qwen2_vl answered" in done.stdout, done.stderr
    assert f"with torchvision, which cannot be imported ({why}). Install" in done.stdout
    [warning] = [line for line in done.stderr.splitlines() if "torchvision is installed" in line]
    assert why in warning


def prepared_by_torchvision_only(folder_of: Callable[[str], Path]) -> Path:
    """A checkpoint of Molmo 2, of which only the processor is looked at."""
    from transformers import Molmo2Config

    folder = folder_of("llava").parent / "molmo2-without-torchvision"
    shutil.copytree(folder_of("llava"), folder)
    (folder / "config.json").write_text(json.dumps(Molmo2Config(image_patch_id=4).to_dict()))
    (folder / "processor_config.json").write_text('{"processor_class": "Molmo2Processor"}')
    pictures = '{"image_processor_type": "Molmo2ImageProcessor"}'
    (folder / "preprocessor_config.json").write_text(pictures)
    return folder
