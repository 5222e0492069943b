"""Nothing that a model writes makes a reader's browser ask another address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Visit
from support.other_site import OtherSite
from support.payloads import payloads
from support.scripted import ScriptedEngine

from vlm_demo.ui.components.answer.markdown_blocks import MarkdownBlocks

INSERT = """(pieces) => {
    window.told = [];
    addEventListener("securitypolicyviolation", (event) => told.push(event.effectiveDirective));
    for (const piece of pieces) {
        const box = document.createElement("div");
        box.innerHTML = piece;
        document.body.append(box);
    }
}"""


@pytest.fixture
def site() -> Iterator[OtherSite]:
    site = OtherSite()
    yield site
    site.close()


def test_answers_ask_no_other_address(
    visit: Visit, site: OtherSite, engine: ScriptedEngine, circle: Path
) -> None:
    """Each payload as answers are written, and all of them as one answer in Studio."""
    texts = payloads(site.address)
    assert len(set(texts)) == 60
    blocks = [one for text in texts for one in MarkdownBlocks().update(text, (), is_complete=True)]
    visit.page.evaluate(INSERT, blocks)
    before, engine.answers = engine.answers, {"everything": "\n\n".join(texts)}
    try:
        visit.show(circle)
        visit.ask("everything")
    finally:
        engine.answers = before
    visit.page.wait_for_timeout(1_000)
    assert site.connections == 0
    assert visit.page.evaluate("told") == []  # nothing was even tried


def test_the_browser_refuses_what_a_mistake_of_the_page_would_let_through(
    visit: Visit, site: OtherSite
) -> None:
    """The Content-Security-Policy alone keeps the payloads, as they are, from other addresses."""
    # No policy keeps a document from sending its reader to another one.
    risky = [text for text in payloads(site.address) if "http-equiv=refresh" not in text]
    visit.page.evaluate(INSERT, risky)
    visit.page.wait_for_timeout(2_000)
    assert site.connections == 0
    told = set(visit.page.evaluate("told"))
    assert {"img-src", "media-src", "frame-src", "script-src-attr"} <= told
    visit.complaints.clear()  # what the browser says of its refusals
    visit.foreign.clear()
