"""The page's words: each is translated, and no translation is of words that nobody says any more.

Where some are missing, the failed test prints lines for the files of translations.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from support import ROOT

from vlm_demo.catalog.menu import Ability, default_menu
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.ui.arena.battle_stage import REASONS, VERDICTS
from vlm_demo.ui.arena.heat_map import HOW_OFTEN, WIN_RATES
from vlm_demo.ui.arena.leaderboard import TASKS
from vlm_demo.ui.arena.ranking_table import LICENCES, SIZES, WEIGHTS
from vlm_demo.ui.arena.sides import HINTS
from vlm_demo.ui.batch.view import FILES
from vlm_demo.ui.chat.tab import WELCOME
from vlm_demo.ui.components.model_choice import ABILITIES
from vlm_demo.ui.components.picture_input.examples import load_examples
from vlm_demo.ui.i18n import LANGUAGES, translations
from vlm_demo.ui.layout import TABS
from vlm_demo.ui.models.tab import DOES_NOT_FIT, HOW
from vlm_demo.ui.models.table import ESTIMATED, WHY_GREY
from vlm_demo.ui.tasks.caption import TASKS as TASKS_OF_CAPTION
from vlm_demo.units import format_parameters
from vlm_demo.values import Task

PACKAGE = ROOT / "vlm_demo"

GAP = re.compile(r"\{[^{}]*\}")
MARKED = re.compile(r'<(?:[a-z]|\{\})[^<>]*?\sdata-say(?:="([^"]*)")?[^<>]*>([^<]*)')

ATTRIBUTE = re.compile(r'\s(?:aria-label|title|placeholder)="([^"]*)"')

SAY = {"say", "Said", "build_run_buttons"}
"""What says words in Python."""

LISTED = {
    *(*TABS, *TASKS.values(), *VERDICTS.values(), *REASONS, *SIZES, *LICENCES, *WEIGHTS),
    *(name.lower() for name in ABILITIES.values()),
    *(
        *HOW.values(),
        *WHY_GREY.values(),
        HOW_OFTEN,
        WIN_RATES,
        DOES_NOT_FIT,
        ESTIMATED,
        *FILES.values(),
    ),
    *(*TASKS_OF_CAPTION, *(line.removeprefix("### ") for line in WELCOME.splitlines())),
    *(example.title for example in load_examples()),
    *(example.words for example in load_examples() if example.task is Task.CHAT),
    *("Fetching", "Loading", "Connecting", "Sorry", "Warning", "Info", "Error"),
    *(words for hint in HINTS.values() for words in hint),
    *(*Ability, *(space.title for space in SPACES.values())),
    *(language for spec in default_menu() for language in spec.languages),
    *(spec.commercial for spec in default_menu()),
}
"""Words that are said from lists, of which no line of a program shows that they are said."""


def text_of(node: ast.expr) -> str | None:
    """Write a text as a template: what is filled in is a gap."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            texts = text_of(left), text_of(right)
            return None if None in texts else "".join(map(str, texts))
    return None


def texts_and_calls(path: Path) -> Iterator[ast.expr]:
    """Yield the expressions of a program that are texts, each as a whole, and the calls."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        is_text = isinstance(node, ast.expr) and text_of(node) is not None
        if isinstance(node, ast.expr) and (is_text or isinstance(node, ast.Call)):
            yield node
        if not is_text:
            nodes.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.JoinedStr):  # what is filled in may hold texts of its own
            nodes.extend(part.value for part in node.values if isinstance(part, ast.FormattedValue))


def constants(node: ast.expr) -> Iterator[str]:
    """Yield what an argument may be, as far as it stands there."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif (text := text_of(node)) is not None:
        yield text


def in_html(text: str) -> Iterator[str]:
    """Yield what is marked in HTML to be said."""
    for tag in MARKED.finditer(text):
        for name in (tag[1] or "text").split():
            found = re.search(rf'\s{name}="([^"]*)"', tag[0])
            words = tag[2] if name == "text" else found[1] if found else ""
            yield html.unescape(" ".join(words.split()))


def in_script(script: str) -> Iterator[str]:
    """Yield the texts in the first argument of each call of `say`."""
    for call in re.finditer(r"\bsay(?:\.whole)?\(", script):
        depth, at = 0, call.end()
        while depth >= 0 and at < len(script):
            if (quote := script[at]) in "'\"":
                inside = re.compile(rf"(?:\\.|[^\\{quote}])*").match(script, at + 1)
                end = inside.end() if inside else at + 1
                if depth == 0 and not re.search(r"[=!]==\s*$", script[:at]):
                    yield re.sub(r"\\(.)", r"\1", script[at + 1 : end])
                at = end
            elif quote == "," and depth == 0:
                break
            depth += (quote in "([{") - (quote in ")]}")
            at += 1


@cache
def said() -> dict[str, str]:
    """All words that the page says for certain, and where."""
    found = dict.fromkeys(LISTED, "lists")
    for path in sorted((PACKAGE / "ui").rglob("*.py")):
        for node in texts_and_calls(path):
            words: Iterable[str] = ()
            if not isinstance(node, ast.Call):
                words = chain(in_html(text_of(node) or ""), in_script(text_of(node) or ""))
            elif getattr(node.func, "id", "") in SAY and node.args:
                words = constants(node.args[0])
            found |= dict.fromkeys(words, path.name)
    for path in sorted((PACKAGE / "ui").rglob("*.js")):
        if path.name != "say.js":  # its comments are examples
            found |= dict.fromkeys(in_script(path.read_text(encoding="utf-8")), path.name)
    return {words: place for words, place in found.items() if re.search("[A-Za-z]{2}", bare(words))}


@cache
def written() -> set[str]:
    """Every text of the program, in Python, in scripts, and in the catalogue, without its gaps."""
    texts = {bare(words) for words in said()}
    for path in PACKAGE.rglob("*.py"):
        for node in texts_and_calls(path):
            if (text := text_of(node)) is not None:
                texts |= {
                    bare(text),
                    *map(bare, in_html(text)),
                    *map(bare, ATTRIBUTE.findall(text)),
                }
    for path in PACKAGE.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        texts |= {bare(one) for one in re.findall(r"'([^'\n]*)'", script)}
    return texts


def catalogue() -> list[str]:
    """What the catalogue says of models, in words."""
    return [
        text
        for spec in default_menu()
        for text in (
            *(spec.note, spec.resolution, spec.licence),
            format_parameters(spec.parameters, long=True),
        )
    ]


def bare(words: str) -> str:
    """Words whose gaps have no names."""
    return GAP.sub("{}", " ".join(words.split()))


def pattern(words: str) -> re.Pattern[str]:
    """What a template may become once its gaps are filled."""
    return re.compile(".*?".join(map(re.escape, GAP.split(words))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_page_says_is_translated(language: str) -> None:
    there = translations(language)
    known = set(there) | {bare(words) for words in there if "{}" in bare(words)}
    missing: dict[str, list[str]] = {}
    for words, place in said().items():
        if words not in known:
            missing.setdefault(place, []).append(words)
    stubs = "\n".join(
        f"# {place}\n" + "\n".join(f'{json.dumps(one, ensure_ascii=False)} = ""' for one in words)
        for place, words in sorted(missing.items())
    )
    assert not missing, f"{language}.toml lacks:\n{stubs}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_of_words_that_nobody_says(language: str) -> None:
    sentences = catalogue()
    stale = [
        words
        for words in translations(language)
        if bare(words) not in written()
        and not any(pattern(words).search(sentence) for sentence in sentences)
    ]
    assert not stale, f"{language}.toml: nobody says {stale}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_what_the_words_do(language: str) -> None:
    for words, translation in translations(language).items():
        assert translation.strip() == translation != "", words
        gaps = [name.strip("{}") for name in GAP.findall(words)]
        filled = {name.strip("{}").removesuffix("|say") for name in GAP.findall(translation)}
        assert filled <= set(gaps), words
        assert all(name.isidentifier() for name in gaps), words
        assert len(gaps) == len(set(gaps)), f"{words}: a script could not tell its gaps apart"


def test_every_language_says_the_same_words() -> None:
    first, *others = (set(translations(language)) for language in LANGUAGES)
    assert all(other == first for other in others), [other ^ first for other in others]
