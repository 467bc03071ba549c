"""One request to a witness over real sockets: bounded, TLS 1.3, honest about what failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import LinkError, OperatorError
from hotline.transport.posting import (
    MAX_REPLY_BYTES,
    Destination,
    Reply,
    Trust,
    parse_url,
    post,
    read_reply,
    trust_context,
)
from tests.fakes.line import wait_for
from tests.fakes.witness import FakeWitness, certificate

BODY = b"""old 0

example.com/log
1
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

\xe2\x80\x94 example.com/log AAAAAAAA
"""


async def ask(witness: FakeWitness, trust: Trust | None = None, timeout_s: float = 5.0) -> Reply:
    destination = parse_url(witness.url)
    return await post(
        destination, "add-checkpoint", BODY, trust=trust or Trust(), timeout_s=timeout_s
    )


async def test_request_gets_the_status_and_body_of_the_answer() -> None:
    with FakeWitness() as witness:
        assert await ask(witness) == Reply(404, b"")
        assert witness.asked[0][0].origin == "example.com/log"
        witness.mood = "broken"
        assert await ask(witness) == Reply(500, b"oops")
        witness.mood = "chunks"
        assert await ask(witness) == Reply(404, b"")


async def test_redirect_is_not_followed() -> None:
    with FakeWitness(mood="redirect") as witness:
        assert (await ask(witness)).status == 302
        assert len(witness.asked) == 1


@pytest.mark.parametrize("mood", ["hangs", "drips"])
async def test_witness_without_end_is_left_at_the_deadline(mood: str) -> None:
    with FakeWitness(mood=mood) as witness, pytest.raises(LinkError, match="in time"):
        await ask(witness, timeout_s=0.2)


async def test_answer_that_is_too_long_or_no_http_is_refused() -> None:
    with FakeWitness(mood="huge") as witness:
        with pytest.raises(LinkError, match=str(MAX_REPLY_BYTES)):
            await ask(witness)
        witness.mood = "mutters"
        with pytest.raises(LinkError, match="no HTTP"):
            await ask(witness)


async def test_nobody_there_is_said() -> None:
    with FakeWitness() as witness:
        witness.stop()
        with pytest.raises(LinkError, match="nothing listens"):
            await ask(witness)


async def test_tls_takes_the_given_authority_and_no_other(tmp_path: Path) -> None:
    chain, _, pin = certificate()
    with FakeWitness(tls=tmp_path) as witness:
        assert (await ask(witness, Trust(chain.decode()))).status == 404
        assert (await ask(witness, Trust(chain.decode(), (bytes(32), pin)))).status == 404
        with pytest.raises(LinkError, match="certificate"):
            await ask(witness)
        with pytest.raises(LinkError, match="pinned"):
            await ask(witness, Trust(chain.decode(), (bytes(32),)))
        assert len(witness.asked) == 2


async def test_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    chain, _, _ = certificate()
    with FakeWitness(tls=tmp_path) as witness:
        elsewhere = Destination("localhost", witness.port, "/w", tls=True)
        with pytest.raises(LinkError, match="certificate"):
            await post(elsewhere, "add-checkpoint", BODY, trust=Trust(chain.decode()), timeout_s=5)


async def test_tls_before_1_3_is_refused(tmp_path: Path) -> None:
    chain, _, _ = certificate()
    with (
        FakeWitness(tls=tmp_path, mood="old-tls") as witness,
        pytest.raises(LinkError, match=r"TLS 1\.3"),
    ):
        await ask(witness, Trust(chain.decode()))


async def test_request_that_is_cancelled_leaves_nothing_open() -> None:
    with FakeWitness(mood="hangs") as witness:
        task = asyncio.create_task(ask(witness))
        await wait_for(lambda: witness.asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@given(
    st.sampled_from(
        [
            b"",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: ",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ]
    ),
    st.binary(max_size=200),
)
def test_any_bytes_are_a_reply_or_refused(begun: bytes, rest: bytes) -> None:
    try:
        reply = read_reply(begun + rest)
    except LinkError:
        return
    assert 100 <= reply.status <= 999
    assert len(reply.body) <= len(rest)


@pytest.mark.parametrize(
    "received",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 20 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\nabc",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_reply_that_is_cut_or_lies_about_its_length_is_refused(received: bytes) -> None:
    with pytest.raises(LinkError):
        read_reply(received)


def test_authority_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(OperatorError, match="authority"):
        trust_context(Trust("no certificate"))


@pytest.mark.parametrize(
    ("url", "destination"),
    [
        ("https://witness.example", Destination("witness.example", 443, "", tls=True)),
        ("https://witness.example:8443/a/b/", Destination("witness.example", 8443, "/a/b", True)),
        ("http://127.0.0.1:80", Destination("127.0.0.1", 80, "", tls=False)),
        ("http://[::1]:8080/w", Destination("::1", 8080, "/w", tls=False)),
        ("http://localhost/w", Destination("localhost", 80, "/w", tls=False)),
    ],
)
def test_address_is_read(url: str, destination: Destination) -> None:
    assert parse_url(url) == destination


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example/",
        "http://192.0.2.1/",
        "ftp://witness.example/",
        "https://me@witness.example/",
        "https://witness.example/?a=b",
        "https://witness.example/#f",
        "https://witness.example:0/",
        "https://witness.example:70000/",
        "https://witness.example/a\r\nHost: b",
        "https:///w",
        "witness.example",
        "https://w.example/" + "a" * 500,
    ],
)
def test_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(OperatorError):
        parse_url(url)
