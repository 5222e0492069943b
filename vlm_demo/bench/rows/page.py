"""What the page adds to a model's time: the real program, a real browser and a scripted model."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from PIL import Image

from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.local_servers import free_port, serving
from vlm_demo.bench.results import BenchRow, median_row
from vlm_demo.bench.scripted_server import (
    MODEL,
    ScriptedServer,
    StreamedAnswer,
    box_tokens,
    number_tokens,
    serve_script,
)
from vlm_demo.catalog.menu import REPOSITORY

TOKENS_PER_SECOND = 100.0
SECONDS = 4  # of an answer
BOXES = 50
MAX_ANSWER_S = 60.0

MENU = """
[[model]]
name = "Paced"
family = "llava15"
engine = "remote"
checkpoint = "{model}"
base_url = "{url}"
server = "openai"
"""

WATCH = r"""([box, answers, confirm]) => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const seen = window.seen = {asked_at: 0, counts: [], text: ""};
  document.querySelector(box).addEventListener("keydown", (event) => {
    if (event.key === "Enter") seen.asked_at = now();
  }, true);
  document.addEventListener("click", ({target}) => {
    if (confirm && target.textContent === confirm) seen.asked_at = now();
  }, true);
  new MutationObserver(() => {
    const text = [...document.querySelectorAll(answers)].at(-1)?.textContent ?? "";
    const words = (text.match(/\bw\d+/g) ?? []).length;
    if (words > (seen.counts.at(-1)?.[1] ?? 0)) seen.counts.push([now(), words]);
    seen.text = text;
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""Script that records when a question is sent, and when how many words of the answer are shown."""

WATCH_BOXES = r"""() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const seen = window.seen = {asked_at: 0, counts: [], text: ""};
  const layer = document.querySelector("#studio-canvas .overlay");
  new MutationObserver(() => {
    const boxes = layer.querySelectorAll("rect.box").length;
    if (boxes > (seen.counts.at(-1)?.[1] ?? 0)) seen.counts.push([now(), boxes]);
  }).observe(layer, {subtree: true, childList: true});
}"""
"""Script that records when how many boxes are shown on the picture."""

WEIGH = """() => [
  ...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource"),
].filter(({name}) => !name.includes("/assets/") && !name.includes("/static/"))
  .reduce((sum, {transferSize}) => sum + transferSize, 0)"""
"""Script that counts the bytes loaded, without Gradio's own scripts, styles and fonts."""

SWITCH = """async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (const tab of document.querySelectorAll("#views [role=tab]")) {
    if (tab.ariaSelected === "true") continue;
    const start = performance.now();
    tab.click();
    await painted();
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 500));
  }
  return times;
}"""
"""Script that opens one view after the other; returns the milliseconds until each is painted."""


@dataclass(frozen=True, slots=True)
class ChatElements:
    """Where a page has its message box and its answers."""

    box: str
    answers: str
    confirm: str = ""  # text of the button that sends a message without a picture


STUDIO = ChatElements("#studio-composer", "#conversation .reply-text", "Send text only")
BARE_CHAT = ChatElements("#chat-box textarea", "#chat .bot .prose")


@dataclass(frozen=True, slots=True)
class DisplayedAnswer:
    """An answer as the browser showed it; times are seconds since the epoch."""

    asked_at: float
    counts: list[tuple[float, int]]  # when so many words or boxes were first shown
    text: str


def _measure_chat(context: BenchContext) -> Iterator[BenchRow]:
    """Chat without a picture; the time that the model itself takes is not counted."""
    tokens = round(TOKENS_PER_SECOND * (1 if context.options.tiny else SECONDS))
    to_model, to_page, bare, rates, identical = [], [], [], [], True
    with (
        _open_browser() as browser,
        serve_script(number_tokens(tokens), TOKENS_PER_SECOND) as model,
    ):
        with _serve_program(model, context) as address:
            _chat(browser, address, model, STUDIO)  # the first answer waits for late imports
            for _ in context.repeats("the page at 100 tokens per second"):
                displayed = _chat(browser, address, model, STUDIO)
                sent = model.answers[-1]
                there, back = _delays_ms(displayed, sent)
                to_model.append(there)
                to_page.append(back)
                rates.append(_display_rate(displayed) / _send_rate(sent))
                identical &= displayed.text.split() == sent.text.split()
        # Not beside the program: servers of Gradio poll for work a thousand times a second.
        with _serve_bare_chat(model, context) as address:
            _chat(browser, address, model, BARE_CHAT)
            for _ in context.repeats("a page of Gradio alone"):
                displayed = _chat(browser, address, model, BARE_CHAT)
                bare.append(sum(_delays_ms(displayed, model.answers[-1])))
    added = [there + back for there, back in zip(to_model, to_page, strict=True)]
    note = (
        f"{median(to_model):.0f} ms to the model, {median(to_page):.0f} ms back; "
        f"a chat of Gradio alone: {median(bare):.0f} ms"
    )
    yield median_row("page_first_ms", added, note, identical=identical)
    yield median_row("page_keeps_up", rates, identical=identical)


def _delays_ms(displayed: DisplayedAnswer, sent: StreamedAnswer) -> tuple[float, float]:
    """Return the times from the question to the model, and from its first token to the page."""
    back = displayed.counts[0][0] - sent.sent_at[0]
    return 1000 * (sent.asked_at - displayed.asked_at), 1000 * back


@contextmanager
def _open_browser() -> Iterator[Any]:
    """Start Chromium without a window.

    Raises:
        UnavailableError: there is no Playwright, or no Chromium.
    """
    try:
        playwright = importlib.import_module("playwright.sync_api")  # only developers have it
    except ImportError:
        raise UnavailableError(
            "The page is measured in a browser, through Playwright: pip install playwright."
        ) from None
    shell, full = shutil.which("chromium-headless-shell"), shutil.which("chromium")
    program = os.environ.get("CHROMIUM") or shell or full
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except playwright.Error as error:
            raise UnavailableError(
                "There is no Chromium. Install it, or set $CHROMIUM to its path."
            ) from error
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _serve_program(model: ScriptedServer, context: BenchContext) -> Iterator[str]:
    """Run the program with the scripted model on its menu; yield its address.

    Raises:
        UnavailableError: there is no app.py.
    """
    if not (REPOSITORY / "app.py").is_file():
        raise UnavailableError("app.py is missing: run this in a clone of the repository.")
    menu = context.folder / "paced.toml"
    menu.write_text(MENU.format(model=MODEL, url=model.url))
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "app.py", "--port", str(port), "--menu", str(menu)]
    with serving(command, address, context.folder / "page.log", context.options.threads):
        yield address


@contextmanager
def _serve_bare_chat(model: ScriptedServer, context: BenchContext) -> Iterator[str]:
    """Run a chat of Gradio and nothing else with the scripted model; yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    module = "vlm_demo.bench.bare_chat"
    command = [sys.executable, "-m", module, model.url, MODEL, str(port)]
    with serving(command, address, context.folder / "bare.log", context.options.threads):
        yield address


def _chat(
    browser: Any, address: str, model: ScriptedServer, elements: ChatElements
) -> DisplayedAnswer:
    """Ask one question on a new page, and wait until the whole answer is shown."""
    page = browser.new_page()
    try:
        page.goto(address)
        box = page.locator(elements.box)
        box.fill("Write.")
        page.wait_for_timeout(500)  # as a person would
        page.evaluate(WATCH, [elements.box, elements.answers, elements.confirm])
        box.press("Enter")
        if elements.confirm:
            page.get_by_role("button", name=elements.confirm).click()
        page.wait_for_timeout(1000 * len(model.tokens) / TOKENS_PER_SECOND)  # polling costs time
        done = f"() => seen.counts.length && seen.counts.at(-1)[1] >= {len(model.tokens)}"
        page.wait_for_function(done, timeout=MAX_ANSWER_S * 1000)
        return DisplayedAnswer(**page.evaluate("seen"))
    finally:
        page.close()


def _measure_boxes(context: BenchContext) -> Iterator[BenchRow]:
    """Find objects with many boxes; a box is complete when its closing bracket has been sent."""
    tokens = box_tokens(5 if context.options.tiny else BOXES)
    closing = [index for index, token in enumerate(tokens) if token == "]"]
    first, rates = [], []
    with (
        _open_browser() as browser,
        serve_script(tokens, TOKENS_PER_SECOND) as model,
        _serve_program(model, context) as address,
    ):
        _locate(browser, address, len(tokens), len(closing), context)
        for _ in context.repeats("boxes on the page at 100 tokens per second"):
            displayed = _locate(browser, address, len(tokens), len(closing), context)
            sent_at = [model.answers[-1].sent_at[index] for index in closing]
            first.append(1000 * (displayed.counts[0][0] - sent_at[0]))
            # Both rates are from the first box to the last.
            send_rate = (len(sent_at) - 1) / (sent_at[-1] - sent_at[0])
            rates.append(_display_rate(displayed) / send_rate)
    yield median_row("page_box_ms", first)
    yield median_row("page_boxes_keep_up", rates)


def _locate(
    browser: Any, address: str, tokens: int, count: int, context: BenchContext
) -> DisplayedAnswer:
    """Find objects on a new page, and wait until `count` boxes are shown on the picture."""
    path = context.folder / "picture.png"
    Image.new("RGB", (800, 600), "white").save(path)
    page = browser.new_page()
    try:
        page.goto(address)
        page.set_input_files("#studio-upload input[type=file]", str(path))
        page.locator("#studio-canvas .sheet img").wait_for()
        page.click("#studio-task")
        page.click("[data-task=find]")
        page.fill("#studio-composer", "things")
        page.wait_for_timeout(500)  # as a person would
        page.evaluate(WATCH_BOXES)
        page.press("#studio-composer", "Enter")
        page.wait_for_timeout(1000 * tokens / TOKENS_PER_SECOND)  # polling costs time
        done = f"() => seen.counts.length && seen.counts.at(-1)[1] >= {count}"
        page.wait_for_function(done, timeout=MAX_ANSWER_S * 1000)
        return DisplayedAnswer(**page.evaluate("seen"))
    finally:
        page.close()


def _measure_first_load(context: BenchContext) -> Iterator[BenchRow]:
    """Open the page and each of its views for the first time."""
    sizes, times = [], []
    with (
        _open_browser() as browser,
        serve_script(number_tokens(1), TOKENS_PER_SECOND) as model,
        _serve_program(model, context) as address,
    ):
        for _ in context.repeats("the page and its views"):
            page = browser.new_page()
            page.goto(address)
            page.locator("#studio-composer").wait_for()
            page.wait_for_timeout(2000)  # what comes late belongs to the first load as well
            sizes.append(page.evaluate(WEIGH) / 1e6)
            times += page.evaluate(SWITCH)
            page.close()
    yield median_row("page_mb", sizes)
    yield median_row("tab_switch_ms", times, f"the slowest: {max(times):.0f} ms")


def _display_rate(displayed: DisplayedAnswer) -> float:
    (start, first), (end, last) = displayed.counts[0], displayed.counts[-1]
    return (last - first) / (end - start)


def _send_rate(sent: StreamedAnswer) -> float:
    return (len(sent.sent_at) - 1) / (sent.sent_at[-1] - sent.sent_at[0])


MEASUREMENTS = (
    Measurement(("page_first_ms", "page_keeps_up"), _measure_chat),
    Measurement(("page_box_ms", "page_boxes_keep_up"), _measure_boxes),
    Measurement(("page_mb", "tab_switch_ms"), _measure_first_load),
)
