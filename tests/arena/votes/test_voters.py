"""Voters' hashes, and the secret that keys them."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vlm_demo.arena.votes.voters import hash_voter, open_secret
from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings


def test_a_hash_is_the_same_for_the_same_person_and_another_for_anybody_else() -> None:
    assert hash_voter("secret", "login alice") == hash_voter("secret", "login alice")
    others = [
        hash_voter("secret", "login bob"),
        hash_voter("secret", "visitor alice"),
        hash_voter("another secret", "login alice"),
    ]
    assert hash_voter("secret", "login alice") not in others


def test_a_hash_says_nothing_and_has_always_the_same_length() -> None:
    for name in ("", "alice", "日本語" * 1_000):
        assert len(hash_voter("secret", name)) == 32
        assert name == "" or name not in hash_voter("secret", name)


def test_hashes_are_hmac_sha_256() -> None:
    """RFC 4231, test case 2, cut to half."""
    assert hash_voter("Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"


def test_the_secret_of_the_settings_comes_first(tmp_path: Path) -> None:
    settings = Settings(votes=str(tmp_path / "votes.db"), secret="mine")
    assert open_secret(settings) == "mine"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_random_secret_is_kept_beside_the_votes(tmp_path: Path, prefix: str) -> None:
    votes = prefix + str(tmp_path / "votes.db")
    secret = open_secret(Settings(votes=votes))
    assert open_secret(Settings(votes=votes)) == secret
    assert len(secret) == 64
    (file,) = tmp_path.iterdir()
    assert file.name == "votes.db.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_each_database_has_its_own(tmp_path: Path) -> None:
    secrets = {open_secret(Settings(votes=str(tmp_path / name))) for name in ("a.db", "b.db")}
    assert len(secrets) == 2


def test_for_a_server_it_is_in_the_person_s_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    secret = open_secret(Settings(votes="postgresql://user:password@host/votes"))
    assert (tmp_path / "vlm_demo" / "voters.secret").read_text() == secret


def test_programs_that_start_together_agree(tmp_path: Path) -> None:
    settings = Settings(votes=str(tmp_path / "votes.db"))
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: open_secret(settings), range(64)))) == 1


def test_a_damaged_secret_is_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "votes.db.secret").write_text("short")
    with pytest.raises(SettingsError, match=r"votes\.db\.secret .* delete it"):
        open_secret(Settings(votes=str(tmp_path / "votes.db")))


def test_without_a_place_to_keep_it_the_program_runs_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folder").write_text("this is a file")
    secret = open_secret(Settings(votes=os.fspath(tmp_path / "folder" / "votes.db")))
    assert len(secret) == 64
    assert "VLM_DEMO_SECRET" in caplog.text
