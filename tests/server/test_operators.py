"""What only the operator of a public page may do, and how one becomes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from itsdangerous import TimestampSigner
from support.scripted import served
from support.studio import StudioClient

from vlm_demo.backend import Backend
from vlm_demo.errors import NotRunnableError, RateLimitError
from vlm_demo.server.operators import COOKIE, MAX_ATTEMPTS, SESSION_S, Operators
from vlm_demo.settings import Settings
from vlm_demo.values import Request, Task

PASSWORD = "correct horse"
REFUSED = "Only the operator of this page can do this."


@dataclass
class Page:
    address: str
    backend: Backend


@pytest.fixture(scope="module")
def public(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("public")
    with served(backend, folder, public=True, operator_password=PASSWORD) as address:
        yield Page(address, backend)


@pytest.fixture
def visitor(public: Page) -> Iterator[StudioClient]:
    client = StudioClient(public.address)
    yield client
    client.close()


@pytest.fixture
def operator(public: Page) -> Iterator[StudioClient]:
    client = StudioClient(public.address)
    entered = client.http.post("operations", data={"password": PASSWORD})
    assert entered.status_code == 200
    yield client
    client.close()


def press(client: StudioClient, button: str, *arguments: Any) -> None:
    """Press a button of Gradio's page, as a program that knows its number can."""
    config = client.http.get("config").json()
    (component,) = [
        one["id"] for one in config["components"] if one["props"].get("elem_id") == button
    ]
    (event,) = [
        one["id"] for one in config["dependencies"] if [component, "click"] in one["targets"]
    ]
    session = uuid4().hex
    joined = client.http.post(
        "gradio_api/queue/join",
        json={"data": list(arguments), "fn_index": event, "session_hash": session},
    )
    assert joined.status_code == 200
    with client.http.stream("GET", f"gradio_api/queue/data?session_hash={session}") as stream:
        assert any("process_completed" in line for line in stream.iter_lines())


def words(result: dict[str, Any]) -> str:
    return str(result["error"]["words"])


@pytest.mark.parametrize(
    "call",
    [
        lambda page: page.call("studio_unload", "scripted"),
        lambda page: page.call("studio_add_model", "someone/something", ""),
        lambda page: page.call("studio_list_server", "http://127.0.0.1:1/v1", ""),
        lambda page: page.call("studio_add_server", "http://127.0.0.1:1/v1", "", ["x"], {}),
        lambda page: list(page.stream_values("studio_load", "scripted", "4-bit"))[-1],
        lambda page: list(page.stream_values("studio_load", "far-away", ""))[-1],
    ],
)
def test_a_visitor_cannot_do_what_concerns_everybody(
    visitor: StudioClient, call: Callable[[StudioClient], dict[str, Any]]
) -> None:
    assert words(call(visitor)) == REFUSED


def test_a_visitor_unloads_and_stops_nothing_by_the_events_of_the_page(
    visitor: StudioClient, operator: StudioClient, public: Page
) -> None:
    list(operator.stream_values("studio_load", "scripted", ""))
    assert public.backend.is_loaded("scripted")
    press(visitor, "models-unload", "scripted")
    press(visitor, "models-stop", "scripted")
    assert public.backend.is_loaded("scripted")
    press(operator, "models-unload", "scripted")
    assert not public.backend.is_loaded("scripted")


def test_each_is_told_what_it_may_do(visitor: StudioClient, operator: StudioClient) -> None:
    assert not visitor.call("studio_start")["may_manage_models"]
    assert not visitor.call("studio_start")["may_add_models"]
    assert operator.call("studio_start")["may_add_models"]


def test_operations_are_the_operators(visitor: StudioClient, operator: StudioClient) -> None:
    refused = visitor.http.get("operations")
    assert refused.status_code == 401
    assert "Models in memory" not in refused.text
    assert visitor.http.get("metrics").status_code == 403
    shown = operator.http.get("operations")
    assert shown.status_code == 200
    assert "Models in memory" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    in_japanese = operator.http.get("operations", headers={"Accept-Language": "ja"})
    assert "Models in memory" not in in_japanese.text


def test_a_wrong_password_is_noted_and_gives_nothing(visitor: StudioClient) -> None:
    wrong = visitor.http.post("operations", data={"password": "<script>1</script>"})
    assert wrong.status_code == 403
    assert "<script" not in wrong.text
    assert "set-cookie" not in wrong.headers
    assert visitor.http.get("operations").status_code == 401


def test_the_operator_can_sign_out(operator: StudioClient) -> None:
    operator.http.post("operations", data={"act": "leave"})
    assert operator.http.get("operations").status_code == 401


def test_on_a_private_page_everybody_is_the_operator(
    backend: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with served(backend, tmp_path_factory.mktemp("private")) as address:
        page = StudioClient(address)
        assert page.http.get("operations").status_code == 200
        assert "error" not in page.call("studio_unload", "scripted")
        page.close()


def test_a_request_fetches_nothing_where_only_the_operator_may(backend: Backend) -> None:
    careful = Backend(backend.menu, fetch_for_answers=False)
    with pytest.raises(NotRunnableError, match="only the operator"):
        list(careful.answer("far-away", Request(Task.CHAT, text="Hello")))
    careful.close()


# Passwords and cookies


def keyed_hash(text: str) -> str:
    return f"hash of {text}"


def operators(password: str = PASSWORD, *, public: bool = True) -> Operators:
    return Operators(Settings(public=public, operator_password=password), keyed_hash)


def cookie(value: str) -> str:
    return value.partition(";")[0]


def test_the_cookie_is_for_this_site_alone() -> None:
    header = operators().sign_in(PASSWORD, is_secure=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(header.split("; "))
    assert operators().knows(cookie(header))


def test_the_cookie_is_void_with_another_password_or_a_changed_sign() -> None:
    sent = cookie(operators().sign_in(PASSWORD, is_secure=False))
    assert not operators("another").knows(sent)
    assert not operators().knows(sent[:-1])
    assert not operators().knows(f"{COOKIE}=operator")
    assert not operators().knows("")


def test_the_cookie_ends_after_half_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = cookie(operators().sign_in(PASSWORD, is_secure=False))
    now = TimestampSigner("").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now + SESSION_S + 1)
    assert not operators().knows(sent)


def test_without_a_password_a_public_page_has_no_operator() -> None:
    nobody = operators("")
    assert nobody.sign_in("", is_secure=False) == ""
    assert not nobody.knows(f"{COOKIE}=")
    assert operators("", public=False).knows("")


def test_passwords_cannot_be_tried_without_end() -> None:
    tried = operators()
    for number in range(MAX_ATTEMPTS):
        assert not tried.sign_in(f"guess {number}", is_secure=False)
    with pytest.raises(RateLimitError, match="in a minute"):
        tried.sign_in(PASSWORD, is_secure=False)


def test_a_page_is_public_where_strangers_may_open_it() -> None:
    assert not Settings().is_public(environ={})
    assert Settings(host="0.0.0.0").is_public(environ={})
    assert Settings().is_public(environ={"SPACE_ID": "a/b"})
    assert Settings(share=True).is_public(environ={})
    assert Settings(public=True).is_public(environ={})
    assert not Settings(public=True).is_private(environ={})
    assert not Settings(host="0.0.0.0", public=False).is_public(environ={})
    assert not Settings(host="0.0.0.0", public=False).is_private(environ={})
