"""Answers constrained to patterns and schemas, with real tokenizers and random models."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import Any

import llguidance.hf
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from llguidance import LLTokenizer
from support.random_models import KINDS, random_model
from support.tiny_checkpoints import CHECKPOINTS, build

from vlm_demo.engines.local.decoding import grammar_vocabulary
from vlm_demo.engines.local.decoding.grammars import GrammarCompiler
from vlm_demo.errors import EngineError, InputError

PATTERNS = (
    r"\d{1,3}(\.\d{1,2})?",
    r"(red|green|blue)( and (red|green|blue)){0,2}",
    r"(yes|no), \w{1,6}\.",
    r"[赤青][いは](丸|四角)",
    r"[^a-z\s]{2,4}",
    r" ?(cat|dog)s?|",
    r"\[\[[0-9], [0-9]\]\]",
    r"(?i)a/b|\"c\"",
    r"^cat$|^dog$",
)


SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "青い"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 12},
        "sure": {"type": "boolean"},
        "name": {"type": "string", "maxLength": 5},
        "box": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 99},
            "minItems": 4,
            "maxItems": 4,
        },
    },
    "required": ["colour", "count", "sure", "name", "box"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_answer_matches_the_pattern(kind: str, pattern: str) -> None:
    answers = [
        random_model(kind).text(random_model(kind).grammars.compile_pattern(pattern), seed)
        for seed in range(2)
    ]
    assert [answer for answer in answers if not re.fullmatch(pattern, answer)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_valid_by_the_schema(kind: str) -> None:
    answer = json.loads(
        random_model(kind).text(random_model(kind).grammars.compile_schema(json.dumps(SCHEMA)))
    )
    assert list(answer) == SCHEMA["required"]
    assert answer["colour"] in ("red", "青い")
    assert answer["count"] in range(13)
    assert isinstance(answer["sure"], bool)
    assert len(answer["name"]) <= 5
    assert len(answer["box"]) == 4
    assert all(number in range(100) for number in answer["box"])


LETTERS = st.sampled_from(["a", "b", "Z", "7", "赤", "い", "é", "🐱", " ", r"\.", r"\\", '"', "/"])


CLASSES = st.sampled_from(["[a-f]", "[^a-z]", r"\d", r"[\s,]", "[あ-ん]", "."])


EXPRESSIONS = st.recursive(
    LETTERS | CLASSES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | st.tuples(inner, st.sampled_from(["?", "{2}", "{0,2}", "{1,3}?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        )
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.integers(0, 99), st.sampled_from(["llava", "qwen2_vl", "gemma3"]))
@settings(max_examples=40)
def test_any_pattern_is_kept_to(pattern: str, seed: int, kind: str) -> None:
    answer = random_model(kind).text(random_model(kind).grammars.compile_pattern(pattern), seed)
    # The grammars know a newer Unicode, with more digits than this Python's.
    assume(not any(unicodedata.category(character) == "Cn" for character in answer))
    assert re.fullmatch(pattern, answer)


def test_different_answers_can_be_given() -> None:
    grammars = random_model("llava").grammars
    answers = {
        random_model("llava").text(grammars.compile_pattern("[abc]"), seed) for seed in range(20)
    }
    assert answers == {"a", "b", "c"}


def test_words_may_begin_with_their_blank_and_only_one() -> None:
    model = random_model("llava")
    tokens = [model.tokenizer.convert_tokens_to_ids(token) for token in ("▁red", "▁", "red")]
    grammar = model.grammars.compile_pattern("red")
    assert grammar.blank_first
    scores = grammar(torch.tensor([[1]]), torch.zeros(1, 700))[0]
    assert scores[tokens[0]] == scores[tokens[1]] == 0
    scores = grammar(torch.tensor([[1, tokens[1]]]), torch.zeros(1, 700))[0]
    assert scores[tokens[0]] == scores[tokens[1]] == -math.inf
    assert not model.grammars.compile_pattern(
        r"\s?red"
    ).blank_first  # here it is part of the answer


def test_nothing_but_the_end_follows_a_complete_text_also_beyond_the_tokenizers_words() -> None:
    model = random_model("qwen2_vl")
    grammars = GrammarCompiler(model.tokenizer, 1000, {3, model.end_token})
    tokens = model.tokenizer.encode("no")
    grammar = grammars.compile_pattern("no")
    ids = torch.tensor([[5, 6]])
    for token in tokens:
        assert grammar(ids, torch.zeros(1, 1003))[0, token] == 0
        ids = torch.cat([ids, torch.tensor([[token]])], 1)
    assert grammar(ids, torch.zeros(1, 1003))[0].isfinite().nonzero().flatten().tolist() == sorted(
        {3, model.end_token}
    )


def test_tokens_that_something_else_rules_out_still_end_a_text() -> None:
    grammar = random_model("llava").grammars.compile_pattern("a")
    scores = grammar(torch.tensor([[1]]), torch.full((1, 670), -math.inf))
    assert scores.isfinite().any()


def test_rows_do_not_disturb_each_other() -> None:
    model = random_model("llava")
    one, other = model.grammars.compile_pattern("ab"), model.grammars.compile_pattern("ab")
    a, b = (model.tokenizer.convert_tokens_to_ids(token) for token in "ab")
    one(torch.tensor([[1]]), torch.zeros(1, 670))
    assert one(torch.tensor([[1, a]]), torch.zeros(1, 670))[0, b] == 0
    assert other(torch.tensor([[1]]), torch.zeros(1, 670))[0, b] == -math.inf


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(", "unclosed group"),
        ("[", "unclosed character class"),
        ("(?=a)b", "look-ahead"),
        (r"(a)\1", "backreferences"),
        (r"\bred\b", "lookarounds not supported"),
        ("\ud800", "surrogates"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_reason(pattern: str, words: str) -> None:
    with pytest.raises(InputError, match=f"^This pattern cannot be used: .*{words}") as failure:
        random_model("llava").grammars.compile_pattern(pattern)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", "Expecting property name"),
        ("[]", "not a JSON object"),
        ('{"type": "foo"}', "Invalid type: foo"),
        ('{"type": "string", "pattern": "("}', "unclosed group"),
        ('{"not": {}}', "Unimplemented keys"),
        ('{"$ref": "http://example.com/x"}', "example.com"),
        ('{"enum": []}', "Unsatisfiable"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_bad_schema_is_refused_with_the_reason(schema: str, words: str) -> None:
    with pytest.raises(InputError, match=f"^This schema cannot be used: .*{words}"):
        random_model("llava").grammars.compile_schema(schema)


def test_what_the_tokens_cannot_say_is_an_error_and_no_wrong_answer() -> None:
    model = random_model("blip_2_t5")
    assert model.text(model.grammars.compile_pattern("赤|red"))  # it was taught both
    with pytest.raises(EngineError, match="no tokens for"):
        model.write(model.grammars.compile_pattern("a鬱"))


def test_a_token_against_the_grammar_is_an_error() -> None:
    grammar = random_model("llava").grammars.compile_pattern("a+")
    grammar(torch.tensor([[1]]), torch.zeros(1, 670))
    with pytest.raises(EngineError, match="could not follow"):
        grammar(torch.tensor([[1, 600]]), torch.zeros(1, 670))


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl", "smolvlm", "gemma3", "florence2", "fuyu"])
def test_the_texts_of_tokens_are_as_llguidance_reads_them_where_it_can(kind: str) -> None:
    _, processor = build(CHECKPOINTS[kind])
    theirs = llguidance.hf.from_tokenizer(processor.tokenizer)
    ours = GrammarCompiler(processor.tokenizer, theirs.vocab_size, {2})._read_vocabulary().tokenizer
    for token in range(theirs.vocab_size):
        special = theirs.is_special_token(token)
        assert ours.is_special_token(token) == special, token
        assert special or ours.decode_bytes([token]) == theirs.decode_bytes([token])


def test_what_must_come_next_is_written_in_the_tokenizers_own_tokens() -> None:
    model = random_model("llava")
    grammar = model.grammars.compile_pattern("Q: (sofa near the window)")
    words = model.tokenizer.encode("sofa near the window", add_special_tokens=False)
    written = model.write(grammar)
    assert written[-len(words) - 1 : -1] == words


def test_a_tokenizer_that_changes_what_it_reads_changes_no_pattern() -> None:
    from tokenizers import normalizers

    _, processor = build(CHECKPOINTS["kosmos2"])
    core = processor.tokenizer.backend_tokenizer
    core.normalizer = normalizers.Lowercase()
    grammar = GrammarCompiler(processor.tokenizer, len(processor.tokenizer), {2}).compile_pattern(
        "RED"
    )
    ids, text = torch.tensor([[1]]), ""
    while True:
        token = int(grammar(ids, torch.zeros(1, len(processor.tokenizer))).argmax())
        if token == 2:
            break
        text += processor.tokenizer.convert_ids_to_tokens(token)
        ids = torch.cat([ids, torch.tensor([[token]])], 1)
    assert text.lstrip("▁") == "RED"


def test_a_tokenizer_whose_texts_are_unknown_is_refused() -> None:
    model, processor = build(CHECKPOINTS["git"])
    grammars = GrammarCompiler(processor.tokenizer, model.config.vocab_size, {3})
    with pytest.raises(EngineError, match="Possible answers"):
        grammars.compile_pattern("a")


def test_the_tokenizer_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def counted(*arguments: Any, **options: Any) -> Any:
        times.append(1)
        return LLTokenizer(*arguments, **options)

    monkeypatch.setattr(grammar_vocabulary, "LLTokenizer", counted)
    model = random_model("llava")
    grammars = GrammarCompiler(model.tokenizer, 670, {2})
    grammars.compile_pattern("a")
    grammars.compile_pattern("b")
    grammars.compile_schema("{}")
    assert times == [1]
