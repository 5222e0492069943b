"""Battles expire, by age and by the size of their pictures."""

import pytest
from PIL import Image
from support.battles import ME, ScriptedArena

from vlm_demo.arena.battles.active_battles import MAX_AGE_S, ActiveBattles
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import BattleError
from vlm_demo.values import Request, Task


def test_battles_do_not_live_for_ever() -> None:
    now = [0.0]
    battles = ActiveBattles(lambda: now[0])
    specs = default_menu()[0], default_menu()[1]
    battles.add("old", ME, Task.CHAT, specs)
    now[0] = MAX_AGE_S + 1
    with pytest.raises(BattleError, match="expired"):
        battles.get("old", ME)
    battles.add("new", ME, Task.CHAT, specs)
    assert list(battles._battles) == ["new"]


def test_pictures_of_old_battles_go_when_they_take_too_much(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedArena
) -> None:
    monkeypatch.setattr("vlm_demo.arena.battles.active_battles.MAX_PIXELS", 10_000)
    battles = []
    for _ in range(3):
        battles.append(scripted.begin())
        picture = Image.new("RGB", (80, 80))
        list(scripted.arena.answer(battles[-1], ME, Request(Task.CHAT, "What?", (picture,))))
    with pytest.raises(BattleError):
        scripted.vote(battles[0])
    scripted.vote(battles[2])
