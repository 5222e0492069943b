"""Bad input ends in one line that says what is wrong."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("captoin", "x.png"), "No such command 'captoin'"),
        (("caption",), "Missing argument 'PICTURE'"),
        (("caption", "none.png"), "none.png cannot be read: No such file or directory"),
        (("caption", "."), "cannot be read: Is a directory"),
        (("caption", "-"), "empty"),
        (("caption", "{text}"), "not a supported image"),
        (("caption", "{cut}"), "damaged"),
        (("caption", "{file}", "--nonsense"), "No such option: --nonsense"),
        (("caption", "{file}", "--detailed", "--grounded"), "choose one of the two"),
        (("caption", "{file}", "--model", "quen"), "Known: tiny-llava15, tiny-kosmos2"),
        (("caption", "{file}", "--model", "nobody/nothing"), "nobody/nothing"),
        (("caption", "{file}", "--menu", "none.toml"), "none.toml cannot be read"),
        (("caption", "{file}", "--temperature", "hot"), "--temperature"),
        (("caption", "{file}", "--temperature", "nan"), "--temperature"),
        (("caption", "{file}", "--temperature", "-1"), "--temperature"),
        (("caption", "{file}", "--max-new-tokens", "0"), "--max-new-tokens"),
        (("caption", "{file}", "--seed", "-1"), "--seed"),
        (("ask", "{file}", ""), "Write something first"),
        (("ask", "{file}", " \n "), "Write something first"),
        (("ask", "{file}", "x" * 10_000), "10,000 characters, 2,000 over the limit of 8,000"),
        (("ask", "{file}", "what?", "--choices", " , "), "give words with commas between"),
        (("locate", "{file}", ""), "Write something first"),
        (("locate", "{file}", "dog", "--format", "xml"), "'xml' is not one of 'json', 'coco'"),
        (("locate", "{file}", "dog", "--json", "--format", "csv"), "it is JSON already"),
        (("locate", "{file}", "dog", "--model", "tiny-smolvlm"), "SmolVLM models cannot do this"),
        (("locate", "{file}", "dog", "--out", "{file}.gif"), "must end in one of .png"),
        (("locate", "{file}", "dog", "--out", "/no/where.png"), "there is no folder /no"),
        (("describe", "{file}"), "Missing option '--box'"),
        (("describe", "{file}", "--box", "1,2,3"), "give four numbers"),
        (("describe", "{file}", "--box", "1,2,3,x"), "give four numbers"),
        (("describe", "{file}", "--box", "0,0,nan,9"), "give four finite numbers"),
        (("describe", "{file}", "--box", "200,0,300,9"), "nothing of the image of 96 x 64"),
        (("describe", "{file}", "--box", "5,5,5,9"), "nothing of the image"),
        (("chat", "-"), "the image must be a file"),
        (("prompt",), "Missing option '--model'"),
        (("prompt", "--model", "quen"), "no model or family called 'quen'. Did you mean qwen"),
        (("prompt", "--model", "llava15"), "Write something first"),
        (("prompt", "--model", "llava15", "--task", "sing"), "'sing' is not one of 'chat'"),
        (("prompt", "--model", "smolvlm", "--task", "detect", "--text", "a"), "cannot do this"),
        (("prompt", "--model", "llava15", "--text", "a", "--history", "x"), "'--history'"),
        (("prompt", "--model", "llava15", "--text", "a", "--picture", "none.png"), "cannot be"),
        (("ask", "{file}", "what?", "--pattern", "a("), "This pattern cannot be used: unclosed"),
        (("ask", "{file}", "what?", "--schema", "{"), "This schema cannot be used"),
        (("ask", "{file}", "what?", "--schema", "none.json"), "neither JSON nor a file"),
        (("ask", "{file}", "what?", "--choices", "a", "--pattern", "b"), "only one of these"),
        (("locate", "{file}", "x", "--least-confidence", "2"), "'--least-confidence'"),
        (("train", "--recipe", "none"), "There is no recipe 'none'. Known: embedded-llava15"),
        (
            ("evaluate", "--benchmark", "none"),
            "There is no benchmark 'none'. Did you mean",
        ),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(
    run_command, menu, file, tmp_path, monkeypatch, arguments, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture\n" * 100)
    (tmp_path / "cut.png").write_bytes(file.read_bytes()[:60])
    names = {"{file}": str(file), "{text}": "text.png", "{cut}": "cut.png"}
    for name, path in names.items():
        arguments = [argument.replace(name, path) for argument in arguments]

    outcome = run_command(*arguments)

    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1
    assert reason in outcome.err


def test_an_unreadable_setting_is_one_clear_line(run_command, file, monkeypatch):
    monkeypatch.setenv("VLM_DEMO_MAX_PIXELS", "many")

    outcome = run_command("caption", file)

    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "VLM_DEMO_MAX_PIXELS" in outcome.err
