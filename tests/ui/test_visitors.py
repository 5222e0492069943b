"""The cookie that tells voters apart, as browsers and scripts meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request as HttpRequest

from vlm_demo.ui.visitors import COOKIE, VisitorCookies, read_voter

PAGE = {"accept": "text/html,application/xhtml+xml"}


def hashed(secret: str) -> Callable[[str], str]:
    return lambda identity: f"{secret}:{identity}"


class Door:
    """The middleware, and what it lets through to the application."""

    def __init__(self, secret: str = "s") -> None:
        self.app = VisitorCookies(self._answer, voter=hashed(secret))
        self.seen: dict[str, Any] = {}

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen = scope
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(
        self, headers: dict[str, str], scheme: str = "http", peer: str = "10.0.0.1"
    ) -> Morsel[str] | None:
        """Send a request; return the cookie that comes with the answer."""
        scope = {
            "type": "http",
            "scheme": scheme,
            "client": (peer, 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[Any] = []

        async def run() -> None:
            async def send(message: Any) -> None:
                sent.append(message)

            await self.app(scope, None, send)  # type: ignore[arg-type]  # a body is not read

        asyncio.run(run())
        cookies = [v.decode() for k, v in sent[0]["headers"] if k == b"set-cookie"]
        assert len(cookies) <= 1
        # Python's reader of cookies does not know this word of browsers yet.
        return SimpleCookie(cookies[0].replace("; Partitioned", ""))[COOKIE] if cookies else None

    def voter(self, session: str = "a session", username: str | None = None) -> str:
        """Return the voter of the request that was let through last."""
        request = HttpRequest(self.seen)
        return read_voter(gr.Request(request, username=username, session_hash=session))


def sent_back(cookie: Morsel[str], **others: str) -> dict[str, str]:
    return {"cookie": f'odd[1]="{{; {COOKIE}={cookie.value}', **others}


def test_a_browser_gets_one_cookie_and_is_one_voter_from_then_on():
    door = Door()
    cookie = door.ask(PAGE)
    assert cookie is not None
    assert cookie["httponly"]
    assert door.ask(sent_back(cookie, **PAGE)) is None  # it keeps the one it has
    voter = door.voter()
    door.ask(sent_back(cookie), peer="10.9.9.9")
    assert door.voter("another session") == voter  # wherever it is, and after a reload


def test_two_browsers_are_two_voters():
    door = Door()
    voters = set()
    for _ in range(2):
        cookie = door.ask(PAGE)
        assert cookie is not None
        door.ask(sent_back(cookie))
        voters.add(door.voter())
    assert len(voters) == 2


@pytest.mark.parametrize(
    ("scheme", "headers"), [("https", {}), ("http", {"x-forwarded-proto": "https"})]
)
def test_over_https_the_cookie_works_in_the_frame_of_a_space(scheme: str, headers: dict[str, str]):
    cookie = Door().ask(PAGE | headers, scheme=scheme)
    assert cookie is not None
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)


def test_without_https_the_cookie_stays_with_the_page():
    cookie = Door().ask(PAGE)
    assert cookie is not None
    assert (cookie["samesite"], cookie["secure"]) == ("Lax", "")


def test_only_those_who_open_a_page_get_a_cookie():
    assert Door().ask({"accept": "application/json"}) is None
    assert Door().ask({}) is None


@pytest.mark.parametrize("change", ["", "x", "forged"])
def test_a_cookie_that_is_not_ours_is_nobody(change: str):
    door = Door()
    cookie = door.ask(PAGE)
    assert cookie is not None
    value = "somebody.signature" if change == "forged" else cookie.value[:-3] + change
    assert door.ask({"cookie": f"{COOKIE}={value}", **PAGE}) is not None  # a new one
    assert door.voter("mine") == door.voter("mine") == "s:session mine"


def test_another_secret_makes_new_visitors_of_all():
    cookie = Door("s").ask(PAGE)
    assert cookie is not None
    assert Door("t").ask(sent_back(cookie, **PAGE)) is not None


def test_a_login_counts_more_than_the_cookie():
    door = Door()
    cookie = door.ask(PAGE)
    assert cookie is not None
    door.ask(sent_back(cookie))
    with_cookie = door.voter(username="alice")
    door.ask({})
    assert door.voter(username="alice") == with_cookie == "s:login alice"


def test_a_client_without_cookies_is_its_session():
    door = Door()
    door.ask({}, peer="10.0.0.1")
    here = door.voter("one")
    door.ask({}, peer="10.9.9.9")
    assert door.voter("one") == here
    assert door.voter("two") != here
