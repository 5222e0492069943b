"""Answers as safe HTML: Markdown and formulas, phrases in colour, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from vlm_demo.ui.components.answer import markdown_blocks, markdown_math
from vlm_demo.ui.components.answer.markdown_blocks import MarkdownBlocks
from vlm_demo.ui.components.answer.phrase_marks import PhraseMark

TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "a", "code", "pre", "blockquote", "mark", "div"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Reader(HTMLParser):
    """Collects what a browser would make of some HTML."""

    def __init__(self, blocks: list[str]) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        for block in blocks:
            self.feed(block)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def marks(text: str, *phrases: str) -> list[PhraseMark]:
    starts = [text.index(phrase) for phrase in phrases]
    return [
        PhraseMark(start, start + len(phrase), i, f'<mark role="button" id="m{i}">', "<mark>")
        for i, (start, phrase) in enumerate(zip(starts, phrases, strict=True))
    ]


def render(text: str, *phrases: str) -> str:
    return "\n".join(MarkdownBlocks().update(text, marks(text, *phrases), is_complete=True))


HOSTILE = [
    "<script>alert(1)</script><img src=http://e.invalid/a.png onerror=alert(1)>",
    "![a](http://e.invalid/b.png) ![b][r]\n\n[r]: http://e.invalid/c.png",
    "[x](javascript:alert(1)) [y](data:text/html,x) [z](vbscript:x) [w](//e.invalid/) [v](file:///x)",
    "[x](JaVaScRiPt:alert) [y](&#106;avascript:alert(1)) [z](java\nscript:x) <javascript:alert(1)>",
    "<div style='position:fixed;inset:0;background:url(http://e.invalid/d.png)'>over</div>",
    "<form action=http://e.invalid><input type=password></form><iframe src=http://e.invalid>",
    "<svg/onload=alert(1)><style>*{background:url(http://e.invalid/e)}</style><!-- c -->",
    "`<img src=http://e.invalid/f>` ``` <b> ```\n```html\n<img src=http://e.invalid/g>\n```",
    '```"><img src=http://e.invalid/h>\nx\n```',
    '[x](http://e.invalid/"onmouseover="alert(1)) [y](<http://e.invalid/"><img src=x>>)',
    '[x](http://e.invalid "t\\"><img src=x onerror=alert(1)>")',
    "$\\text{<img src=x onerror=alert(1)>}$ $\\href{javascript:alert(1)}{x}$",
    "$\\text{&lt;img src=x onerror=alert(1)&gt;}$ $\\style{position:fixed}{x} \\class{a}{b}$",
    "$\\color{url(http://e.invalid/)}{x}$ $$\\hspace{9999em}$$ \\[\\newcommand{\\a}{\\a\\a}\\a\\]",
    "&lt;img src=x&gt; &#60;script&#62; &#x3c;b&#x3e;",
    "| <img src=x> |\n|---|\n| ![a](http://e.invalid/i) |",
    "\x00\x1b[31m\ud800\udfff\ufdd0\ufdd1\uffff a\u202eb",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_model_writes_loads_or_runs(text: str) -> None:
    for answer in (text, text * 3, f"- {text}", f"> {text}", f"**{text}"):
        blocks = MarkdownBlocks().update(answer, [], is_complete=True)
        read = Reader(blocks)
        "".join(blocks).encode()  # a lone half of a character could not be sent
        for tag, attributes in read.tags:
            if tag in markdown_math._ELEMENTS:
                assert set(attributes) <= set(markdown_math._ATTRIBUTES)
                continue
            assert tag in TAGS
            allowed = {"a": {"href", "rel", "target", "title"}, "code": {"class"}}.get(tag, set())
            allowed |= {"style"} if tag in ("th", "td") else {"start"} if tag == "ol" else set()
            allowed |= {"class"} if tag == "div" else set()
            assert set(attributes) <= allowed
            if tag == "a":
                assert re.match(r"https?://|mailto:", attributes["href"] or "")
                assert attributes["rel"] == "noopener noreferrer nofollow"
            assert "url(" not in (attributes.get("style") or "")


def test_pictures_become_links() -> None:
    assert render("![a cat](https://e.invalid/cat.png)") == (
        '<p><a href="https://e.invalid/cat.png" rel="noopener noreferrer nofollow" '
        'target="_blank">a cat</a></p>'
    )
    assert "<a" not in render("![a cat](javascript:alert(1))")


def test_markdown_is_drawn() -> None:
    written = render(
        "# Title\n\n1. **one**\n2. ~~two~~\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```py\nx<1\n```"
    )
    for part in ("<h3>Title</h3>", "<strong>one</strong>", "<s>two</s>", "<td>1</td>", "x&lt;1"):
        assert part in written
    assert render("one\ntwo") == "<p>one<br />\ntwo</p>"


@pytest.mark.parametrize(
    "text",
    [
        "$x^2$",
        "$$x^2$$",
        "\\(x^2\\)",
        "\\[x^2\\]",
        "a $x^2$, b",
        "$$\nx^2\n$$",
        "- $x^2$",
        "| $x^2$ |\n|---|",
    ],
)
def test_formulas_of_every_kind_are_drawn_once(text: str) -> None:
    written = render(text)
    assert written.count("<msup><mi>x</mi><mn>2</mn></msup>") == 1
    assert "$" not in written and "\\" not in written


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text in (
        "It costs $5 and $6.",
        "US$5 to US$7, 5$ or $10/$20",
        "$5 for one and 10$.",
        "$\\frac{$",
        "$ x $",
        "a \\$5 b",
        "$$\nno end",
        "$\\newcommand{\\a}{b}\\a$",
    ):
        assert "<math" not in render(text)
    assert Reader([render("It costs $5 and $6.")]).words == "It costs $5 and $6."
    assert "<math" not in render("`$x^2$`\n\n```\n$x^2$\n```")


def test_lines_of_a_formula_are_no_lists_or_headings() -> None:
    written = render("so\n$$\na\n= b\n- c\n$$\nend")
    assert written.count("<math") == 1 and "<li>" not in written and "<h" not in written


def test_a_phrase_is_marked_across_inline_markup() -> None:
    assert render("see the **red** circle now", "the **red** circle") == (
        '<p>see <mark role="button" id="m0">the </mark><strong><mark>red</mark></strong>'
        "<mark> circle</mark> now</p>"
    )
    assert render("**a cat**", "a cat") == (
        '<p><strong><mark role="button" id="m0">a cat</mark></strong></p>'
    )
    assert "<strong><mark" in render("**a cat** is", "**a cat**")
    assert '<td><mark role="button" id="m0">cat' in render("|a|\n|-|\n|cat|", "cat")
    assert '<code><mark role="button" id="m0">cat' in render("`cat`", "cat")


def test_of_phrases_that_overlap_the_first_counts() -> None:
    written = render("a red cat", "red cat", "cat", "a")
    assert written == (
        '<p><mark role="button" id="m2">a</mark> <mark role="button" id="m0">red cat</mark></p>'
    )


def test_marks_do_not_break_what_they_are_in() -> None:
    text = "a [red cat](http://e.invalid/cat) sat, **then** `cat`\n\n- cat\n  1. cat <b>cat</b>"
    for phrase in (
        "cat](http",
        "red cat](http://e.invalid/cat) sat",
        "**then** `c",
        "- cat",
        "</b",
    ):
        read = Reader([render(text, phrase)])
        assert not read.open
        assert not re.search("[\ufdd0-\ufdef]", read.words)


def grow(text: str, step: int) -> Iterator[tuple[str, bool]]:
    for end in range(step, len(text), step):
        yield text[:end], False
    yield text, True


LONG = {
    "paragraphs": "A cat sat on a **mat**, and a `dog` saw it.\n\n" * 6_500,
    "one paragraph": "A cat sat on a **mat**, and a dog saw. " * 7_500,
    "one list": "- a cat\n" * 12_000,
    "one block of code": "```\n" + "x = 1\n" * 50_000,
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", LONG)
def test_the_work_on_a_long_answer_grows_with_its_length(kind: str) -> None:
    text = LONG[kind]
    growing = MarkdownBlocks()
    for part, is_complete in grow(text, 4_000):
        blocks = growing.update(part, [], is_complete=is_complete)
    assert blocks == MarkdownBlocks().update(text, [], is_complete=True)
    assert growing.characters_written < 15 * len(text)


def test_a_long_answer_is_drawn_piece_by_piece() -> None:
    reader = Reader(MarkdownBlocks().update("**b**\n\n" * 15_000, (), is_complete=True))
    assert [tag for tag, _ in reader.tags] == ["p", "strong"] * 15_000


def test_what_would_take_too_long_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    quotations = "> " * 20 + "a <b>\n"
    blocks = MarkdownBlocks().update(quotations * 2_000, (), is_complete=True)
    reader = Reader(blocks)
    assert {tag for tag, _ in reader.tags} == {"p", "br"}
    assert reader.words == (quotations.replace("\n", "") * 2_000)

    monkeypatch.setattr(markdown_blocks, "MAX_SECONDS", 0.0)
    assert render("# one\n\n*two* dogs", "dogs") == (
        '<p># one<br><br>*two* <mark role="button" id="m0">dogs</mark></p>'
    )


def test_a_growing_answer_ends_as_the_whole_one() -> None:
    text = (
        "Intro **bold\n\nmore** of `it\n\n- one\n- two\n\n  inside\n\n```\ncode\n\nmore\n```\n"
        "| a | b |\n|---|---|\n| cat | dog |\n\nTitle\n=====\n\n> quote\nlazy\n\n"
        "$$\nx\n$$\n\nend cat"
    )
    growing = MarkdownBlocks()
    for part, is_complete in grow(text, 1):
        found = marks(part, "cat") if "cat" in part else []
        growing_blocks = growing.update(part, found, is_complete=is_complete)
        whole = MarkdownBlocks().update(part, found, is_complete=True)
        assert growing_blocks == whole, part


def test_earlier_blocks_are_written_anew_where_the_answer_changes_there() -> None:
    growing = MarkdownBlocks()
    growing.update("one\n\ntwo\n\nthree", [], is_complete=False)
    text = "ONE\n\ntwo\n\nthree"
    assert growing.update(text, [], is_complete=False)[0] == "<p>ONE</p>"
    assert "<mark" in growing.update(text, marks(text, "two"), is_complete=False)[1]
    assert growing.update("", [], is_complete=True) == []
