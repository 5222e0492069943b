import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
from safetensors import safe_open
from support import ROOT

from vlm_demo.catalog.added_model import spec_for_checkpoint
from vlm_demo.catalog.menu import REPOSITORY, default_menu, find, load_menu
from vlm_demo.catalog.spec import ESTIMATED_FORMATS, Ability, ModelSpec, estimate_memory
from vlm_demo.engines import NumberFormat
from vlm_demo.errors import LoadError, SettingsError, UnknownModelError, UnsupportedTaskError
from vlm_demo.families import all_families
from vlm_demo.values import Task

MENU = default_menu()


def menu_file(folder: Path, text: str) -> Path:
    path = folder / "menu.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_menu_begins_with_the_embedded_models() -> None:
    assert [spec.name for spec in MENU[:5]] == [
        "automatic",
        "embedded-llava15",
        "embedded-kosmos2",
        "embedded-photos",
        "SmolVLM-256M-Instruct",
    ]
    assert [spec.embedded for spec in MENU] == [True] * 4 + [False] * (len(MENU) - 4)
    assert all(spec.note for spec in MENU[:5])


def test_every_checkpoint_of_every_family_is_on_the_menu() -> None:
    listed = {(spec.checkpoint, spec.family) for spec in MENU}
    for family in all_families().values():
        for checkpoint in family.checkpoints:
            # The Hub leads from the old name of the organisation to the new one.
            name = checkpoint.replace("THUDM/", "zai-org/")
            assert (name, family.name) in listed, f"{name} ({family.name}) is not in catalog.toml"


def test_every_family_of_models_is_on_the_menu() -> None:
    listed = {spec.family for spec in MENU}
    # Neither a format that models of many families write is a model, nor what no family lists.
    assert set(all_families()) - listed <= {"json", "generic"}


def test_every_entry_is_complete() -> None:
    for spec in MENU:
        assert spec.licence, spec.name
        assert spec.languages or not spec.answers, spec.name
        assert spec.commercial != "unknown" or "commercial" in spec.unverified_fields, spec.name
        assert spec.source.startswith("https://") or (REPOSITORY / spec.source).is_file(), spec.name
        assert set(spec.unverified_fields) <= {field.name for field in fields(ModelSpec)}, spec.name
        assert spec.revision is None, spec.name  # nobody here has read the code of a revision


def test_an_entry_says_what_its_engine_needs() -> None:
    for spec in MENU:
        if spec.runs == "nowhere" or spec.engine == "automatic":
            assert not spec.checkpoint, spec.name
        else:
            assert spec.checkpoint, spec.name
            assert spec.parameters or "parameters" in spec.unverified_fields, spec.name
        if spec.runs_here:
            assert spec.abilities, spec.name
            assert spec.tasks or not spec.answers, spec.name


def test_exceptions_from_the_family_are_exceptions() -> None:
    for spec in MENU:
        others = replace(spec, also=(), cannot=())
        assert set(spec.cannot) <= set(others.abilities), spec.name
        assert not set(spec.also) & set(others.abilities), spec.name


def test_a_model_that_does_not_run_here_names_one_that_does() -> None:
    elsewhere = [spec for spec in MENU if not spec.runs_here]
    assert len({spec.runs for spec in elsewhere}) == 4
    for spec in elsewhere:
        assert find(MENU, spec.alternative).runs_here
        assert spec.alternative in str(spec.unavailable_reason)
        assert "that runs here" in str(spec.unavailable_reason)  # what to do


def test_remote_code_is_run_only_from_a_menu_of_ones_own(tmp_path: Path) -> None:
    spec = next(spec for spec in MENU if spec.runs == "remote code")
    assert "trust_remote_code = true" in str(spec.unavailable_reason)
    path = menu_file(
        tmp_path,
        f"""
        [[model]]
        name = "{spec.name}"
        family = "{spec.family}"
        checkpoint = "{spec.checkpoint}"
        revision = "0123456789abcdef"
        trust_remote_code = true
        """,
    )
    (mine,) = load_menu(path)
    assert mine.runs_here


def test_memory_grows_with_the_parameters_and_shrinks_with_the_bits() -> None:
    assert estimate_memory(1_000_000_000, NumberFormat.BFLOAT16) == 2_400_000_000
    assert estimate_memory(1_000_000_000, NumberFormat.FOUR_BIT) == 675_000_000
    for spec in MENU:
        if spec.parameters is None:
            assert spec.memory(NumberFormat.BFLOAT16) is None
            assert spec.finest_format(10**15) is None
            continue
        amounts = [spec.memory(one) or 0 for one in ESTIMATED_FORMATS.values()]
        assert amounts == sorted(amounts, reverse=True)
        assert amounts[-1] > spec.parameters * 0.5
        for one, amount in zip(ESTIMATED_FORMATS.values(), amounts, strict=True):
            assert spec.finest_format(amount) is one
        assert spec.finest_format(amounts[-1] - 1) is None


def test_the_embedded_models_are_as_large_as_the_menu_says() -> None:
    for spec in MENU[1:3]:
        assert spec.is_here
        with safe_open(Path(spec.checkpoint) / "model.safetensors", "np") as weights:
            sizes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
        assert spec.parameters == pytest.approx(sum(map(math.prod, sizes)), rel=0.05)


def test_embedded_models_are_looked_for_in_the_repository() -> None:
    spec = default_menu()[1]
    assert Path(spec.checkpoint) == ROOT / "assets/models/embedded-llava15"
    assert spec.is_here == Path(spec.checkpoint).is_dir()


def test_tasks_come_from_the_family() -> None:
    menu = {spec.name: spec for spec in default_menu()}
    assert Task.GROUNDING in menu["embedded-llava15"].tasks
    assert not menu["SmolVLM-256M-Instruct"].supports(Task.GROUNDING)
    assert menu["SmolVLM-256M-Instruct"].tasks == (
        Task.CHAT,
        Task.CAPTION,
        Task.DETAILED_CAPTION,
        Task.VQA,
        Task.DESCRIBE_REGION,
    )


def test_abilities_come_from_the_family_and_the_exceptions() -> None:
    assert Ability.REGION_INPUT in find(MENU, "llava-1.5-7b-hf").abilities
    assert Ability.REGION_INPUT not in find(MENU, "SmolVLM-256M-Instruct").abilities  # drawn in
    assert Ability.SEVERAL_IMAGES in find(MENU, "SmolVLM-256M-Instruct").abilities
    assert Ability.SEVERAL_IMAGES not in find(MENU, "llava-1.5-7b-hf").abilities
    assert Ability.MASKS in find(MENU, "Florence-2-base").abilities
    assert Ability.CHAT not in find(MENU, "GLM-4.1V-9B-Base").abilities


def test_an_exception_takes_tasks_away_and_says_why() -> None:
    base = replace(find(MENU, "SmolVLM-256M-Instruct"), cannot=(Ability.CHAT,))
    assert not base.supports(Task.CHAT)
    assert base.supports(Task.CAPTION)
    base.check(Task.CAPTION)
    with pytest.raises(UnsupportedTaskError, match=r"SmolVLM-256M-Instruct cannot.*another model"):
        base.check(Task.CHAT)
    with pytest.raises(UnsupportedTaskError, match=r"SmolVLM models cannot do this task"):
        base.check(Task.GROUNDING)


def test_a_model_of_the_hub_that_was_never_fetched_is_not_here() -> None:
    spec = ModelSpec(name="x", family="smolvlm", checkpoint="nobody/no-such-model")
    assert not spec.is_here
    assert spec.folder is None


def test_a_menu_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    path = menu_file(
        tmp_path,
        """
        [[model]]
        name = "Mine"
        family = "llava15"
        checkpoint = "mine"
        languages = ["English", "日本語"]
        quantization = "4bit"

        [[model]]
        name = "Pinned"
        family = "kosmos2"
        checkpoint = "someone/model"
        revision = "abc1234"
        trust_remote_code = true
        """,
    )
    mine, pinned = load_menu(path)
    assert mine == ModelSpec(
        name="Mine",
        family="llava15",
        checkpoint=str(tmp_path / "mine"),
        languages=("English", "日本語"),
        number_format=NumberFormat.FOUR_BIT,
    )
    assert mine.is_here
    assert (pinned.checkpoint, pinned.revision) == ("someone/model", "abc1234")


def test_former_keys_are_read_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = menu_file(
        tmp_path,
        """
        [[model]]
        name = "First"
        family = "llava15"
        checkpoint = "someone/first"
        unsure = ["licence", "parameters"]

        [[model]]
        name = "Second"
        family = "llava15"
        checkpoint = "someone/second"
        runs = "remote"
        nearest = "First"
        """,
    )
    first, second = load_menu(path)
    assert first.unverified_fields == ("licence", "parameters")
    assert second.alternative == "First"
    assert "says 'unsure', which is now called 'unverified_fields'" in caplog.text
    assert "says 'nearest', which is now called 'alternative'" in caplog.text


@pytest.mark.parametrize(
    ("keys", "number_format", "compute_format"),
    [
        ("", NumberFormat.AUTO, NumberFormat.AUTO),
        ('dtype = "bfloat16"', NumberFormat.BFLOAT16, NumberFormat.AUTO),
        ('quantization = "8bit"', NumberFormat.EIGHT_BIT, NumberFormat.AUTO),
        (
            'quantization = "4bit"\ndtype = "float16"',
            NumberFormat.FOUR_BIT,
            NumberFormat.FLOAT16,
        ),
    ],
)
def test_two_keys_say_the_number_format(
    keys: str, number_format: NumberFormat, compute_format: NumberFormat, tmp_path: Path
) -> None:
    (spec,) = load_menu(menu_file(tmp_path, GOOD + keys))
    assert (spec.number_format, spec.compute_format) == (number_format, compute_format)
    options = spec.load_options("cpu")
    assert (options.number_format, options.compute_format) == (number_format, compute_format)


GOOD = '[[model]]\nname = "x"\nfamily = "llava15"\ncheckpoint = "a/b"\n'


THERE = GOOD + 'engine = "remote"\nbase_url = "http://127.0.0.1:8000/v1"\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no models"),
        ("model = 3", "has no models"),
        ("model = [3]", "not a .*table"),
        ("[[model", "not valid TOML"),
        ('[[model]]\nfamily = "llava15"\ncheckpoint = "a/b"', "'name' is missing"),
        ('[[model]]\nname = "x"\nfamily = "llava15"', "model 'x': 'checkpoint' is missing"),
        (GOOD + 'engin = "local"', "no 'engin'. Known: name, title, family"),
        (
            GOOD + 'engine = "magic"',
            "engine should be 'local', 'remote', 'detector', 'segmenter' or 'automatic', "
            "not 'magic'",
        ),
        (GOOD + 'quantization = "3bit"', "quantization should be .*'4bit'.*, not '3bit'"),
        (GOOD + "parameters = 1.5", "parameters should be a valid integer, not 1.5"),
        (GOOD + "parameters = true", "parameters should be a valid integer, not True"),
        (GOOD + 'languages = "English"', "languages should be a valid .*, not 'English'"),
        (GOOD + "note = 3", "note should be a valid string, not 3"),
        (GOOD + 'runs = "there"', "runs should be .*'remote code'.*not 'there'"),
        (GOOD + 'also = ["dance"]', r"also\[0\] should be 'chat', .*, not 'dance'"),
        (GOOD + 'unverified_fields = ["licens"]', "no 'licens'. Known: name"),
        (GOOD + "unverified_fields = [1]", r"unverified_fields\[0\] should be a valid string"),
        (GOOD + 'runs = "remote"', "begins with 'x'.*its own program"),
        (GOOD + "trust_remote_code = true", "needs a pinned revision"),
        (GOOD + 'trust_remote_code = true\nrevision = "main"', "needs the commit .*not 'main'"),
        (GOOD.replace("llava15", "lava"), "no model family 'lava'. Did you mean llava"),
        (GOOD + GOOD, "several models called 'x'"),
        (GOOD + 'engine = "remote"', "needs the address of a server"),
        (GOOD + 'engine = "remote"\nbase_url = "127.0.0.1:8000"', "needs the address of a server"),
        (GOOD + 'engine = "remote"\nbase_url = "http://a:b/v1"', "needs the address of a server"),
        (THERE + 'server = "tgi"', "server should be 'vllm' or 'openai', not 'tgi'"),
        (THERE + "trust_remote_code = true", "trust_remote_code has no meaning"),
        (THERE + 'quantization = "4bit"', "quantization has no meaning"),
        (GOOD + 'base_url = "http://127.0.0.1:8000/v1"', 'base_url needs engine = "remote"'),
        (GOOD + 'api_key_env = "KEY"', 'api_key_env needs engine = "remote"'),
    ],
)
def test_a_menu_that_cannot_be_used_says_where_and_why(
    text: str, reason: str, tmp_path: Path
) -> None:
    path = menu_file(tmp_path, text)
    with pytest.raises(SettingsError, match=rf"menu\.toml.*{reason}"):
        load_menu(path)


@pytest.mark.parametrize(
    "secretive",
    [
        THERE + 'api_key_env = "hf_SeCrEt"',
        THERE + 'api_key_env = "sk-SeCrEt"',
        THERE.replace("127", "user:SeCrEt@127"),
        THERE.replace("/v1", "/v1?key=SeCrEt"),
    ],
)
def test_a_key_in_a_menu_is_refused_and_not_repeated(secretive: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"api_key_env") as caught:
        load_menu(menu_file(tmp_path, secretive))
    assert "SeCrEt" not in str(caught.value)


def test_a_model_on_another_server_needs_nothing_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    text = THERE + 'runs = "remote code"\nparameters = 7_000_000_000\napi_key_env = "MY_KEY"'
    (spec,) = load_menu(menu_file(tmp_path, text))
    assert (spec.engine, spec.server, spec.api_key_env) == ("remote", "vllm", "MY_KEY")
    assert spec.checkpoint == "a/b"  # its name there, not the folder here
    assert spec.runs_here
    assert not spec.is_here
    assert spec.memory(NumberFormat.BFLOAT16) is None
    assert spec.finest_format(10**15) is None


def test_a_server_that_drops_special_tokens_cannot_locate_with_them(tmp_path: Path) -> None:
    (kosmos,) = load_menu(menu_file(tmp_path, THERE.replace("llava15", "kosmos2")))
    assert kosmos.supports(Task.GROUNDING)
    dropped = replace(kosmos, server="openai")
    assert not dropped.supports(Task.GROUNDING)
    assert Ability.LOCATE not in dropped.abilities
    assert dropped.supports(Task.CAPTION)
    assert replace(dropped, family="llava15").supports(Task.GROUNDING)  # in plain numbers


def test_a_menu_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_menu(tmp_path / "none.toml")


def test_finding_by_name() -> None:
    menu = default_menu()
    assert find(menu, "embedded-kosmos2") is menu[2]
    with pytest.raises(
        UnknownModelError, match=r"called 'gpt'\. Known: automatic, embedded-llava15, emb"
    ):
        find(menu[:3], "gpt")


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("smolvlm-256m-instruct", "SmolVLM-256M-Instruct"),  # only the case is wrong
        ("embeded-lava15", "embedded-llava15"),
        ("qwen2.5 vl 7b instruct", "Qwen2.5-VL-7B-Instruct"),
        ("?", ""),
        ("x" * 10_000, ""),
    ],
)
def test_an_unknown_name_is_answered_with_a_few_similar_ones(name: str, suggested: str) -> None:
    with pytest.raises(UnknownModelError, match=r"There is no model called '") as caught:
        find(default_menu(), name)
    message = str(caught.value)
    assert f"Did you mean {suggested}" in message if suggested else "Did you" not in message
    assert message.endswith("vlm-demo models lists them all.")
    assert len(message) < 400
    assert message.count(", ") + message.count(" or ") < 5


def test_a_folder_gets_the_family_of_its_config(tiny_kosmos2: Path) -> None:
    spec = spec_for_checkpoint(f" {tiny_kosmos2} ")
    assert (spec.family, spec.checkpoint, spec.name) == (
        "kosmos2",
        str(tiny_kosmos2),
        tiny_kosmos2.name,
    )


def test_a_hub_id_that_the_catalogue_knows_keeps_its_facts() -> None:
    assert spec_for_checkpoint(" llava-hf/llava-v1.6-34b-hf ").family == "llava_next_34b"
    assert spec_for_checkpoint("vikhyatk/moondream2").unavailable_reason


def test_checkpoints_that_cannot_be_found() -> None:
    with pytest.raises(LoadError, match="Enter a Hub ID"):
        spec_for_checkpoint("  ")
    with pytest.raises(LoadError, match="HF_HUB_OFFLINE"):
        spec_for_checkpoint("nobody/no-such-model")
    with pytest.raises(LoadError, match="There is no folder"):
        spec_for_checkpoint("just words")


def test_forms_of_the_same_weights_have_one_licence() -> None:
    by_checkpoint = {spec.checkpoint.casefold(): spec for spec in MENU}
    pairs = [
        (spec, by_checkpoint[f"{checkpoint}-hf"])
        for checkpoint, spec in by_checkpoint.items()
        if f"{checkpoint}-hf" in by_checkpoint
    ]
    assert len(pairs) >= 10
    for own, native in pairs:
        assert (own.licence, own.commercial) == (native.licence, native.commercial), own.name


def test_no_two_files_of_the_menu_name_one_model() -> None:
    names = [spec.name for spec in MENU]
    assert len(set(names)) == len(names)
