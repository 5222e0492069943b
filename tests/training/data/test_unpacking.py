"""A ZIP of data is unpacked into its folder, and nowhere else."""

import zipfile
from pathlib import Path

import pytest

from vlm_demo.errors import ImageError, InputError, SourceError
from vlm_demo.training.data.unpacking import unpack_data


def unpack(folder: Path, *names: str, content: str = "content", most: int = 10_000) -> Path:
    archive = folder / "data.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content)
    return unpack_data(archive, folder / "own", most_bytes=most)


def test_the_outer_folder_and_what_the_finder_adds_are_left_out(tmp_path: Path) -> None:
    folder = unpack(tmp_path, "mine/images/a.png", "mine/labels/a.txt", "__MACOSX/mine/._a.png")
    files = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert files == {"images/a.png", "labels/a.txt"}


def test_a_file_that_is_alone_is_the_data(tmp_path: Path) -> None:
    assert unpack(tmp_path, "mine/rows.jsonl").name == "rows.jsonl"


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "C:\\out.txt"])
def test_nothing_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    unpack(tmp_path, name, "a.jsonl", "b.jsonl")
    assert not list(tmp_path.rglob("out.txt"))


def test_a_benchmark_of_ones_own_stays_a_zip(tmp_path: Path) -> None:
    assert unpack(tmp_path, "benchmark.jsonl", "a.png") == tmp_path / "data.zip"


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Split the ZIP"):
        unpack(tmp_path, "a.json", content="x" * 10_001)
    with pytest.raises(InputError, match="no files"):
        unpack(tmp_path, "../out.txt")
    (tmp_path / "data.zip").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(SourceError, match="not a ZIP"):
        unpack_data(tmp_path / "data.zip", tmp_path / "own", most_bytes=10)


def test_a_damaged_picture_is_missing_and_a_damaged_list_is_said(tmp_path: Path) -> None:
    archive = tmp_path / "data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("a.png", "rows.jsonl"):
            file.writestr(name, f"content of {name}")
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"content of a.png", b"CONTENT of a.png"))
    assert unpack_data(archive, tmp_path / "own", most_bytes=99).name == "rows.jsonl"
    archive.write_bytes(content.replace(b"content of rows", b"CONTENT of rows"))
    with pytest.raises(ImageError, match="damaged"):
        unpack_data(archive, tmp_path / "own2", most_bytes=99)
