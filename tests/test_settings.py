from pathlib import Path

import pytest

from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings, declarations


def test_defaults() -> None:
    settings = Settings.read({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert settings.max_upload_bytes == 20_000_000
    assert settings.max_pixels == 40_000_000
    assert settings.max_characters == 8_000
    assert settings.allow_checkpoints
    assert settings.max_loaded is None  # as many as fit


def test_flags_come_before_the_environment() -> None:
    environ = {"VLM_DEMO_PORT": "1234", "VLM_DEMO_HOST": "0.0.0.0", "VLM_DEMO_THREADS": "2"}
    settings = Settings.read({"port": 99, "host": None, "share": False}, environ)
    assert (settings.port, settings.host, settings.threads) == (99, "0.0.0.0", 2)


def test_every_setting_can_be_set_by_its_variable() -> None:
    environ = {
        "VLM_DEMO_HOST": "::1",
        "VLM_DEMO_PORT": "8000",
        "VLM_DEMO_SHARE": "yes",
        "VLM_DEMO_MENU": "menu.toml",
        "VLM_DEMO_VOTES": "sqlite:///votes.db",
        "VLM_DEMO_ARENA": "one, two,",
        "VLM_DEMO_SECRET": "hush",
        "VLM_DEMO_VOTES_REPO": "someone/votes",
        "VLM_DEMO_VOTES_MINUTES": "10",
        "VLM_DEMO_ALLOW_CHECKPOINTS": "off",
        "VLM_DEMO_MAX_LOADED": "3",
        "VLM_DEMO_DEVICE": "cpu",
        "VLM_DEMO_THREADS": "4",
        "VLM_DEMO_MAX_UPLOAD_BYTES": "1_000",
        "VLM_DEMO_MAX_PIXELS": "10",
        "VLM_DEMO_MAX_CHARACTERS": "5",
    }
    assert Settings.read({}, environ) == Settings(
        host="::1",
        port=8000,
        share=True,
        menu=Path("menu.toml"),
        votes="sqlite:///votes.db",
        arena=("one", "two"),
        secret="hush",
        votes_repo="someone/votes",
        votes_minutes=10,
        allow_checkpoints=False,
        max_loaded=3,
        device="cpu",
        threads=4,
        max_upload_bytes=1000,
        max_pixels=10,
        max_characters=5,
    )


def test_a_space_listens_to_everybody_and_loads_no_strangers_models() -> None:
    settings = Settings.read({}, {"SPACE_ID": "someone/demo"})
    assert (settings.host, settings.allow_checkpoints) == ("0.0.0.0", False)
    assert Settings.read({"allow_checkpoints": True}, {"SPACE_ID": "x"}).allow_checkpoints


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "high", "whole number"),
        ("PORT", "70000", "65535"),
        ("PORT", "-1", "whole number"),
        ("MAX_LOADED", "0", "above 0"),
        ("SHARE", "maybe", "yes or no"),
        ("DEVICE", "tpu", "auto, cpu, cuda, mps"),
        ("THREADS", "9" * 5000, "whole number"),
    ],
)
def test_bad_values_are_named_with_their_source(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"VLM_DEMO_{name}=.*{reason}"):
        Settings.read({}, {f"VLM_DEMO_{name}": value})
    with pytest.raises(SettingsError, match=f"--{name.lower().replace('_', '-')}=.*{reason}"):
        Settings.read({name.lower(): value}, {})


def test_unknown_flag() -> None:
    with pytest.raises(SettingsError, match=r"no setting 'prot'.*port"):
        Settings.read({"prot": 1}, {})


def test_a_setting_is_declared_with_its_flag_variable_and_help() -> None:
    setting = declarations()["votes_repo"]
    assert (setting.flag, setting.variable) == ("--votes-repo", "VLM_DEMO_VOTES_REPO")
    for each in declarations().values():
        assert each.help.endswith(".")
        assert each.metavar or each.is_switch or not each.is_flag
    assert "shared by all models" in declarations()["cache_gib"].help


def test_a_secret_is_no_flag() -> None:
    """Command lines can be read by other users of the machine."""
    secrets = {each.name for each in declarations().values() if not each.is_flag}
    assert secrets == {"api_keys", "metrics_key", "secret", "server_key"}


def test_every_default_can_be_written_as_text() -> None:
    for each in declarations().values():
        if each.default and each.default is not True:
            assert each.read(str(each.default), source=each.flag) == each.default
