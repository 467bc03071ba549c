"""Rows for what outside witnesses say, and for the records and files that name them."""

from __future__ import annotations

from hotline.core.records import witness_answer
from hotline.core.records.add_checkpoint import WitnessKey, encode_vkey
from hotline.core.records.checkpoint import cosign
from hotline.review.outsiders import cosigned_by
from hotline.sealing import naming
from hotline.sealing.authorisation import Act, Authorisation, sign_authorisation
from hotline.sealing.certificate import Usage
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station import outsiders
from hotline.transport.posting import read_reply
from tests.fakes.parser_rows import Targets, text_of
from tests.fakes.parsers import Rig, Target

NAME, AT_S = "witness.example", 1_795_357_886


def named(rig: Rig, act: Act, vkey: str) -> bytes:
    """Return an authorisation by two officers of NORTH."""
    labels = {one["label"] for one in rig.line["certificates"].values()}
    officers = [
        (one, rig.key(f"NORTH/{one.person}"))
        for one in rig.roster.certified("NORTH", Usage.STATEMENT)
        if one.covers(rig.at_ms) and f"NORTH/{one.person}" in labels
    ]
    said = Authorisation(rig.roster.line, "NORTH", act, {"vkey": vkey}, "why", rig.at_ms)
    return sign_authorisation(said, officers[:2])


def outside_witnesses(rig: Rig) -> Targets:
    key = WitnessKey(NAME, rig.keys[0])
    vkey = encode_vkey(key)
    note = cosign(rig.checkpoint, NAME, rig.signer, AT_S)
    answer = note.partition(b"\n\n")[2]
    acts = tuple(named(rig, act, vkey) for act in (Act.WITNESS, Act.DROP_WITNESS))
    place = rig.place / "outsiders"
    place.mkdir()
    file = outsiders.WitnessPlaces(
        witnesses=(outsiders.place_of(vkey, "https://witness.example/w", None, ("ab" * 32,)),)
    )

    def judged(raw: bytes) -> object:
        status = 409 if raw[:1].isdigit() else 200
        return witness_answer.read_answer(status, raw, rig.checkpoint, key, verify_ed25519)

    def places(raw: bytes) -> object:
        (place / outsiders.WITNESSES).write_bytes(raw)
        return outsiders.read_places(place)

    return {
        "hotline.core.records.witness_answer.read_answer": Target(judged, (answer, b"17\n")),
        "hotline.review.outsiders.cosigned_by": Target(
            lambda raw: cosigned_by(raw, [key]), (note, rig.head())
        ),
        "hotline.sealing.naming.check_witness_key": Target(
            text_of(naming.check_witness_key), (vkey.encode(),)
        ),
        "hotline.sealing.naming.namings": Target(
            lambda raw: naming.namings(rig.roster, [raw]), acts, slow=4
        ),
        "hotline.sealing.naming.standing_namings": Target(
            lambda raw: naming.standing_namings(rig.roster, [acts[0], raw], "NORTH"), acts, slow=8
        ),
        "hotline.sealing.naming.outside_keys": Target(
            lambda raw: naming.outside_keys(rig.roster, [acts[0], raw]), acts, slow=8
        ),
        "hotline.station.outsiders.read_places": Target(
            places, (file.model_dump_json().encode(), b"{}"), slow=8
        ),
        "hotline.transport.posting.read_reply": Target(
            read_reply,
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer),
                b"HTTP/1.1 409 C\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n17\n\r\n0\r\n\r\n",
            ),
        ),
    }
