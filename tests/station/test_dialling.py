"""Who dials whom, and at which port."""

from __future__ import annotations

import pytest

from hotline.core.errors import OperatorError
from hotline.sealing.card import Route
from hotline.station.dialling import calls_between

A, B, C = (Route(host=f"{name}.example", port=4_711) for name in "abc")


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({"A": A, "B": None}, ["B dials A at a.example:4711"]),
        ({"A": None, "B": B}, ["A dials B at b.example:4711"]),
        ({"A": A, "B": B}, ["B dials A at a.example:4711"]),
        (
            {"A": A, "B": B, "C": None},
            [
                "B dials A at a.example:4711",
                "C dials A at a.example:4712",
                "C dials B at b.example:4711",
            ],
        ),
        (
            {"A": None, "B": B, "C": C},
            [
                "A dials B at b.example:4711",
                "A dials C at c.example:4711",
                "C dials B at b.example:4712",
            ],
        ),
    ],
)
def test_of_each_pair_the_first_that_has_a_route_listens_at_a_port_of_its_own(
    routes: dict[str, Route | None], said: list[str]
) -> None:
    assert list(map(str, calls_between(routes))) == said


def test_pair_that_only_dials_is_refused_by_name() -> None:
    with pytest.raises(OperatorError, match="neither station says"):
        calls_between({"A": None, "B": None})
    with pytest.raises(OperatorError, match="neither B nor C says where"):
        calls_between({"A": A, "B": None, "C": None})


def test_ports_in_succession_must_all_be_ports() -> None:
    last = Route(host="a.example", port=65_535)
    assert calls_between({"A": last, "B": None})[0].port == 65_535
    with pytest.raises(OperatorError, match="A is dialled at port 65535 and needs more"):
        calls_between({"A": last, "B": B, "C": None})
