"""The translations of the page: each of its texts has one, and none is left over.

Where some are missing, the failed test prints entries for the catalogues.
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

from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import Ability
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.ui.arena.battle_stage import REASONS, VOTE_LABELS
from vlm_demo.ui.arena.heat_map import BATTLE_COUNTS, WIN_RATES
from vlm_demo.ui.arena.leaderboard import TASK_NAMES
from vlm_demo.ui.arena.ranking_table import WEIGHTS
from vlm_demo.ui.batch.downloads import DOWNLOADS
from vlm_demo.ui.batch.form import BATCH_TEXT_FIELDS, BEGINNING
from vlm_demo.ui.batch.form import TASKS as BATCH_TASKS
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.ui.components.model_filters import LICENCES, SIZES
from vlm_demo.ui.components.task_form import TASK_LABELS, TEXT_FIELDS
from vlm_demo.ui.i18n import LANGUAGES, translations
from vlm_demo.ui.i18n.po_file import read_catalogue
from vlm_demo.ui.models.card import LOCATIONS
from vlm_demo.ui.models.detail import DOES_NOT_FIT
from vlm_demo.ui.models.table import ESTIMATED, WHY_GREY
from vlm_demo.ui.views import View
from vlm_demo.units import format_parameters
from vlm_demo.values import Task

PACKAGE = ROOT / "vlm_demo"

BLANK = re.compile(r"\{[^{}]*\}")
MARKED_TAG = re.compile(r'<(?:[a-z]|\{\})[^<>]*?\sdata-say(?:="([^"]*)")?[^<>]*>([^<]*)')

ATTRIBUTE = re.compile(r'\s(?:aria-label|title|placeholder)="([^"]*)"')

TRANSLATING_CALLS = {"say", "TranslatableText", "build_run_buttons"}
"""Functions and classes of the page whose first argument is translated."""

TEXTS_IN_LISTS = {
    *(*View, *TASK_NAMES.values(), *BATCH_TASKS),
    *(name.lower() for name in TASK_LABELS.values()),
    *(text for field in TEXT_FIELDS.values() for text in field),
    *(text for field in (*BATCH_TEXT_FIELDS.values(), BEGINNING) for text in field),
    *(example.title for example in load_examples()),
    *(example.text for example in load_examples() if example.task is Task.CHAT),
    *(*VOTE_LABELS.values(), *REASONS, WIN_RATES, BATTLE_COUNTS, *SIZES, *LICENCES, *WEIGHTS),
    *(*DOWNLOADS.values(), *LOCATIONS.values(), *WHY_GREY.values(), DOES_NOT_FIT, ESTIMATED),
    *(*Ability, *(space.title for space in SPACES.values())),
    *(language for spec in default_menu() for language in spec.languages),
    *(spec.commercial for spec in default_menu()),
    *(spec.title for spec in default_menu()),
    *("Fetching", "Loading", "Connecting", "Sorry", "Warning", "Info", "Error"),
}
"""Texts that are translated from a list or by Gradio, where no call holds them."""


def template_of(node: ast.expr) -> str | None:
    """Return a text as a template with blanks for its values; None for any other expression."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            texts = template_of(left), template_of(right)
            return None if None in texts else "".join(map(str, texts))
    return None


def text_and_call_nodes(path: Path) -> Iterator[ast.expr]:
    """Yield the texts of a module, each as a whole, and the calls."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        is_text = isinstance(node, ast.expr) and template_of(node) is not None
        if isinstance(node, ast.expr) and (is_text or isinstance(node, ast.Call)):
            yield node
        if not is_text:
            nodes.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.JoinedStr):  # its values may hold texts of their own
            nodes.extend(part.value for part in node.values if isinstance(part, ast.FormattedValue))


def possible_texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an argument can be, as far as they are written there."""
    if isinstance(node, ast.IfExp):
        yield from possible_texts(node.body)
        yield from possible_texts(node.orelse)
    elif (text := template_of(node)) is not None:
        yield text


def texts_in_html(text: str) -> Iterator[str]:
    """Yield the texts and attributes that HTML marks with `data-say`."""
    for tag in MARKED_TAG.finditer(text):
        for name in (tag[1] or "text").split():
            found = re.search(rf'\s{name}="([^"]*)"', tag[0])
            words = tag[2] if name == "text" else found[1] if found else ""
            yield html.unescape(" ".join(words.split()))


def texts_in_script(script: str) -> Iterator[str]:
    """Yield the texts in the first argument of each call of `say` or `message` in JavaScript."""
    for call in re.finditer(r"\b(?:say(?:\.whole)?|message)\(", script):
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
def page_texts() -> dict[str, str]:
    """Return the texts that are certainly on the page, with the file of each."""
    found = dict.fromkeys(TEXTS_IN_LISTS, "lists")
    for path in sorted((PACKAGE / "ui").rglob("*.py")):
        for node in text_and_call_nodes(path):
            words: Iterable[str] = ()
            if not isinstance(node, ast.Call):
                words = chain(
                    texts_in_html(template_of(node) or ""), texts_in_script(template_of(node) or "")
                )
            elif getattr(node.func, "id", "") in TRANSLATING_CALLS and node.args:
                words = possible_texts(node.args[0])
            found |= dict.fromkeys(words, path.name)
    for path in sorted((PACKAGE / "ui").rglob("*.js")):
        if path.parent.name != "i18n":  # its comments are examples
            found |= dict.fromkeys(texts_in_script(path.read_text(encoding="utf-8")), path.name)
    return {
        words: place
        for words, place in found.items()
        if re.search("[A-Za-z]{2}", without_names(words))
    }


@cache
def program_texts() -> set[str]:
    """Return every text of the program, in Python and in scripts, without names of blanks."""
    texts = {without_names(words) for words in page_texts()}
    for path in PACKAGE.rglob("*.py"):
        for node in text_and_call_nodes(path):
            if (text := template_of(node)) is not None:
                texts |= {
                    without_names(text),
                    *map(without_names, texts_in_html(text)),
                    *map(without_names, ATTRIBUTE.findall(text)),
                }
    for path in PACKAGE.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        texts |= {without_names(one) for one in re.findall(r"'([^'\n]*)'", script)}
        texts |= {without_names(one) for one in re.findall(r'"([^"\n]*)"', script)}
    return texts


def catalogue_texts() -> list[str]:
    """Return the texts of the catalogue about its models."""
    return [
        text
        for spec in default_menu()
        for text in (
            *(spec.note, spec.resolution, spec.licence),
            format_parameters(spec.parameters, long=True),
        )
    ]


def without_names(words: str) -> str:
    """Return a template without the names of its blanks."""
    return BLANK.sub("{}", " ".join(words.split()))


def pattern(words: str) -> re.Pattern[str]:
    """Match what a template can become once its blanks are filled."""
    return re.compile(".*?".join(map(re.escape, BLANK.split(words))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_is_translated(language: str) -> None:
    there = translations(language)
    known = set(there) | {without_names(words) for words in there if "{}" in without_names(words)}
    missing: dict[str, list[str]] = {}
    for words, place in page_texts().items():
        if words not in known:
            missing.setdefault(place, []).append(words)
    stubs = "\n".join(
        f"#: {place}\n"
        + "\n".join(f'msgid {json.dumps(one, ensure_ascii=False)}\nmsgstr ""\n' for one in words)
        for place, words in sorted(missing.items())
    )
    assert not missing, f"{language}.po lacks:\n{stubs}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_is_of_a_text_of_the_program(language: str) -> None:
    sentences = catalogue_texts()
    stale = [
        words
        for words in translations(language)
        if without_names(words) not in program_texts()
        and not any(pattern(words).search(sentence) for sentence in sentences)
    ]
    assert not stale, f"{language}.po: not in the program: {stale}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_blanks_of_its_text(language: str) -> None:
    for words, translation in translations(language).items():
        assert translation.strip() == translation != "", words
        gaps = [name.strip("{}") for name in BLANK.findall(words)]
        filled = {name.strip("{}").removesuffix("|say") for name in BLANK.findall(translation)}
        assert filled <= set(gaps), words
        assert all(name.isidentifier() for name in gaps), words
        assert len(gaps) == len(set(gaps)), f"{words}: two blanks have the same name"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_read_as_babel_reads_it(language: str) -> None:
    pofile = pytest.importorskip("babel.messages.pofile", reason="Babel is not installed")
    with (PACKAGE / "ui/i18n/catalogues" / f"{language}.po").open("rb") as file:
        catalogue = pofile.read_po(file, abort_invalid=True)
    assert {one.id: one.string for one in catalogue if one.id} == translations(language)
    assert not any(one.fuzzy for one in catalogue), "a fuzzy translation is a guess"
    assert str(catalogue.locale).replace("_Hans", "").partition("_")[0] == language


def test_what_no_catalogue_has_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "xx.po"
    damaged.write_text('msgid ""\nmsgstr ""\n"Language: xx\\n"\n<<<<<<< main\n')
    with pytest.raises(ValueError, match="<<<<<<<"):
        read_catalogue(damaged)


def test_every_language_has_the_same_texts() -> None:
    first, *others = (set(translations(language)) for language in LANGUAGES)
    assert all(other == first for other in others), [other ^ first for other in others]
