"""The revision of weights that lie in a folder."""

from dataclasses import replace
from pathlib import Path

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.weights_revision import weights_revision


def test_weights_that_were_trained_anew_have_another_revision(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(3_000_000))
    spec = ModelSpec(name="own", family="llava15", checkpoint=str(tmp_path))
    before = weights_revision(spec)
    assert len(before) == 16
    assert weights_revision(spec) == before
    weights.write_bytes(bytes(2_999_999) + b"\1")
    assert weights_revision(spec) != before
    assert weights_revision(replace(spec, revision="v1.0")) == "v1.0"
    of_its_code = replace(spec, revision="0123456789abcdef", trust_remote_code=True)
    assert weights_revision(of_its_code) == weights_revision(spec)
    assert weights_revision(replace(spec, engine="remote")) == ""
