"""What one officer alone may always say: docs/protocol.md §4.15."""

from __future__ import annotations

import pytest

from hotline.core.messages.lifelines import is_lifeline
from tests.fakes.line import catalogue


@pytest.mark.parametrize(
    "template",
    ["link/ack-read", "link/test", "aid/sitrep", "safety/breakdown", "conv/holding", "sea/intent"],
)
def test_link_holding_aid_and_safety_are_lifelines(template: str) -> None:
    assert is_lifeline(template)


@pytest.mark.parametrize(
    "template",
    ["deesc/cease-propose", "sea/unsafe-act", "conv/free-text", "linked/x", "xaid/y", "holding"],
)
def test_commitments_ladder_steps_and_protests_are_none(template: str) -> None:
    assert not is_lifeline(template)


def test_shipped_acknowledgement_and_read_back_are_lifelines_and_no_flash_is_by_being_one() -> None:
    shipped = catalogue().templates
    assert {one for one in shipped if is_lifeline(one)} >= {"link/ack-read", "conv/readback"}
    flash = [one.id for one in shipped.values() if one.precedence == "FLASH"]
    assert flash == ["sea/unsafe-act"]
    assert not any(is_lifeline(one) for one in flash)
