"""The files that put the page into containers, and the lock file that they install from."""

from __future__ import annotations

import re

import yaml
from packaging.requirements import Requirement
from support import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_container_runs_without_rights() -> None:
    instructions = re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE, re.MULTILINE)
    assert [value for name, value in instructions if name == "USER"] == ["page"]
    order = [name for name, _ in instructions]
    assert order.index("USER") > max(i for i, name in enumerate(order) if name in ("COPY", "RUN"))
    assert "ADD" not in order
    assert "--uid 10001" in DOCKERFILE
    assert "/healthz" in DOCKERFILE


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert all((ROOT / name).exists() for name in names)
    assert names == kept


def test_the_page_of_the_compose_file_writes_only_to_its_volumes() -> None:
    page = COMPOSE["services"]["page"]
    assert page["read_only"] is True
    assert page["cap_drop"] == ["ALL"]
    assert {volume.partition(":")[2] for volume in page["volumes"]} == {"/data", "/models"}
    assert int(page["stop_grace_period"].rstrip("s")) > 30
    assert page["environment"]["VLM_DEMO_PUBLIC"] == "yes"
    assert {"votes", "vllm"} <= set(COMPOSE["services"])


def test_the_lock_file_has_each_requirement_in_an_allowed_version_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    versions = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock, re.MULTILINE))
    entries = re.split(r"\n(?=[a-z0-9])", lock.partition("\n")[2])
    assert all("--hash=sha256:" in entry for entry in entries)
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if text := line.partition("#")[0].strip():
            wanted = Requirement(text)
            assert wanted.specifier.contains(versions[wanted.name.lower()]), wanted
    assert "://" not in lock
