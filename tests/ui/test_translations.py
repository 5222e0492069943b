"""The translations of the page: each of its texts has one, and none is left over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import PoFileError, read_po
from support import ROOT

from vlm_demo.errors import InputError, LoadError, OutOfMemoryError, suggest_names
from vlm_demo.translatable_text import (
    TranslatableText,
    join_texts,
    list_alternatives,
    text_from_json,
    text_to_json,
)
from vlm_demo.ui.html_values import translatable_attribute, translatable_html
from vlm_demo.ui.i18n import CATALOGUES, LANGUAGES, translate, translations
from vlm_demo.ui.i18n.extraction import extract_python, extract_toml
from vlm_demo.ui.i18n.po_file import read_catalogue

BLANK = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the texts that `pybabel extract` finds."""
    template = tmp_path_factory.mktemp("texts") / "texts.pot"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        command = CommandLineInterface()
        assert not command.run(["pybabel", "-q", "extract", "-o", str(template)])
    with template.open("rb") as file:
        return {one.id for one in read_po(file) if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_has_its_translation(language: str, texts: set[str]) -> None:
    missing = "\n".join(
        f'msgid {json.dumps(text, ensure_ascii=False)}\nmsgstr ""\n'
        for text in sorted(texts - set(translations(language)))
    )
    assert not missing, f"{language}.po lacks:\n{missing}"
    unused = sorted(set(translations(language)) - texts)
    assert not unused, f"{language}.po has translations of what the page does not say: {unused}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_blanks_of_its_text(language: str) -> None:
    for text, translation in translations(language).items():
        assert translation.strip() == translation != "", text
        assert set(BLANK.findall(translation)) == set(BLANK.findall(text)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_a_guess(language: str) -> None:
    with (ROOT / "vlm_demo/ui/i18n/catalogues" / f"{language}.po").open("rb") as file:
        assert not any(one.fuzzy for one in read_po(file))


def test_a_language_has_its_own_name_and_tag() -> None:
    assert {(one.tag, one.name) for one in CATALOGUES.values()} == {
        ("ja", "日本語"),
        ("zh-CN", "中文"),
    }


@pytest.mark.parametrize(
    "rest", ['"Language: ja\\n"\n<<<<<<< main\n', '"Language-Team: none\\n"\n']
)
def test_what_no_catalogue_has_is_refused(tmp_path: Path, rest: str) -> None:
    damaged = tmp_path / "ja.po"
    damaged.write_text(f'msgid ""\nmsgstr ""\n{rest}', encoding="utf-8")
    with pytest.raises((ValueError, PoFileError)):
        read_catalogue(damaged)


def found_in_python(tmp_path: Path, source: str) -> Iterator[str]:
    module = tmp_path / "module.py"
    module.write_text(source, encoding="utf-8")
    with module.open("rb") as file:
        yield from (text for _, _, text, _ in extract_python(file))


def test_texts_of_python_are_found(tmp_path: Path) -> None:
    source = """
label = say("Find" " objects")
raise InputError("At most {most} are taken.", most=3) from ValueError("internal")
note = message("A note.") if say(name) else TranslatableText("{n} found", {"n": 3})
html = f'<b data-say>Rating</b> <i title="not known" data-say="title">&ndash;</i>'
html = f'<b data-say>{value}</b> <u data-say>one&nbsp;&amp; {two}</u> <p>not marked</p>'
"""
    found = set(found_in_python(tmp_path, source))
    assert found == {
        *("Find objects", "At most {most} are taken.", "A note.", "{n} found", "Rating"),
        "not known",
    }


def test_texts_of_toml_are_found(tmp_path: Path) -> None:
    listing = tmp_path / "menu.toml"
    listing.write_text(
        '[[model]]\nnote = "A tiny model."\nresolution = "336 x 336"\nlicence = "MIT"\n'
        '[[model]]\nlanguages = ["English"]\nlicence = "for research"\nname = "llava"\n'
    )
    options = {"keys": "note resolution languages", "phrases": "licence"}
    with listing.open("rb") as file:
        found = {text for _, _, text, _ in extract_toml(file, options=options)}
    assert found == {"A tiny model.", "English", "for research"}


def test_a_text_is_english_with_its_values_and_no_value_is_a_template() -> None:
    text = TranslatableText("{a} of {b}, {c}", {"a": "{b}", "b": 3})
    assert str(text) == "{b} of 3, {c}"


def test_an_error_says_in_english_what_the_page_translates() -> None:
    error = InputError("There are {count} regions.", count=400)
    assert str(error) == "There are 400 regions."
    assert error.message == TranslatableText("There are {count} regions.", {"count": 400})


def test_an_error_inside_another_keeps_its_template() -> None:
    inner = LoadError("There is no folder {path}.", path=Path("a/b"))
    outer = InputError("A picture cannot be used. {problem}", problem=inner)
    assert str(outer) == f"A picture cannot be used. There is no folder {Path('a/b')}."
    assert outer.message.values["problem"] == inner.message


def test_an_error_crosses_processes_with_its_template() -> None:
    import pickle

    error = OutOfMemoryError("{name} is too large.", name="big", formats=["4-bit"])
    again = pickle.loads(pickle.dumps(error))
    assert (again.message, again.formats) == (error.message, ("4-bit",))


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_inside_texts_are_translated(language: str) -> None:
    first, second = TranslatableText("Reading the image…"), TranslatableText("Try again")
    known = translations(language)
    joined = join_texts(first, "", second, first)
    expected = known["Reading the image…"] + known["Try again"]
    assert translate(joined, language) == expected
    assert str(joined) == "Reading the image… Try again"
    assert translate("Who said that?", language) == "Who said that?"


def test_alternatives_are_a_list_with_an_or() -> None:
    assert str(list_alternatives(["a"])) == "a"
    assert str(list_alternatives(["a", "b", "c"])) == "a, b or c"
    assert str(suggest_names("llava-1.6", [f"llava-1.{n}" for n in range(9)])).endswith("?")


def test_a_text_survives_json() -> None:
    text = join_texts(
        TranslatableText("{n} found", {"n": 3}),
        TranslatableText("It says: {words}", {"words": "no"}),
    )
    assert text_from_json(json.loads(json.dumps(text_to_json(text)))) == text
    assert text_from_json(text_to_json("plain")) == "plain"
    for damaged in (3, None, {"words": 1, "values": {}}, {"words": "a", "values": {"b": [1]}}):
        with pytest.raises(ValueError, match="not a text"):
            text_from_json(damaged)


def test_html_is_english_and_carries_the_template() -> None:
    text = TranslatableText("{name} family", {"name": '<b a="1">'})
    page = translatable_html(text)
    assert page.endswith(">&lt;b a=&quot;1&quot;&gt; family</span>")
    assert "{name} family" in page
    assert "<b" not in page
    assert translatable_attribute("title", "not known") == 'title="not known" data-say="title"'


def test_a_language_is_a_file_and_says_its_own_name() -> None:
    files = {file.stem for file in (ROOT / "vlm_demo/ui/i18n/catalogues").iterdir()}
    assert files == set(CATALOGUES)
    assert all(catalogue.name and catalogue.tag for catalogue in CATALOGUES.values())
