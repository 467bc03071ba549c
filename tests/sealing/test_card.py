"""Cards and the files of enrolment: what is written reads back, what is altered is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.records.cards import format_cards, parse_cards
from hotline.core.times import format_time
from hotline.sealing.card import (
    CARD_TYPE,
    MAX_CARD_BYTES,
    MAX_CARD_LINES,
    Reach,
    Route,
    read_card,
    write_card,
)
from hotline.sealing.charter import gather_charter, read_charter, verify_charter
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.enrol import CertifiedKey, StationKeys, countersign_charter, make_charter
from hotline.sealing.enrolment import (
    ENROLMENT_TYPE,
    Step,
    open_half,
    read_enrolment,
    write_enrolment,
)
from hotline.sealing.prekey import draw_prekey
from hotline.sealing.root import verify_root
from hotline.sealing.tls_identity import make_tls_identity
from tests.sealing.conftest import NOW_MS, POLICY, World

if TYPE_CHECKING:
    from pathlib import Path

HALF = bytes(range(32))
ROUTE = Route(host="hotline.example", port=4711)


def reach_of(world: World, station: StationKeys, route: Route | None = ROUTE) -> Reach:
    import ssl

    name = station.root.station
    tls = make_tls_identity(station=name, at_ms=NOW_MS, entropy=world.entropy)
    der = ssl.PEM_cert_to_DER_cert(tls.certificate_pem.decode())
    until = format_time(NOW_MS + 86_400_000)
    return Reach(station.prekey.public, until, station.recovery.public, der, route)


def card_of(world: World, station: StationKeys, signer: CertifiedKey | None = None) -> bytes:
    key = signer or station.console
    return write_card(station.records, key, reach_of(world, station), made_ms=NOW_MS)


def resigned(card: bytes, key: CertifiedKey, **changes: Any) -> bytes:
    """Return a card whose end says something else, signed by `key`."""
    lines = card.splitlines()
    envelope = decode_envelope(lines[-1], expect=(CARD_TYPE,), what="card", max_bytes=99_999)
    body = canonical.decode(envelope.payload, what="card", max_bytes=99_999) | changes
    changed = Envelope(CARD_TYPE, canonical.encode(body))
    signed = changed.with_hybrid(key.cert_id, key.signer.sign(changed.message))
    return format_cards([*lines[:-1], encode_envelope(signed)])


def charter_by(world: World, *signers: StationKeys, name: str = "n-s") -> bytes:
    members = [(one.root.station, one.root.digest) for one in (world.north, world.south)]
    charter = make_charter(signers[0].root, name=name, members=members, policy=POLICY, at_ms=NOW_MS)
    for one in signers[1:]:
        charter = countersign_charter(charter, one.root)
    return charter


def enrolment_of(world: World, step: Step = "open", half: bytes = HALF) -> bytes:
    sender, other = (world.north, world.south) if step == "open" else (world.south, world.north)
    signers = (world.north,) if step == "open" else (world.north, world.south)
    return write_enrolment(
        step,
        charter=charter_by(world, *signers),
        halves=[(read_card(card_of(world, other)), half)],
        root=sender.root,
        own_card=card_of(world, sender),
        made_ms=NOW_MS,
    )


# --- cards


def test_card_reads_back_with_everything_on_it(world: World) -> None:
    card = read_card(card_of(world, world.north))
    assert (card.name, card.root.digest) == ("NORTH", world.north.root.digest)
    assert card.records == world.north.records
    assert card.prekey == world.north.prekey.public
    assert (card.body.route, card.made_ms) == (ROUTE, NOW_MS)
    assert set(card.station.certificates) == {
        key.cert_id
        for key in (world.north.console, world.north.ledger, *world.north.officers.values())
    }


def test_card_is_a_file_of_public_records_that_reviewers_read(world: World) -> None:
    encoded = card_of(world, world.north)
    assert len(parse_cards(encoded)) == len(world.north.records) + 1


def test_card_with_any_line_altered_or_left_out_is_refused_or_says_less(world: World) -> None:
    encoded = card_of(world, world.north)
    lines = encoded.splitlines(keepends=True)
    for place, line in enumerate(lines):
        flipped = line.replace(b'"sig":"', b'"sig":"A', 1)
        with pytest.raises(PeerError):
            read_card(b"".join([*lines[:place], flipped, *lines[place + 1 :]]))
    for place in (0, len(lines) - 1):
        with pytest.raises(PeerError):
            read_card(b"".join([*lines[:place], *lines[place + 1 :]]))
    # Without one officer's certificate it is a card of fewer officers, and whole.
    fewer = read_card(b"".join([*lines[:-2], lines[-1]]))
    assert len(fewer.station.certificates) == len(lines) - 3


@pytest.mark.parametrize("cut", [1, 100, 5_000])
def test_card_cut_short_is_refused(world: World, cut: int) -> None:
    with pytest.raises(PeerError):
        read_card(card_of(world, world.north)[:-cut])


def test_card_of_too_many_bytes_or_lines_is_refused_before_it_is_read(world: World) -> None:
    encoded = card_of(world, world.north)
    with pytest.raises(PeerError, match="longer than"):
        read_card(encoded + b"x" * MAX_CARD_BYTES)
    with pytest.raises(PeerError, match="not a whole file"):
        read_card(b"{}\n" * (MAX_CARD_LINES + 1))


def test_card_signed_by_an_officer_or_the_ledger_key_is_refused(world: World) -> None:
    for key in (world.north.ledger, world.n1):
        with pytest.raises(PeerError, match="not signed by a console"):
            read_card(card_of(world, world.north, key))


def test_card_signed_by_another_station_s_console_is_refused(world: World) -> None:
    with pytest.raises(PeerError, match="not signed by a console"):
        read_card(card_of(world, world.north, world.south.console))


def test_card_signed_when_its_console_was_not_certified_is_refused(world: World) -> None:
    late = resigned(
        card_of(world, world.north),
        world.north.console,
        made=format_time(NOW_MS + 93 * 86_400_000),
    )
    with pytest.raises(PeerError, match="did not cover the time"):
        read_card(late)


@pytest.mark.parametrize(
    "changes",
    [
        {"station": "SOUTH"},
        {"realm": "LIVE"},
        {"root": "ab" * 32},
        {"route": {"host": "a b", "port": 1}},
        {"route": {"host": "a", "port": 0}},
        {"route": {"host": "-a", "port": 1}},
        {"prekey": "AAAA"},
        {"tls": "AAAA"},
        {"v": 2},
        {"more": 1},
    ],
)
def test_card_whose_end_says_what_cannot_be_is_refused(
    world: World, changes: dict[str, Any]
) -> None:
    card = card_of(world, world.north)
    assert read_card(resigned(card, world.north.console)).name == "NORTH"
    with pytest.raises(PeerError):
        read_card(resigned(card, world.north.console, **changes))


def test_card_with_a_stranger_s_certificate_is_refused(world: World) -> None:
    lines = card_of(world, world.north).splitlines()
    stranger = world.south.console.certificate
    with pytest.raises(PeerError):
        read_card(format_cards([*lines[:-1], stranger, lines[-1]]))


def test_card_with_two_roots_or_a_charter_is_refused(world: World) -> None:
    lines = card_of(world, world.north).splitlines()
    for more in (world.south.root.record, world.charter):
        with pytest.raises(PeerError):
            read_card(format_cards([lines[0], more, *lines[1:]]))


# --- openings and answers


@pytest.mark.parametrize("step", ["open", "join"])
def test_enrolment_reads_back_and_gives_the_half_to_its_recipient(world: World, step: Step) -> None:
    found = read_enrolment(enrolment_of(world, step), step)
    sender, other = ("NORTH", "SOUTH") if step == "open" else ("SOUTH", "NORTH")
    assert (found.sender, found.recipients, found.card.name) == (sender, (other,), sender)
    assert (found.charter.name, found.made_ms) == ("n-s", NOW_MS)
    recipient = world.south if step == "open" else world.north
    assert open_half(found, recipient.prekey, other) == HALF


def test_half_does_not_stand_in_the_file_and_opens_for_its_recipient_only(world: World) -> None:
    encoded = enrolment_of(world)
    assert HALF not in encoded
    assert canonical.to_base64(HALF).encode() not in encoded
    found = read_enrolment(encoded, "open")
    for other in (world.north.prekey, draw_prekey(world.entropy)):
        with pytest.raises(PeerError, match="a key that is not here"):
            open_half(found, other, "SOUTH")


def test_half_of_an_opening_does_not_open_as_that_of_an_answer(world: World) -> None:
    found = read_enrolment(enrolment_of(world), "open")
    for changes in ({"step": "join"}, {"to": "EAST"}, {"sender": "EAST"}, {"line": bytes(32)}):
        other = replace(found, heads=(found.heads[0].model_copy(update=changes),))
        with pytest.raises(PeerError, match="does not open"):
            open_half(other, world.south.prekey, other.heads[0].to)


def test_enrolment_of_the_other_step_is_refused(world: World) -> None:
    with pytest.raises(PeerError, match="the step open, not join"):
        read_enrolment(enrolment_of(world), "join")


def test_enrolment_with_any_line_altered_exchanged_or_left_out_is_refused(world: World) -> None:
    lines = enrolment_of(world).splitlines(keepends=True)
    foreign = enrolment_of(world, "join").splitlines(keepends=True)
    foreign[1] = charter_by(world, world.north, name="other") + b"\n"
    for place in range(len(lines)):
        flipped = lines[place].replace(b'"payload":"', b'"payload":"AAAA', 1)
        with pytest.raises(PeerError):
            read_enrolment(b"".join([*lines[:place], flipped, *lines[place + 1 :]]), "open")
    for place in (0, 1, 2):
        with pytest.raises(PeerError):
            read_enrolment(b"".join([*lines[:place], *lines[place + 1 :]]), "open")
        with pytest.raises(PeerError):
            read_enrolment(b"".join([*lines[:place], foreign[place], *lines[place + 1 :]]), "open")


def test_enrolment_whose_head_another_key_signed_is_refused(world: World) -> None:
    lines = enrolment_of(world).splitlines(keepends=True)
    envelope = decode_envelope(
        lines[0].rstrip(), expect=(ENROLMENT_TYPE,), what="enrolment", max_bytes=99_999
    )
    bare = replace(envelope, signatures=())
    for keys in (world.south.root, world.east.root):
        forged = bare.with_hybrid(keys.digest, keys.signer.sign(bare.message))
        with pytest.raises(PeerError, match="not signed by the root on its card"):
            read_enrolment(encode_envelope(forged) + b"\n" + b"".join(lines[1:]), "open")
    console = world.north.console
    forged = bare.with_hybrid(world.north.root.digest, console.signer.sign(bare.message))
    with pytest.raises(PeerError, match="does not verify"):
        read_enrolment(encode_envelope(forged) + b"\n" + b"".join(lines[1:]), "open")


# --- files of a line of three


def group_charter(world: World, *signers: StationKeys, name: str = "three") -> bytes:
    members = [
        (one.root.station, one.root.digest) for one in (world.north, world.south, world.east)
    ]
    charter = make_charter(signers[0].root, name=name, members=members, policy=POLICY, at_ms=NOW_MS)
    for one in signers[1:]:
        charter = countersign_charter(charter, one.root)
    return charter


def group_file(world: World, sender: StationKeys, made_ms: int = NOW_MS) -> bytes:
    """Return what a member writes: NORTH opens, the others join."""
    everybody = (world.north, world.south, world.east)
    step: Step = "open" if sender is world.north else "join"
    signers = (world.north,) if sender is world.north else (world.north, sender)
    others = [one for one in everybody if one is not sender]
    return write_enrolment(
        step,
        charter=group_charter(world, *signers),
        halves=[
            (read_card(card_of(world, one)), bytes([place]) * 32)
            for place, one in enumerate(others)
        ],
        root=sender.root,
        own_card=card_of(world, sender),
        made_ms=made_ms,
    )


def test_second_charter_that_the_first_one_does_not_follow_is_refused(world: World) -> None:
    for sender, step in ((world.north, "open"), (world.south, "join")):
        encoded = group_file(world, sender)
        heads = encoded.split(b"\n")
        shown = [*heads[:3], charter_by(world, world.north), *heads[3:]]
        with pytest.raises(PeerError, match="second charter is not the one"):
            read_enrolment(b"\n".join(shown), step)  # type: ignore[arg-type]


def test_file_of_a_line_of_three_gives_each_recipient_its_own_half(world: World) -> None:
    found = read_enrolment(group_file(world, world.south), "join")
    assert (found.sender, found.recipients) == ("SOUTH", ("NORTH", "EAST"))
    for place, (one, name) in enumerate(((world.north, "NORTH"), (world.east, "EAST"))):
        assert open_half(found, one.prekey, name) == bytes([place]) * 32
        other = {"NORTH": "EAST", "EAST": "NORTH"}[name]
        with pytest.raises(PeerError, match="a key that is not here"):
            open_half(found, one.prekey, other)
    with pytest.raises(PeerError, match="a key that is not here"):
        open_half(found, world.south.prekey, "SOUTH")


def test_file_whose_heads_are_cut_turned_round_or_of_two_files_is_refused(world: World) -> None:
    lines = group_file(world, world.north).splitlines(keepends=True)
    later = group_file(world, world.north, NOW_MS + 1).splitlines(keepends=True)
    rest = lines[2:]
    wrong = {
        "it is not for every other member": [
            [lines[0]],
            [lines[1]],
            [lines[1], lines[0]],
            [lines[0], lines[0]],
            [lines[0], lines[1], lines[1]],
        ],
        "its heads are of different files": [[lines[0], later[1]]],
        "it is not a whole file": [[], lines[:1] * 17],
    }
    for said, cases in wrong.items():
        for heads in cases:
            with pytest.raises(PeerError, match=said):
                read_enrolment(b"".join([*heads, *rest]), "open")
    read_enrolment(b"".join(lines), "open")


def test_file_that_a_wrong_member_opens_or_joins_is_refused(world: World) -> None:
    for sender, step in ((world.north, "join"), (world.south, "open")):
        others = [one for one in (world.north, world.south, world.east) if one is not sender]
        signers = (world.north,) if sender is world.north else (world.north, sender)
        encoded = write_enrolment(
            step,
            charter=group_charter(world, *signers),
            halves=[(read_card(card_of(world, one)), HALF) for one in others],
            root=sender.root,
            own_card=card_of(world, sender),
            made_ms=NOW_MS,
        )
        with pytest.raises(PeerError, match="first member opens the line, the others join"):
            read_enrolment(encoded, step)


def test_gathered_charter_is_the_same_whoever_gathers_it_and_verifies(world: World) -> None:
    signed = {
        "NORTH": group_charter(world, world.north),
        "SOUTH": group_charter(world, world.north, world.south),
        "EAST": group_charter(world, world.north, world.east),
    }
    whole = gather_charter(signed)
    # What else a file holds, as NORTH's signature in that of SOUTH, makes no difference.
    assert gather_charter(dict(reversed(signed.items()))) == whole
    roots = [one.root for one in (world.north, world.south, world.east)]
    verified = {root.digest: verify_root(root.record) for root in roots}
    assert verify_charter(read_charter(whole), verified).stations == ("NORTH", "SOUTH", "EAST")


def test_charter_that_a_member_did_not_sign_or_of_two_lines_is_not_gathered(world: World) -> None:
    signed = {
        "NORTH": group_charter(world, world.north),
        "SOUTH": group_charter(world, world.north, world.south),
    }
    for east in ({}, {"EAST": group_charter(world, world.north, world.south)}):
        with pytest.raises(PeerError, match="the signature of EAST is missing"):
            gather_charter(signed | east)
    other = group_charter(world, world.north, world.east, name="other")
    with pytest.raises(PeerError, match="not of one charter"):
        gather_charter(signed | {"EAST": other})


def test_check_words_are_four_and_change_with_the_record() -> None:
    from hotline.sealing.fingerprint import check_words, word_list

    words = check_words(b"a record").split()
    assert len(words) == 4
    assert set(words) <= set(word_list())
    assert check_words(b"a record") == " ".join(words) != check_words(b"another record")


def test_written_files_hold_no_seed(world: World, tmp_path: Path) -> None:
    written = enrolment_of(world) + card_of(world, world.north)
    north = world.north
    seeds = [north.prekey.seed, north.root.signer.seeds.ed25519, north.root.signer.seeds.mldsa65]
    seeds += [north.console.signer.seeds.ed25519, north.ledger.signer.seeds.ed25519]
    for seed in seeds:
        assert seed not in written
        assert canonical.to_base64(seed).encode() not in written
        assert seed.hex().encode() not in written
