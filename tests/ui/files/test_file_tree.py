"""How long visitors' files live, and how many bytes they may have."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vlm_demo.errors import FileError
from vlm_demo.settings import Settings
from vlm_demo.ui.files import folders
from vlm_demo.ui.files.folders import find_file, make_folder, may_read, own_folder, root
from vlm_demo.ui.files.tree import open_file_tree
from vlm_demo.ui.files.usage import count_bytes, make_room, make_room_for_all

HOUR_S = 3600


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def add(owner: str, size: int = 10, *, hours_ago: float = 0.0) -> Path:
    file = make_folder(owner) / "picture.png"
    file.write_bytes(bytes(size))
    moment = time.time() - hours_ago * HOUR_S
    os.utime(file, (moment, moment))
    return file


def test_nobody_reaches_a_file_of_another_visitor() -> None:
    mine = add("me")
    assert len(mine.parent.name) == 32  # 128 random bits
    assert find_file(str(mine), "me") == mine
    assert find_file(str(mine), "you") is None
    assert may_read(str(mine), "me") and not may_read(str(mine), "you")
    around = mine.parent / ".." / ".." / own_folder("you").name / ".." / own_folder("me").name
    assert not may_read(str(around / mine.parent.name / mine.name), "you")
    add("you")
    inside = own_folder("you") / "link.png"
    inside.symlink_to(mine)
    assert find_file(str(inside), "you") is None
    for odd in (None, 3, "", "\0", "x" * 100_000, "/etc/passwd", str(own_folder("me"))):
        assert find_file(odd, "me") is None


def test_old_files_go_and_new_ones_stay() -> None:
    with open_file_tree(Settings(files_hours=24)) as tree:
        tree.serve()
        old, new = add("me", hours_ago=25), add("me", hours_ago=23)
        stray = root() / ("a" * 64) / "upload.png"
        stray.parent.mkdir()
        stray.write_bytes(b"x")
        long_ago = time.time() - 25 * HOUR_S
        for path in (stray, stray.parent):
            os.utime(path, (long_ago, long_ago))
        tree.clean()
        assert not old.parent.exists() and new.exists()
        assert not stray.exists()


@pytest.mark.services
def test_what_a_killed_program_left_is_removed_at_the_next_start(place: Path) -> None:
    program = (
        "import os, signal\n"
        "from vlm_demo.settings import Settings\n"
        "from vlm_demo.ui.files.folders import batches_folder, make_folder\n"
        "from vlm_demo.ui.files.tree import open_file_tree\n"
        "with open_file_tree(Settings()):\n"
        "    (make_folder('me') / 'a.png').write_bytes(b'x')\n"
        "    folder = batches_folder() / 'v' / 'code'\n"
        "    folder.mkdir(parents=True)\n"
        "    (folder / 'job.json').write_bytes(b'{}')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False, cwd=Path.cwd())
    left = {path.name for path in place.rglob("*") if path.is_file()}
    assert {"a.png", "job.json"} <= left
    other = place / "not-ours"
    other.write_bytes(b"x")
    with open_file_tree(Settings()):
        left = {path.name for path in place.rglob("*") if path.is_file()}
        assert left == {"lock", "job.json", "not-ours"}  # a batch can be resumed
        file = add("me")
        with open_file_tree(Settings()):  # a second page of the same user
            pass
        assert file.exists()
    assert not file.exists()


def test_each_visitor_and_all_together_keep_within_their_bytes() -> None:
    oldest, newest = add("me", 600, hours_ago=3), add("me", 600, hours_ago=1)
    other = add("you", 500, hours_ago=9)
    assert count_bytes() == 1_700
    make_room(own_folder("me"), 1_200)
    assert oldest.exists()
    make_room_for_all(1_500, 0)
    assert not oldest.exists() and newest.exists() and other.exists()
    make_room_for_all(10_000, 550)
    assert not newest.exists() and other.exists()


def test_a_disk_that_is_nearly_full_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(FileError, match="nearly full"):
        make_folder("me")
    assert not list(own_folder("me").iterdir())
