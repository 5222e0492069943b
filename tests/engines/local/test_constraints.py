"""Answers kept to choices, tokens, patterns and schemas: with real tokenizers and random models."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import llguidance.hf
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLTokenizer
from PIL import Image
from support.tiny_checkpoints import CHECKPOINTS, documented_template
from transformers import LogitsProcessorList

from vlm_demo.engines.local.decoding import constraints
from vlm_demo.engines.local.decoding.constraints import (
    ChoiceTree,
    ForcedTokens,
    Grammar,
    Grammars,
    OnlyChoices,
)
from vlm_demo.errors import EngineError, InputError
from vlm_demo.families import get_family
from vlm_demo.values import Request, Task

KINDS = ("llava", "qwen2_vl", "smolvlm", "kosmos2", "gemma3", "blip_2_t5", "florence2")
"""Byte-level, SentencePiece with bytes, unigrams with and without a decoder; encoder-decoders."""

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


@dataclass
class Tiny:
    """A random model of real classes, asked one question about one picture."""

    model: Any
    tokenizer: Any
    inputs: Any
    grammars: Grammars

    @property
    def end_token(self) -> int:
        return int(self.tokenizer.eos_token_id)

    def written(self, *processors: Any, seed: int = 0, length: int = 120) -> list[int]:
        """Draw an answer; return its tokens."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            out = self.model.generate(
                **self.inputs,
                do_sample=True,
                top_k=0,
                max_new_tokens=length,
                eos_token_id=self.end_token,
                pad_token_id=self.end_token,
                logits_processor=LogitsProcessorList(processors),
            )[0]
        asked = 1 if self.model.config.is_encoder_decoder else self.inputs["input_ids"].shape[1]
        return out[asked if len(out) > asked or asked == 1 else 0 :].tolist()

    def text(self, grammar: Grammar, seed: int = 0) -> str:
        tokens = self.written(grammar, seed=seed)
        assert tokens[-1] == self.end_token, "it was cut off"
        # As a text goes on: decoders take a blank away where one begins.
        word = self.tokenizer.encode("yes", add_special_tokens=False)
        text = self._decoded([*word, *tokens]).removeprefix(self._decoded(word))
        return text[1:] if grammar.blank_first and text.startswith(" ") else text

    def _decoded(self, tokens: list[int]) -> str:
        return str(
            self.tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


@cache
def tiny(kind: str) -> Tiny:
    checkpoint = CHECKPOINTS[kind]
    template = documented_template(checkpoint.family) if checkpoint.ships_template else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = checkpoint.build(template)
    family = get_family(checkpoint.family)
    picture = Image.new("RGB", (56, 56), "red")
    task = Task.VQA if Task.VQA in family.instructions else Task.CAPTION
    prompt = family.prompt(Request(task, "What is" if task is Task.VQA else "", (picture,)))
    message = prompt.messages[-1]
    content = [*({"type": "image"} for _ in message.images), {"type": "text", "text": message.text}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=prompt.chat_template,
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = processor(text=[text], images=[picture], return_tensors="pt")
    model.eval()
    tokenizer = processor.tokenizer
    vocabulary = model.get_output_embeddings().weight.shape[0]
    grammars = Grammars(tokenizer, vocabulary, {tokenizer.eos_token_id})
    return Tiny(model, tokenizer, inputs, grammars)


# Patterns and schemas


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_answer_matches_the_pattern(kind: str, pattern: str) -> None:
    answers = [tiny(kind).text(tiny(kind).grammars.pattern(pattern), seed) for seed in range(2)]
    assert [answer for answer in answers if not re.fullmatch(pattern, answer)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_valid_by_the_schema(kind: str) -> None:
    answer = json.loads(tiny(kind).text(tiny(kind).grammars.schema(json.dumps(SCHEMA))))
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
@settings(max_examples=40, deadline=None)
def test_any_pattern_is_kept_to(pattern: str, seed: int, kind: str) -> None:
    answer = tiny(kind).text(tiny(kind).grammars.pattern(pattern), seed)
    assert re.fullmatch(pattern, answer)


def test_different_answers_can_be_given() -> None:
    grammars = tiny("llava").grammars
    answers = {tiny("llava").text(grammars.pattern("[abc]"), seed) for seed in range(20)}
    assert answers == {"a", "b", "c"}


def test_words_may_begin_with_their_blank_and_only_one() -> None:
    model = tiny("llava")
    tokens = [model.tokenizer.convert_tokens_to_ids(token) for token in ("▁red", "▁", "red")]
    grammar = model.grammars.pattern("red")
    assert grammar.blank_first
    scores = grammar(torch.tensor([[1]]), torch.zeros(1, 700))[0]
    assert scores[tokens[0]] == scores[tokens[1]] == 0
    scores = grammar(torch.tensor([[1, tokens[1]]]), torch.zeros(1, 700))[0]
    assert scores[tokens[0]] == scores[tokens[1]] == -math.inf
    assert not model.grammars.pattern(r"\s?red").blank_first  # here it is part of the answer


def test_nothing_but_the_end_follows_a_complete_text_also_beyond_the_tokenizers_words() -> None:
    model = tiny("qwen2_vl")
    grammars = Grammars(model.tokenizer, 1000, {3, model.end_token})
    tokens = model.tokenizer.encode("no")
    grammar = grammars.pattern("no")
    ids = torch.tensor([[5, 6]])
    for token in tokens:
        assert grammar(ids, torch.zeros(1, 1003))[0, token] == 0
        ids = torch.cat([ids, torch.tensor([[token]])], 1)
    assert grammar(ids, torch.zeros(1, 1003))[0].isfinite().nonzero().flatten().tolist() == sorted(
        {3, model.end_token}
    )


def test_tokens_that_something_else_rules_out_still_end_a_text() -> None:
    grammar = tiny("llava").grammars.pattern("a")
    scores = grammar(torch.tensor([[1]]), torch.full((1, 670), -math.inf))
    assert scores.isfinite().any()


def test_rows_do_not_disturb_each_other() -> None:
    model = tiny("llava")
    one, other = model.grammars.pattern("ab"), model.grammars.pattern("ab")
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
        tiny("llava").grammars.pattern(pattern)
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
        tiny("llava").grammars.schema(schema)


def test_what_the_tokens_cannot_say_is_an_error_and_no_wrong_answer() -> None:
    model = tiny("blip_2_t5")
    assert model.text(model.grammars.pattern("赤|red"))  # it was taught both
    with pytest.raises(EngineError, match="no tokens for"):
        model.written(model.grammars.pattern("a鬱"))


def test_a_token_against_the_grammar_is_an_error() -> None:
    grammar = tiny("llava").grammars.pattern("a+")
    grammar(torch.tensor([[1]]), torch.zeros(1, 670))
    with pytest.raises(EngineError, match="could not be kept"):
        grammar(torch.tensor([[1, 600]]), torch.zeros(1, 670))


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl", "smolvlm", "gemma3", "florence2", "fuyu"])
def test_the_texts_of_tokens_are_as_llguidance_reads_them_where_it_can(kind: str) -> None:
    _, processor = CHECKPOINTS[kind].build(None)
    theirs = llguidance.hf.from_tokenizer(processor.tokenizer)
    ours = Grammars(processor.tokenizer, theirs.vocab_size, {2})._tokens().known
    for token in range(theirs.vocab_size):
        special = theirs.is_special_token(token)
        assert ours.is_special_token(token) == special, token
        assert special or ours.decode_bytes([token]) == theirs.decode_bytes([token])


def test_what_must_come_next_is_written_in_the_tokenizers_own_tokens() -> None:
    model = tiny("llava")
    grammar = model.grammars.pattern("Q: (sofa near the window)")
    words = model.tokenizer.encode("sofa near the window", add_special_tokens=False)
    written = model.written(grammar)
    assert written[-len(words) - 1 : -1] == words


def test_a_tokenizer_that_changes_what_it_reads_changes_no_pattern() -> None:
    from tokenizers import normalizers

    _, processor = CHECKPOINTS["kosmos2"].build(None)
    core = processor.tokenizer.backend_tokenizer
    core.normalizer = normalizers.Lowercase()
    grammar = Grammars(processor.tokenizer, len(processor.tokenizer), {2}).pattern("RED")
    ids, text = torch.tensor([[1]]), ""
    while True:
        token = int(grammar(ids, torch.zeros(1, len(processor.tokenizer))).argmax())
        if token == 2:
            break
        text += processor.tokenizer.convert_ids_to_tokens(token)
        ids = torch.cat([ids, torch.tensor([[token]])], 1)
    assert text.lstrip("▁") == "RED"


def test_a_tokenizer_whose_texts_are_unknown_is_refused() -> None:
    model, processor = CHECKPOINTS["git"].build(None)
    grammars = Grammars(processor.tokenizer, model.config.vocab_size, {3})
    with pytest.raises(EngineError, match="Possible answers"):
        grammars.pattern("a")


def test_the_tokenizer_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def counted(*arguments: Any, **options: Any) -> Any:
        times.append(1)
        return LLTokenizer(*arguments, **options)

    monkeypatch.setattr(constraints, "LLTokenizer", counted)
    model = tiny("llava")
    grammars = Grammars(model.tokenizer, 670, {2})
    grammars.pattern("a")
    grammars.pattern("b")
    grammars.schema("{}")
    assert times == [1]


# Choices


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=40), st.integers(0, 99)
)
def test_a_choice_is_open_as_long_as_its_tokens_are_followed(
    choices: list[list[int]], seed: int
) -> None:
    """Against the plain definition, on a walk that is drawn."""
    tree, walk, end = ChoiceTree(choices, 9), random.Random(seed), 9
    firsts = [i for i, tokens in enumerate(choices) if tokens not in choices[:i]]
    written: list[int] = []
    while True:
        open_ = [i for i in firsts if [*choices[i], end][: len(written)] == written]
        assert tree.made == (open_[0] if len(open_) == 1 else None)
        if len(open_) == 1:
            return
        assert tree.allowed == sorted({[*choices[i], end][len(written)] for i in open_})
        written.append(walk.choice(tree.allowed))
        tree.follow(written[-1])


def test_one_of_thousands_of_choices_is_made() -> None:
    rng = random.Random(0)
    choices = [[rng.randrange(600) for _ in range(rng.randint(1, 9))] for _ in range(20_000)]
    tree = ChoiceTree(choices, 2)
    only = OnlyChoices(tree)
    scores = torch.randn(1, 670, generator=torch.Generator().manual_seed(0))
    written: list[int] = []
    while tree.made is None:
        written.append(int(only(torch.tensor([[1, *written]]), scores).argmax()))
        tree.follow(written[-1])
    made = choices[tree.made]
    assert [*made, 2][: len(written)] == written


@pytest.mark.parametrize("kind", ["llava", "kosmos2"])
def test_generate_keeps_to_the_choices(kind: str) -> None:
    model = tiny(kind)
    choices = [model.tokenizer.encode(word, add_special_tokens=False) for word in ("cat", "a cat")]

    class Following(OnlyChoices):
        """As the engine does it: every token that is taken is told to the tree."""

        def __init__(self, tree: ChoiceTree) -> None:
            super().__init__(tree)
            self.tree, self.known = tree, 0

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            if self.known and self.tree.made is None:
                self.tree.follow(int(input_ids[0, -1]))
            self.known = input_ids.shape[1]
            if self.tree.made is not None:
                return scores
            return super().__call__(input_ids, scores)

    made = set()
    for seed in range(8):
        tree = ChoiceTree(choices, model.end_token)
        model.written(Following(tree), seed=seed, length=max(map(len, choices)) + 1)
        made.add(tree.made)
    assert made == {0, 1}


# Forced tokens


@pytest.mark.parametrize("kind", ["llava", "blip_2_t5"])
def test_forced_tokens_are_written(kind: str) -> None:
    model = tiny(kind)
    tokens = [*model.tokenizer.encode("a red cat", add_special_tokens=False), model.end_token]
    assert model.written(ForcedTokens(tokens)) == tokens


def test_what_follows_forced_tokens_is_free() -> None:
    forced = ForcedTokens([4])
    scores = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]])
    assert forced(torch.tensor([[1]]), scores).tolist() == [[-math.inf] * 4 + [0.0]]
    assert forced(torch.tensor([[1, 4]]), scores) is scores
