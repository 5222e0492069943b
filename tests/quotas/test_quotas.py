"""What one visitor may take of a page."""

from __future__ import annotations

import pytest

from vlm_demo.errors import QuotaError
from vlm_demo.quotas.limits import AnswerQuota, Quotas
from vlm_demo.settings import PUBLIC_QUOTAS, Settings


def test_answers_at_a_time_are_limited_for_each_visitor() -> None:
    quota = AnswerQuota(Quotas(answers_at_once=2))
    with quota.admit("a"), quota.admit("a"):
        with pytest.raises(QuotaError, match="2 of your requests"), quota.admit("a"):
            pass
        with quota.admit("b"):
            pass
    with quota.admit("a"):
        pass


def test_a_refused_answer_of_the_hour_says_how_long_to_wait() -> None:
    quota = AnswerQuota(Quotas(answers_an_hour=3))
    for _ in range(3):
        with quota.admit("a"):
            pass
    with pytest.raises(QuotaError, match="Wait 60 minutes") as refusal, quota.admit("a"):
        pass
    assert 3590 < refusal.value.wait_s <= 3600
    with quota.admit("b"):
        pass


def test_work_of_nobody_has_no_quota() -> None:
    quota = AnswerQuota(Quotas(answers_at_once=1, answers_an_hour=1))
    with quota.admit(""), quota.admit(""):
        pass


def test_a_private_page_has_no_quotas_unless_they_are_given() -> None:
    assert Settings().quotas == Quotas()
    assert Settings(host="0.0.0.0").quotas == PUBLIC_QUOTAS
    assert Settings.read({"visitor_answers": "2"}).quotas == Quotas(answers_at_once=2)
    assert Settings.read({"host": "0.0.0.0", "visitor_answers": "0"}).quotas.answers_at_once == 0
