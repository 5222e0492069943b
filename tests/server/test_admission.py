"""Who gets to a page: signed in where it is closed, and after its terms; and its operators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio.oauth
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support.scripted import served
from support.studio import StudioClient

from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError
from vlm_demo.server import ServerPart
from vlm_demo.server.operators import Operators
from vlm_demo.server.secret_files import read_password
from vlm_demo.server.users import MAX_ATTEMPTS, read_users
from vlm_demo.settings import Settings
from vlm_demo.ui import layout
from vlm_demo.ui.admission.terms import MAX_CHARACTERS, read_terms

BROWSER = {"Accept": "text/html"}
CLOSED = (
    *("config", "gradio_api/info", "gradio_api/heartbeat/x", "gradio_api/file=/etc/passwd"),
    *("v1/models", "operations", "metrics", "terms", "monitoring", "gradio_api/mcp/sse"),
)


def http_client(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, trust_env=False, timeout=60)


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users"
    file.write_text("# who may come\nalice: open sesame \nbob:a:b\n")
    file.chmod(0o600)
    return file


# Names and passwords


def test_a_closed_page_opens_to_those_who_sign_in(
    backend: Backend, tmp_path: Path, users: Path
) -> None:
    api = ServerPart((Route("/v1/models", lambda _: PlainTextResponse("models")),))
    folder = tmp_path / "page"
    with served(backend, folder, parts=[api], auth=users) as address, http_client(address) as http:
        assert http.get("healthz").status_code == 200
        page = http.get("", headers=BROWSER)
        assert page.status_code == 200 and '"auth_required":true' in page.text
        assert "studio" not in page.text.lower()
        for path in CLOSED:
            assert http.get(path).status_code == 401, path
        for path in ("gradio_api/queue/join", "gradio_api/call/caption", "gradio_api/upload"):
            assert http.post(path, json={"data": []}).status_code == 401, path
        wrong = {"username": "alice", "password": "sesame"}
        assert http.post("login", data=wrong).status_code == 400
        assert http.get("config").status_code == 401

        assert http.post("login", data=wrong | {"password": "open sesame"}).status_code == 200

        assert http.get("config").status_code == 200
        assert http.get("v1/models").text == "models"
        assert "studio" in http.get("", headers=BROWSER).text.lower()


def test_programs_with_keys_need_no_login(backend: Backend, tmp_path: Path, users: Path) -> None:
    api = ServerPart((Route("/v1/models", lambda _: PlainTextResponse("models")),))
    given: dict[str, Any] = {"auth": users, "api_keys": ("key",), "metrics_key": "other"}
    folder = tmp_path / "page"
    with (
        served(backend, folder, parts=[api], **given) as address,
        http_client(address) as http,
    ):
        keyed = {"Authorization": "Bearer key"}
        assert http.get("v1/models", headers=keyed).status_code == 200  # the API looks at the key
        assert http.get("v1/models").status_code == 401
        assert http.get("v1x", headers=keyed).status_code == 401
        assert http.get("config", headers=keyed).status_code == 401


def test_a_name_cannot_be_tried_without_end(users: Path) -> None:
    known = read_users(users)
    assert known.knows("bob", "a:b") and not known.knows("bob", "a") and not known.knows("x", "")
    for number in range(MAX_ATTEMPTS):
        assert not known.knows("alice", f"guess {number}")
    assert not known.knows("alice", "open sesame")
    assert known.knows("bob", "a:b")


@pytest.mark.parametrize("text", ["", "#", "alice", "alice:", ":x", "a:b\na:c", b"\xff\xfe\x00"])
def test_files_of_users_that_cannot_be_used_are_refused(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "users"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match="users"):
        read_users(file)


# Terms


def test_nothing_is_answered_before_the_terms_are_accepted(
    backend: Backend, tmp_path: Path
) -> None:
    file = tmp_path / "terms.txt"
    file.write_text("Be kind.\n<script>alert(1)</script>")
    with served(backend, tmp_path / "page", terms=file) as address, http_client(address) as http:
        shown = http.get("?ask=abc&x=1", headers=BROWSER | {"Accept-Language": "ja"})
        assert "Be kind." in shown.text and "<script" not in shown.text
        assert "同意" in shown.text
        assert shown.headers["cache-control"] == "no-store"
        for path in ("gradio_api/call/caption", "gradio_api/queue/join", "gradio_api/upload"):
            refused = http.post(path, json={"data": []})
            assert (refused.status_code, "accept its terms" in refused.text) == (403, True), path
        assert http.get("config").status_code == 403
        assert http.get("healthz").status_code == 200

        accepted = http.post("terms", data={"query": "ask=abc&x=1\r\nSet-Cookie: a=b"})

        assert accepted.status_code == 303
        assert accepted.headers["location"].startswith("./?ask=abc&x=1")
        assert "Max-Age=31536000" in accepted.headers["set-cookie"]
        assert http.get("config").status_code == 200  # and from then on
        assert "Be kind." not in http.get("", headers=BROWSER).text


def test_changed_terms_are_accepted_anew(tmp_path: Path) -> None:
    file = tmp_path / "terms.txt"
    file.write_text("One.")
    before = read_terms(file)
    cookie = before.accept(is_secure=True)
    assert "SameSite=None; Secure; Partitioned" in cookie
    file.write_text("Two.")
    assert before.are_accepted(cookie) and not read_terms(file).are_accepted(cookie)
    for bad in ("", " \n", "x" * (MAX_CHARACTERS + 1)):
        file.write_text(bad)
        with pytest.raises(SettingsError, match=r"terms\.txt must have"):
            read_terms(file)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_terms(tmp_path / "none")


# The operator's password, and the login of the Hub


def test_the_password_can_be_in_a_file_that_only_its_user_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse\nsomething else")
    file.chmod(0o600)
    flags = {"operator_password_file": str(file)}
    assert read_password(Settings.read(flags, environ={})) == "correct horse"
    assert caplog.text == ""
    file.chmod(0o644)
    read_password(Settings.read(flags, environ={}))
    assert "chmod 600" in caplog.text
    file.write_text("\n")
    with pytest.raises(SettingsError, match="no password"):
        read_password(Settings.read(flags, environ={}))
    from_variable = Settings.read(environ={"VLM_DEMO_OPERATOR_PASSWORD": "x"})
    assert read_password(from_variable) == "x"


PROFILE = {"preferred_username": "carol", "name": "C", "profile": "", "picture": ""}


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Space of carol's with the Hub's login, whose answers are made up."""
    monkeypatch.setenv("SPACE_ID", "carol/demo")
    monkeypatch.setenv("SPACE_AUTHOR_NAME", "carol")
    monkeypatch.setattr(layout, "offers_hub_login", lambda: True)
    monkeypatch.setattr(Operators, "has_hub_login", True)
    monkeypatch.setattr(gradio.oauth, "get_space", lambda: None)  # then Gradio asks no Hub
    monkeypatch.setattr(gradio.oauth, "_get_mocked_oauth_info", lambda: {"userinfo": PROFILE})
    yield


@pytest.mark.filterwarnings("ignore:Gradio does not support OAuth")
def test_the_owner_of_a_space_is_its_operator(
    space: None, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(backend, tmp_path, public=True) as address:
        page = StudioClient(address)
        before = page.http.get("operations")
        assert before.status_code == 401 and "login/huggingface" in before.text
        signed_in = page.http.get("login/callback", follow_redirects=False)
        session = signed_in.headers["set-cookie"].partition(";")[0]  # Secure: not sent over http
        mine = {"Cookie": session}
        assert "Models in memory" in page.http.get("operations", headers=mine).text
        elsewhere = mine | {"Sec-Fetch-Site": "cross-site"}
        forged = page.http.post("operations", data={"act": "delete"}, headers=elsewhere)
        assert forged.status_code == 403
        monkeypatch.setitem(PROFILE, "preferred_username", "mallory")
        other = page.http.get("login/callback", follow_redirects=False).headers["set-cookie"]
        refused = page.http.get("operations", headers={"Cookie": other.partition(";")[0]})
        assert refused.status_code == 401
        page.close()


def test_operators_are_the_owner_and_those_who_are_named(space: None) -> None:
    who = Operators(Settings(public=True, operators=("dave",)), str)

    def knows(name: str, **more: Any) -> bool:
        return who.knows_login({"oauth_info": {"userinfo": {"preferred_username": name}, **more}})

    assert knows("carol") and knows("dave") and knows("carol", expires_at=2e10)
    assert not knows("Carol") and not knows("") and not knows("carol", expires_at=1)
    assert not who.knows_login({}) and not who.knows_login({"oauth_info": {}})
    alone = Operators(Settings(public=True), str)
    assert not alone.knows_login({"oauth_info": {"userinfo": {"preferred_username": "dave"}}})
