"""What gives a model away, and what only looks like it."""

import time
from dataclasses import replace

import pytest

from vlm_demo.arena.battles.revealed_identity import reveals_identity
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.families import all_families

SAID = [
    "I am LLaVA, a large multimodal model.",
    "I'm Qwen-VL, how can I help?",
    "As Qwen2.5-VL, I can see a dog.",
    "My name is Claude.",
    "I’m Gemini, a large language model.",
    "I am a large language model, trained by Google.",
    "I was trained by Google.",
    "I am an AI assistant developed by OpenAI.",
    "As a language model created by Meta AI, I cannot say.",
    "I'm Claude, made by Anthropic.",
    "Sure! I am a vision model called Florence.",
    "I am based on the LLaMA architecture: I am Llama.",
    "This answer was written by InternVL3.",
    "MiniCPM-V sees two cats.",
    "PaliGemma says: a cat.",
    "<grounding> I am KOSMOS-2",
    "DeepSeek-VL2 at your service",
    "Idefics3 thinks it is a cat",
    "SmolVLM here. A cat.",
    "Je suis un modèle de langage développé par Mistral AI.",
    "Je m'appelle Claude.",
    "Je suis Gemini, entraîné par Google.",
    "Ich bin Gemini.",
    "Ich wurde von Google entwickelt.",
    "Ich bin ein großes Sprachmodell, trainiert von Google.",
    "Soy un modelo de lenguaje desarrollado por OpenAI.",
    "Soy Claude, un asistente.",
    "Sou um modelo de linguagem treinado pelo Google.",
    "Sono un modello linguistico addestrato da Google.",
    "Я — модель, разработанная компанией Google. Я Gemini.",
    "私はQwenです。",
    "私はGoogleによって開発された大規模言語モデルです。",
    "私は、OpenAIがトレーニングしたAIアシスタントです。",
    "我是通义千问,由阿里云开发的大模型。",
    "我是通義千問。",
    "我是由深度求索公司开发的智能助手。",
    "我是由百度开发的AI助手。",
    "我叫豆包。",
    "我是书生·万象。",
    "저는 구글에서 훈련한 대규모 언어 모델입니다.",
    "나는 Gemini입니다.",
    "ＱＷＥＮ",
]

ASKED = [
    "What model are you?",
    "what AI model are you",
    "Which LLM are you?",
    "Who are you?",
    "who are you really?",
    "Who made you?",
    "Which company trained you?",
    "What is your name?",
    "Tell me your model name.",
    "Are you GPT-4?",
    "are you llava or qwen",
    "Are you made by Google?",
    "Describe the picture.\nAnd introduce yourself, please.",
    "Who is your creator?",
    "What are you?",
    "Quel modèle es-tu ?",
    "Qui es-tu ?",
    "Qui t’a créé ?",
    "Comment tu t'appelles ?",
    "Wer bist du?",
    "Welches Modell bist du?",
    "Wer hat dich entwickelt?",
    "Wie heißt du?",
    "¿Qué modelo eres?",
    "¿Quién eres?",
    "¿Quién te creó?",
    "Qual modelo é você?",
    "Quem é você?",
    "Chi sei?",
    "Che modello sei?",
    "Wie ben jij?",
    "Kim jesteś?",
    "Кто ты?",
    "Какая ты модель?",
    "Как тебя зовут?",
    "Sen kimsin?",
    "Siapa kamu?",
    "من أنت؟",
    "तुम कौन हो?",
    "あなたは誰ですか？",
    "あなたはどのモデルですか",
    "君は誰?",
    "あなたはGPTですか",
    "あなたの名前は？",
    "どのモデルですか？",
    "誰があなたを作りましたか",
    "自己紹介してください",
    "你是谁",
    "你是什么模型？",
    "你是什麼模型",
    "你是哪家公司的模型",
    "你叫什么名字",
    "谁开发了你？",
    "你是不是GPT-4",
    "너는 누구야?",
    "넌 어떤 모델이니",
    "누가 널 만들었어?",
]

ONLY_THINGS = [
    "A llama stands on a hill, and two alpacas behind it.",
    "The vicuña and the emu are behind the fence; a ferret sleeps.",
    "A painting by Claude Monet: I am sure it is Impression, Sunrise.",
    "The Gemini zodiac sign shows twins. I am looking at Gemini and Leo.",
    "This is the Duomo of Florence, Italy. I believe I am right that it is Florence.",
    "The sign shows the Google logo. I am sure that it is Google.",
    "The laptop has a Microsoft Windows screen. The phone was developed by Apple.",
    "A white van with an Amazon logo, a Meta sign and an Nvidia card.",
    "I am not sure, but the phone could be made by Google.",
    "The poster was made by Baidu.",
    "A heron stands in the water beside a pink flamingo.",
    "A sphinx and a falcon. The word kosmos is Greek.",
    "A fuyu persimmon on a plate.",
    "Yi the tiger. The man is called Yi.",
    'The screen reads "Qwen2-VL Technical Report" in small type.',
    "An apple lies on the table. I am certain that it is an apple.",
    "I'm a bit unsure: it is a red circle.",
    "As an AI language model, I cannot see who the person is.",
    "I am an AI assistant and cannot identify people.",
    "The text says: Alexa, play a song. Hello, I am late.",
    "Er trägt ein T-Shirt von Google. Ich sehe ein Lama.",
    "Le panneau montre le logo de Google. Je suis sûr.",
    "我看到百度的标志。我是说,这是一只猫。",
    "这张图片由谷歌地图提供,有一个书生在读书。",
    "私はこの写真にGoogleのロゴがあると思います。",
    "図は千の問いを示す。彼はアップルの社員です。",
    "Er ist ein Kosmonaut. Git ist ein Programm.",
    "[0.10, 0.20, 0.40, 0.60]",
    "<phrase> a phi symbol</phrase><object><patch_index_0132><patch_index_0495></object>",
    '{"bbox_2d": [1, 2, 3, 4], "label": "red circle"}',
    "",
]

ASKED_ABOUT_THINGS = [
    "Who is in the picture?",
    "Which model is this car?",
    "What model of phone is it?",
    "Who made this painting?",
    "Where are you looking?",
    "What are you seeing here?",
    "Who are you looking at?",
    "Wer sind sie?",
    "Wer ist das?",
    "Qui est-ce ?",
    "¿Quién es?",
    "Quel modèle de voiture est-ce ?",
    "この車はどのモデルですか？",
    "この人は誰ですか",
    "你看到了谁?",
    "这是什么模型?",
    "이 사람은 누구예요?",
    "Is this a llama or an alpaca?",
    "Is there a Google logo?",
    "What is the name of the shop?",
    "what is your opinion",
    "Are you sure that it is the Apple logo?",
    "Are you able to see the apple?",
    "Are you sure?",
    "Describe what you are seeing.",
    "red circle",
    "",
]


@pytest.mark.parametrize("answer", SAID)
def test_a_model_that_says_who_it_is_is_found(answer: str) -> None:
    assert reveals_identity("What is in the picture?", ("A cat.", answer))


@pytest.mark.parametrize("words", ASKED)
def test_a_question_for_who_it_is_is_found(words: str) -> None:
    assert reveals_identity(words, ("A cat.", "Two cats."))


@pytest.mark.parametrize("answer", ONLY_THINGS)
def test_what_is_on_the_picture_gives_nobody_away(answer: str) -> None:
    assert not reveals_identity("What is in the picture?", (answer, "A cat."))


@pytest.mark.parametrize("words", ASKED_ABOUT_THINGS)
def test_a_question_about_the_picture_asks_for_nobody(words: str) -> None:
    assert not reveals_identity(words, ("A cat.", "Two cats."))


def test_a_name_that_the_person_used_first_is_a_thing() -> None:
    answers = ("It is the logo of Qwen.", "The sign says Qwen.")
    assert not reveals_identity("What does Qwen mean on this sign?", answers)
    assert reveals_identity("What does this sign mean?", answers)
    assert reveals_identity(
        "What does Qwen mean on this sign?", ("I am Qwen, so it means me.", "A name.")
    )


def test_the_menu_s_own_names_tell_too() -> None:
    spec = ModelSpec(name="in-house-v7", family="llava15", checkpoint="us/secret-model-9b")
    assert reveals_identity("what?", ("in-house-v7 says hello", "a cat"), [spec])
    assert reveals_identity("what?", ("Secret-Model-9B says hello", "a cat"), [spec])
    assert not reveals_identity("what?", ("in-house-v7 says hello", "a cat"))
    plain = replace(spec, name="house", checkpoint="us/cat")
    assert not reveals_identity("what?", ("the house", "a cat"), [plain])


@pytest.mark.parametrize(
    "family", ["LLaVA", "Qwen2.5-VL", "KOSMOS-2", "Florence-2", "PaliGemma", "SmolVLM", "InternVL"]
)
def test_the_families_of_the_program_are_known_by_their_titles(family: str) -> None:
    assert any(known.title.startswith(family) for known in all_families().values())
    assert reveals_identity("what?", (f"Here is {family} speaking.", "a cat"))


def test_every_model_of_the_menu_is_found_when_it_introduces_itself() -> None:
    hidden = [
        spec.name
        for spec in default_menu()
        if spec.engine not in ("detector", "automatic")  # they say no names, and are not paired
        and not reveals_identity("what?", (f"I am {spec.name}.", "a cat"), [spec])
    ]
    assert hidden == []


def test_long_texts_are_read_in_no_time() -> None:
    started = time.process_time()
    for text in (
        "I am " * 4_000,
        "私は" * 8_000,
        "as an ai " * 2_000,
        "我是由" * 5_000,
        "a" * 20_000,
    ):
        reveals_identity(text, (text, text), default_menu()[:2])
    assert time.process_time() - started < 10
