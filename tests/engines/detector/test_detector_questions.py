"""What the detector understands in three languages."""

import pytest

from vlm_demo.engines.detector.questions import QuestionKind, Side, read_names, read_question
from vlm_demo.engines.detector.vocabulary import (
    Language,
    coco_classes,
    find_class,
    imagenet_names,
)

DOG, CAT, PERSON, COUCH, PHONE, CAR = (
    find_class(name) for name in ("dog", "cat", "person", "couch", "cell phone", "car")
)


@pytest.mark.parametrize(
    ("text", "kind", "nouns"),
    [
        ("How many dogs are there?", QuestionKind.COUNT, ("dogs",)),
        ("How many people can you see in the picture?", QuestionKind.COUNT, ("people",)),
        ("Is there a cat in the photo?", QuestionKind.IS_THERE, ("a cat",)),
        ("Do you see a man?", QuestionKind.IS_THERE, ("a man",)),
        ("What is in the picture?", QuestionKind.GROUNDED_CAPTION, ()),
        ("Describe this image.", QuestionKind.CAPTION, ()),
        ("Where is the sofa?", QuestionKind.FIND, ("the sofa",)),
        ("find dogs and cats", QuestionKind.FIND, ("dogs", "cats")),
        ("犬は何匹いますか？", QuestionKind.COUNT, ("犬",)),
        ("この写真に何が写っていますか？", QuestionKind.GROUNDED_CAPTION, ()),
        ("猫はいますか", QuestionKind.IS_THERE, ("猫",)),
        ("ソファはどこですか", QuestionKind.FIND, ("ソファ",)),
        ("有几只狗？", QuestionKind.COUNT, ("狗",)),
        ("图片里有什么？", QuestionKind.GROUNDED_CAPTION, ()),
        ("有猫吗？", QuestionKind.IS_THERE, ("猫",)),
        ("狗在哪里？", QuestionKind.FIND, ("狗",)),
        ("Why is the sky blue?", QuestionKind.OTHER, ()),
        ("What colour is the car?", QuestionKind.OTHER, ()),
        ("", QuestionKind.OTHER, ()),
        ("how many " + "very " * 2000 + "large dogs", QuestionKind.OTHER, ()),
    ],
)
def test_questions(text: str, kind: QuestionKind, nouns: tuple[str, ...]) -> None:
    question = read_question(text)

    assert (question.kind, question.nouns) == (kind, nouns)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("What is left of the dog?", Side.LEFT),
        ("what's to the right of the dog in the photo?", Side.RIGHT),
        ("What is under the dog?", Side.BELOW),
        ("犬の上に何がありますか", Side.ABOVE),
        ("狗的左边是什么？", Side.LEFT),
    ],
)
def test_sides(text: str, side: Side) -> None:
    question = read_question(text)

    assert (question.kind, question.side) == (QuestionKind.BESIDE, side)
    assert find_class(question.nouns[0], question.language) == DOG


@pytest.mark.parametrize(
    ("text", "nouns", "language"),
    [
        ("cat, dog; a red car", ("cat", "dog", "a red car"), Language.ENGLISH),
        ("dogs, Dogs and dogs", ("dogs",), Language.ENGLISH),
        ("犬と猫", ("犬", "猫"), Language.JAPANESE),
        ("狗和猫", ("狗", "猫"), Language.CHINESE),
        ("自転車", ("自転車",), Language.JAPANESE),
        ("the dog's owner", ("the dog's owner",), Language.ENGLISH),
    ],
)
def test_lists_of_things(text: str, nouns: tuple[str, ...], language: Language) -> None:
    question = read_names(text)

    assert (question.nouns, question.language) == (nouns, language)


@pytest.mark.parametrize(
    ("word", "class_index"),
    [
        ("Dogs", DOG), ("the Sofa", COUCH), ("mobile phone", PHONE), ("woman", PERSON),
        ("Kitten", CAT), ("automobile", CAR), ("ネコ", CAT), ("手机", PHONE), ("スマホ", PHONE),
        ("okapi", None), ("", None), ("dog's owner", None),
    ],
)  # fmt: skip
def test_synonyms(word: str, class_index: int | None) -> None:
    assert find_class(word) == class_index


def test_every_class_has_a_name_in_each_language() -> None:
    assert (len(coco_classes()), len(imagenet_names())) == (80, 1000)
    for names in coco_classes():
        assert all(names[language].singular for language in Language)
        assert all(names[language].counter for language in (Language.JAPANESE, Language.CHINESE))
    for names in imagenet_names():
        assert all(names[language].strip() for language in Language)


def test_no_word_names_two_classes() -> None:
    for language in Language:
        words = [word.casefold() for names in coco_classes() for word in set(names[language].words)]
        assert sorted(words) == sorted(set(words))
