"""Fetching checkpoints from the Hub, or from a server that stands in for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.engines import load_engine, raising

from vlm_demo.engines import hub_connection
from vlm_demo.engines.local.checkpoints import fetching, runnable
from vlm_demo.errors import LoadError


def test_offline_is_said_without_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(socket, "create_connection", raising(AssertionError("it asked")))
    with pytest.raises(LoadError, match=r"not on this computer.*HF_HUB_OFFLINE is set"):
        load_engine("nobody/no-such-model")


def test_a_missing_connection_is_noticed_before_the_hubs_client_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(fetching.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(fetching, "HfApi", raising(AssertionError("its client was asked")))
    with pytest.raises(LoadError, match=r"no connection to 127\.0\.0\.1"):
        fetching.fetch("nobody/no-such-model")


def test_a_name_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, opened = threading.Event(), socket.socket()

    def waits(*_: object) -> socket.socket:
        release.wait(20)
        return opened

    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_connection, "CONNECT_TIMEOUT_S", 0.2)
    monkeypatch.setattr(socket, "create_connection", waits)
    with pytest.raises(LoadError, match="no connection"):
        fetching.fetch("nobody/no-such-model")
    release.set()


def test_folders_are_loaded_without_a_network(
    tiny_smolvlm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "socket", raising(AssertionError("it opened a socket")))
    monkeypatch.setattr(socket, "getaddrinfo", raising(AssertionError("it looked up a name")))
    load_engine(tiny_smolvlm).close()


def test_models_that_cannot_be_run_are_refused_before_they_are_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    auto_map = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Model"}
    config: dict[str, Any] = {"model_type": "moondream1", "auto_map": auto_map}
    processor_files: dict[str, Any] = {}
    monkeypatch.setattr(runnable, "checkpoint_config", lambda *_: config)
    monkeypatch.setattr(runnable, "fetch_json_files", lambda *_: processor_files)
    monkeypatch.setattr(runnable, "fetch", raising(AssertionError("it was fetched")))
    with pytest.raises(LoadError, match=r"own code, which does not run.*trust_remote_code"):
        load_engine("some/model")
    with pytest.raises(LoadError, match=r"cannot run here\. It has no processor"):
        load_engine("some/model", revision="1" * 40, trust_remote_code=True)
    processor_files["processor_config.json"] = {"processor_class": "LlavaProcessor"}
    with pytest.raises(AssertionError, match="it was fetched"):
        load_engine("some/model", revision="1" * 40, trust_remote_code=True)
    config = {"model_type": "llama"}
    with pytest.raises(LoadError, match="llama model, which takes no images"):
        load_engine("some/model")
    config = {}
    with pytest.raises(LoadError, match="does not know this kind of model"):
        load_engine("some/model")


# A hub


REFUSALS = {
    # owner: status, error code, and whether the files are refused or the repository already is
    "gated": (401, "GatedRepo", "files"),
    "agreed": (403, "GatedRepo", "files"),
    "closed": (403, "", "repository"),
    "nameless": (401, "", "repository"),
    "gone": (404, "RepoNotFound", "repository"),
    "plain": (404, "", "repository"),
    "renamed": (404, "RevisionNotFound", "repository"),
    "ill": (500, "", "repository"),
    "busy": (503, "", "repository"),
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as the client asks for: repositories with the files of a folder."""

    folder: Path
    asked: list[str]
    commit = "1" * 40

    def do_HEAD(self) -> None:
        self.respond(with_body=False)

    def do_GET(self) -> None:
        self.respond(with_body=True)

    def respond(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(path)
        found = re.match(r"/(?P<api>api/models/)?(?P<owner>\w+)/model(?P<rest>/.*)?$", path)
        if found is None:
            self.send(404, b"", with_body, error="RepoNotFound")
            return
        owner, about_files = found["owner"], not found["api"]
        status, error, what = REFUSALS.get(owner, (200, "", ""))
        if owner == "silent":
            time.sleep(30)
        elif what == "repository" or (what == "files" and about_files):
            self.send(status, b"", with_body, error=error)
        elif "/tree/" in path:
            entries = [
                {"type": "file", "oid": "0" * 40, "path": file["rfilename"], "size": file["size"]}
                for file in self.files(owner)
            ]
            self.send(200, json.dumps(entries).encode(), with_body)
        elif not about_files:
            info = {"id": f"{owner}/model", "sha": self.commit, "siblings": self.files(owner)}
            self.send(200, json.dumps(info).encode(), with_body)
        else:
            file = self.folder / path.rsplit("/", 1)[1]
            if file.is_file():
                self.send(200, file.read_bytes(), with_body, etag=f'"{file.name}"')
            else:
                self.send(404, b"", with_body, error="EntryNotFound")

    def files(self, owner: str) -> list[dict[str, Any]]:
        left_out = {
            "old": ".safetensors",
            "empty": ("safetensors", "bin"),
            "bare": "/config.json",
            "blind": "processor_config.json",
        }
        times = 10**10 if owner == "vast" else 1
        return [
            {"rfilename": file.name, "size": file.stat().st_size * times}
            for file in sorted(self.folder.iterdir())
            if not f"/{file.name}".endswith(left_out.get(owner, "\0"))
        ]

    def send(
        self, status: int, body: bytes, with_body: bool, etag: str = "", error: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", self.commit)
        if etag:
            self.send_header("ETag", etag)
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tiny_smolvlm: Path, tmp_path: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Environment variables that lead to a hub with some/model, and the paths it was asked for."""
    folder = Path(shutil.copytree(tiny_smolvlm, tmp_path / "repository"))
    (folder / "pytorch_model.bin").write_bytes(b"program" * 100)
    (folder / "own.py").write_text("raise SystemExit")
    handler = type("OneHub", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False  # one repository never answers
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    yield environment, handler.asked
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(environment: dict[str, str], checkpoint: str) -> Any:
    """Fetch in a process of its own: the client reads its environment when it is imported."""
    script = """if True:
        import json, sys
        from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch
        from vlm_demo.errors import LoadError
        told = []
        try:
            kind = checkpoint_config(sys.argv[1])["model_type"]
            folder = fetch(sys.argv[1], None, told.append)
            names = sorted(path.name for path in folder.iterdir())
            print(json.dumps([kind, names, [(p.stage, p.done, p.total, p.unit) for p in told]]))
        except LoadError as error:
            print(json.dumps(str(error)))
    """
    return json.loads(output_of(script, environment, checkpoint))


def output_of(script: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_fetching_tells_its_progress_in_bytes_and_leaves_programs_alone(
    hub: tuple[dict[str, str], list[str]], tmp_path: Path
) -> None:
    environment, asked = hub
    kind, names, told = fetched(environment, "some/model")
    assert kind == "smolvlm"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(names)
    assert not {"pytorch_model.bin", "own.py"} & set(names)
    wanted = [path for path in (tmp_path / "repository").iterdir() if path.name in names]
    total = sum(path.stat().st_size for path in wanted)
    assert told[0] == ["fetching", 0, total, "bytes"]
    done = [step[1] for step in told]
    assert done == sorted(done)
    assert done[-1] >= 0.9 * total
    asked.clear()
    assert fetched(environment, "some/model")[1] == names
    assert not asked, "what is on disk is not looked up again"


def test_programs_are_fetched_where_they_are_trusted(
    hub: tuple[dict[str, str], list[str]],
) -> None:
    script = """if True:
        from vlm_demo.engines.local.checkpoints.fetching import fetch
        print(sorted(path.name for path in fetch("some/model", with_code=True).iterdir()))
    """
    names = output_of(script, hub[0])
    assert "own.py" in names
    assert "pytorch_model.bin" not in names


def test_what_is_too_large_in_any_format_is_not_fetched(
    hub: tuple[dict[str, str], list[str]],
) -> None:
    script = """if True:
        from vlm_demo.engines.local.checkpoints.fetching import fetch
        from vlm_demo.errors import OutOfMemoryError
        try:
            fetch("some/model", memory=1000)
        except OutOfMemoryError as error:
            print(error)
    """
    environment, asked = hub
    said = output_of(script, environment)
    assert re.search(r"some/model is too large for this computer: .* even in 4-bit", said)
    assert not [path for path in asked if path.endswith(".safetensors")]


def test_checkpoints_to_be_converted_are_fetched_with_old_weights_where_there_are_no_others(
    hub: tuple[dict[str, str], list[str]],
) -> None:
    script = """if True:
        import json
        from vlm_demo.engines import fetch_original
        folders = [fetch_original(f"{owner}/model") for owner in ("some", "old")]
        print(json.dumps([sorted(path.name for path in folder.iterdir()) for folder in folders]))
    """
    safe, old = json.loads(output_of(script, hub[0]))
    assert "model.safetensors" in safe
    assert "pytorch_model.bin" not in safe
    assert {"pytorch_model.bin", "tokenizer.json"} <= set(old)
    assert "own.py" not in {*safe, *old}


def test_the_hubs_refusals_are_explained(hub: tuple[dict[str, str], list[str]]) -> None:
    explained = {
        "gated": r"is gated.*Accept its terms at http.*gated/model and set HF_TOKEN",
        "agreed": "is gated",
        "closed": "denies access to closed/model.*HF_TOKEN is valid",
        "nameless": "denies access to nameless/model.*HF_TOKEN is valid",
        "gone": "There is no model gone/model on the Hub, or it is private",
        "plain": "There is no model plain/model on the Hub",
        "renamed": "has no revision 'v9'",
        "ill": "could not be downloaded.*500",
        "busy": "could not be downloaded.*503",
        "old": "only weights in an old format.*can contain code.*safetensors",
        "empty": r"has no \.safetensors weights",
        "bare": r"has no config\.json: it is not a model",
        "blind": r"has no preprocessor_config\.json.*how to preprocess images",
        "vast": "takes .* on disk, and .* are free",
        "silent": "did not answer within 4 seconds",
    }
    script = """if True:
        import json, sys
        from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch
        from vlm_demo.errors import LoadError
        for owner in sys.argv[1:]:
            try:
                checkpoint_config(f"{owner}/model", "v9")
                fetch(f"{owner}/model", "v9")
            except LoadError as error:
                print(json.dumps([owner, str(error)]))
    """
    lines = output_of(script, hub[0], *explained).splitlines()
    told = dict(map(json.loads, lines))
    assert told.keys() == explained.keys()
    for owner, pattern in explained.items():
        assert re.search(pattern, told[owner]), told[owner]
        assert "\n" not in told[owner]
