"""What the page adds to a model's time: the real program and a real browser, a scripted model."""

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

from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.loopback import free_port, serving
from vlm_demo.bench.paced import MODEL, PacedServer, Writing, boxes, numbered, paced_server
from vlm_demo.bench.rows import Row, row_of
from vlm_demo.catalog.menu import REPOSITORY

TOKENS_PER_SECOND = 100.0
SECONDS = 4  # of an answer
BOXES = 50
LONGEST_ANSWER_S = 60.0

MENU = """
[[model]]
name = "Paced"
family = "llava15"
engine = "remote"
checkpoint = "{model}"
base_url = "{url}"
server = "openai"
"""

WATCH = r"""() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const seen = window.seen = {asked: 0, shown: [], text: ""};
  const box = document.querySelector("#chat-box textarea");
  const ANSWER = "#chat .bot .prose:not(:has(small.said))";  // not how long it took
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") seen.asked = now();
  }, true);
  new MutationObserver(() => {
    const text = [...document.querySelectorAll(ANSWER)].at(-1)?.textContent ?? "";
    const words = (text.match(/\bw\d+/g) ?? []).length;
    if (words > (seen.shown.at(-1)?.[1] ?? 0)) seen.shown.push([now(), words]);
    seen.text = text;
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""Notes when a question is sent, and when how many words of the answer stand on the page."""


WATCH_BOXES = r"""() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const seen = window.seen = {asked: 0, shown: [], text: ""};
  const layer = document.querySelector("#locate-picture .overlay");
  new MutationObserver(() => {
    const boxes = layer.querySelectorAll("rect.box").length;
    if (boxes > (seen.shown.at(-1)?.[1] ?? 0)) seen.shown.push([now(), boxes]);
  }).observe(layer, {subtree: true, childList: true});
}"""
"""Notes when how many boxes stand on the picture."""


WEIGH = """() => [
  ...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource"),
].filter(({name}) => !name.includes("/assets/") && !name.includes("/static/"))
  .reduce((sum, {transferSize}) => sum + transferSize, 0)"""
"""Bytes that were loaded, beyond Gradio's own scripts, styles and fonts."""

SWITCH = """async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (const tab of document.querySelectorAll("#tabs > .tab-wrapper [role=tab]")) {
    if (tab.ariaSelected === "true" || !tab.offsetParent) continue;
    const start = performance.now();
    tab.click();
    await painted();
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 500));
  }
  return times;
}"""
"""Opens one tab after the other; milliseconds until each stands there."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as the browser showed it; times are seconds since the epoch."""

    asked: float
    shown: list[tuple[float, int]]  # when so many words first stood there
    text: str


def _page(workshop: BenchContext) -> Iterator[Row]:
    """Chat without a picture. What the model itself takes to begin and to write is not counted."""
    tokens = round(TOKENS_PER_SECOND * (1 if workshop.options.tiny else SECONDS))
    ways_there, ways_back, bare, rates, identical = [], [], [], [], True
    with (
        _browser() as browser,
        paced_server(numbered(tokens), TOKENS_PER_SECOND) as model,
    ):
        with _program(model, workshop) as address:
            _chat(browser, address, model)  # the first answer finds what is imported late
            for _ in workshop.repeats("the page at 100 tokens per second"):
                shown, written = _chat(browser, address, model), model.writings[-1]
                there, back = _ways(shown, written)
                ways_there.append(there)
                ways_back.append(back)
                rates.append(_shown_rate(shown) / _written_rate(written))
                identical &= shown.text.split() == written.text.split()
        # Alone, too: servers of Gradio look for work a thousand times a second.
        with _bare_chat(model, workshop) as address:
            _chat(browser, address, model)
            for _ in workshop.repeats("a page of Gradio alone"):
                bare.append(sum(_ways(_chat(browser, address, model), model.writings[-1])))
    added = [there + back for there, back in zip(ways_there, ways_back, strict=True)]
    note = (
        f"{median(ways_there):.0f} ms to the model, {median(ways_back):.0f} ms back; "
        f"a chat of Gradio alone: {median(bare):.0f} ms"
    )
    yield row_of("page_first_ms", added, note, identical=identical)
    yield row_of("page_keeps_up", rates, identical=identical)


def _ways(shown: Shown, written: Writing) -> tuple[float, float]:
    """Milliseconds from the question to the model, and from its first token to the page."""
    back = shown.shown[0][0] - written.written[0]
    return 1000 * (written.asked - shown.asked), 1000 * back


@contextmanager
def _browser() -> Iterator[Any]:
    """Start Chromium, without a window.

    Raises:
        UnavailableError: there is no Playwright, or no Chromium.
    """
    try:
        playwright = importlib.import_module("playwright.sync_api")  # only developers have it
    except ImportError:
        raise UnavailableError(
            "The page is measured in a browser, through Playwright: pip install playwright."
        ) from None
    shell, whole = shutil.which("chromium-headless-shell"), shutil.which("chromium")
    program = os.environ.get("CHROMIUM") or shell or whole
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except playwright.Error as error:
            raise UnavailableError(
                "There is no Chromium. Install it, or say where it is in $CHROMIUM."
            ) from error
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _program(model: PacedServer, workshop: BenchContext) -> Iterator[str]:
    """Run the program with the scripted model on its menu; give its address.

    Raises:
        UnavailableError: the program is not here.
    """
    if not (REPOSITORY / "app.py").is_file():
        raise UnavailableError("app.py is not here: run this in a copy of the repository.")
    menu = workshop.folder / "paced.toml"
    menu.write_text(MENU.format(model=MODEL, url=model.url))
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "app.py", "--port", str(port), "--menu", str(menu)]
    with serving(command, address, workshop.folder / "page.log", workshop.options.threads):
        yield address


@contextmanager
def _bare_chat(model: PacedServer, workshop: BenchContext) -> Iterator[str]:
    """Run a chat of Gradio and nothing else with the scripted model; give its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    module = "vlm_demo.bench.bare_chat"
    command = [sys.executable, "-m", module, model.url, MODEL, str(port)]
    with serving(command, address, workshop.folder / "bare.log", workshop.options.threads):
        yield address


def _chat(browser: Any, address: str, model: PacedServer) -> Shown:
    """Ask one question on a fresh page, and wait until the whole answer stands there."""
    page = browser.new_page()
    try:
        page.goto(address)
        box = page.locator("#chat-box textarea")
        box.fill("Write.")
        page.wait_for_timeout(500)  # a person has seen the page by then
        page.evaluate(WATCH)
        box.press("Enter")
        page.wait_for_timeout(1000 * len(model.tokens) / TOKENS_PER_SECOND)  # looking on costs time
        done = f"() => seen.shown.length && seen.shown.at(-1)[1] >= {len(model.tokens)}"
        page.wait_for_function(done, timeout=LONGEST_ANSWER_S * 1000)
        return Shown(**page.evaluate("seen"))
    finally:
        page.close()


def _boxes(workshop: BenchContext) -> Iterator[Row]:
    """Locate with many boxes. A box is there when its closing bracket has been sent."""
    tokens = boxes(5 if workshop.options.tiny else BOXES)
    closing = [index for index, token in enumerate(tokens) if token == "]"]
    first, rates = [], []
    with (
        _browser() as browser,
        paced_server(tokens, TOKENS_PER_SECOND) as model,
        _program(model, workshop) as address,
    ):
        _locate(browser, address, len(tokens), len(closing), workshop)
        for _ in workshop.repeats("boxes on the page at 100 tokens per second"):
            shown = _locate(browser, address, len(tokens), len(closing), workshop)
            sent = [model.writings[-1].written[index] for index in closing]
            first.append(1000 * (shown.shown[0][0] - sent[0]))
            # Both from the first box to the last.
            (begun, least), (ended, most) = shown.shown[0], shown.shown[-1]
            rates.append((most - least) / (ended - begun) * (sent[-1] - sent[0]) / (len(sent) - 1))
    yield row_of("page_box_ms", first)
    yield row_of("page_boxes_keep_up", rates)


def _locate(browser: Any, address: str, tokens: int, count: int, workshop: BenchContext) -> Shown:
    """Locate on a fresh page, and wait until all boxes of some tokens stand on the picture."""
    picture = workshop.folder / "picture.png"
    Image.new("RGB", (800, 600), "white").save(picture)
    page = browser.new_page()
    try:
        page.goto(address)
        page.get_by_role("tab", name="Locate", exact=True).click()
        page.set_input_files("#locate-picture input[type=file]", str(picture))
        page.locator("#locate-picture .sheet img").wait_for()
        page.fill("#locate-words textarea, #locate-words input", "things")
        page.wait_for_timeout(500)  # a person has seen the page by then
        page.evaluate(WATCH_BOXES)
        page.click("#locate-run")
        page.wait_for_timeout(1000 * tokens / TOKENS_PER_SECOND)  # looking on costs time
        done = f"() => seen.shown.length && seen.shown.at(-1)[1] >= {count}"
        page.wait_for_function(done, timeout=LONGEST_ANSWER_S * 1000)
        return Shown(**page.evaluate("seen"))
    finally:
        page.close()


def _first_load(workshop: BenchContext) -> Iterator[Row]:
    """Open the page, and each of its tabs for the first time."""
    sizes, times = [], []
    with (
        _browser() as browser,
        paced_server(numbered(1), TOKENS_PER_SECOND) as model,
        _program(model, workshop) as address,
    ):
        for _ in workshop.repeats("the page and its tabs"):
            page = browser.new_page()
            page.goto(address)
            page.locator("#chat-box textarea").wait_for()
            page.wait_for_timeout(2000)  # what comes later belongs to the first load, too
            sizes.append(page.evaluate(WEIGH) / 1e6)
            times += page.evaluate(SWITCH)
            page.close()
    yield row_of("page_mb", sizes)
    yield row_of("tab_switch_ms", times, f"the slowest: {max(times):.0f} ms")


def _shown_rate(shown: Shown) -> float:
    (begun, first), (ended, last) = shown.shown[0], shown.shown[-1]
    return (last - first) / (ended - begun)


def _written_rate(written: Writing) -> float:
    return (len(written.written) - 1) / (written.written[-1] - written.written[0])


GROUPS = (
    Group(("page_first_ms", "page_keeps_up"), _page),
    Group(("page_box_ms", "page_boxes_keep_up"), _boxes),
    Group(("page_mb", "tab_switch_ms"), _first_load),
)
