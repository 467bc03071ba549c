"""Which files may travel beside a statement."""

from __future__ import annotations

from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.messages.attachments import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    TYPES,
    check_attachment,
    type_of,
)
from hotline.core.messages.statement import decode_statement, encode_statement
from tests.core.messages.test_statement import encoded

FILE = {
    "name": "chart.png",
    "type": "image/png",
    "size": 7,
    "digest": "ab" * 32,
    "sealed": "cd" * 32,
}
NAMED_ONLY = {key: value for key, value in FILE.items() if key != "sealed"}


def with_files(*files: dict[str, Any]) -> bytes:
    return encoded(attachments=list(files))


def test_statement_with_files_is_read_and_written_to_the_byte() -> None:
    payload = with_files(FILE, NAMED_ONLY)
    statement = decode_statement(payload)
    assert [one.sealed for one in statement.attachments] == ["cd" * 32, ""]
    assert encode_statement(statement) == payload
    assert payload.count(b'"sealed"') == 1


@pytest.mark.parametrize("sealed", [None, "", "cd" * 31, "CD" * 32, 7])
def test_sealed_digest_has_one_spelling_and_absence_is_none(sealed: Any) -> None:
    with pytest.raises(PeerError):
        decode_statement(with_files({**FILE, "sealed": sealed}))


@pytest.mark.parametrize(
    "name",
    [
        "../chart.png",
        "..\\chart.png",
        "/etc/chart.png",
        "C:chart.png",
        ".chart.png",
        ".png",
        " chart.png",
        "chart.png ",
        "-rf.png",
        "~.png",
        "chart.png.",
        "chart.exe",
        "chart.png.exe",
        "chart",
        "a\x00b.png",
        "a\nb.png",
        "a\x1b[2Jb.png",
        "gnp.\u202egpj.exe",
        "cha\u200brt.png",
        "\u0430\u0301" * 60 + ".png",
        "a*.png",
        'a".png',
        "a|b.png",
    ],
)
def test_name_that_leads_elsewhere_or_hides_something_is_refused(name: str) -> None:
    with pytest.raises(PeerError):
        decode_statement(with_files({**FILE, "name": name}))


@pytest.mark.parametrize("type_", ["image/svg+xml", "text/html", "application/x-sh", "IMAGE/PNG"])
def test_type_that_is_not_on_the_list_is_refused(type_: str) -> None:
    with pytest.raises(PeerError):
        decode_statement(with_files({**FILE, "type": type_}))


def test_name_that_ends_otherwise_than_its_type_is_refused() -> None:
    with pytest.raises(PeerError, match="does not end as its type"):
        check_attachment("chart.pdf", "image/png", 7)


@pytest.mark.parametrize("size", [0, -1, MAX_ATTACHMENT_BYTES + 1])
def test_empty_or_larger_file_is_refused(size: int) -> None:
    with pytest.raises(PeerError):
        decode_statement(with_files({**FILE, "size": size}))


def test_more_files_than_travel_or_one_twice_are_refused() -> None:
    many = [{**FILE, "sealed": f"{number:064x}"} for number in range(MAX_ATTACHMENTS + 1)]
    assert len(decode_statement(with_files(*many[1:])).attachments) == MAX_ATTACHMENTS
    with pytest.raises(PeerError, match="at most 4 files"):
        decode_statement(with_files(*many))
    with pytest.raises(PeerError, match="same sealed stream"):
        decode_statement(with_files(FILE, FILE))


def test_file_that_is_only_named_is_taken_as_ever() -> None:
    odd = {**NAMED_ONLY, "name": "a/b", "type": "x", "size": 0}
    assert decode_statement(with_files(odd, odd, odd, odd, odd)).attachments[0].name == "a/b"


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_is_found_by_the_endings_of_its_names(type_: str) -> None:
    for ending in TYPES[type_]:
        assert type_of(f"Chart 1{ending.upper()}") == type_
        check_attachment(f"Chart 1{ending}", type_, 1)
    assert type_of("chart.exe") is None
    assert canonical.encode(type_)
