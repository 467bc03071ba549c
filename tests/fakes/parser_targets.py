"""One row for each parser that `tests.fakes.parsers.found` finds: how it is fed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from hotline.core import canonical, values
from hotline.core.errors import PeerError
from hotline.core.records import (
    cards,
)
from hotline.drill import setup
from hotline.host import config, keyfile, packs, phrases, tables
from hotline.ledger import health
from hotline.ledger.heads import ReleasedHeads
from hotline.review import cards as review_cards
from hotline.review import files, reviewing
from hotline.sealing import (
    authorisation,
    certificate,
    charter,
    dsse,
    ed25519,
    items,
    order,
    packet,
    prekey,
    root,
    shapes,
    statements,
    tls_identity,
)
from hotline.sealing.hybrid import HybridPublicKey
from hotline.sealing.roster import Roster, identify_ledger, names_of
from hotline.station import assembly, home, lineup, manifest, relays, shelf
from hotline.transport import frames, greeting, tls
from hotline.transport.relay import codec
from hotline.transport.relay import frames as relayed
from tests.fakes.parser_attachments import files_beside_statements
from tests.fakes.parser_enrolment import enrolled
from tests.fakes.parser_outsiders import outside_witnesses
from tests.fakes.parser_rows import Targets, evidence, heads, texts
from tests.fakes.parser_trust import records_of_trust
from tests.fakes.parsers import Feed, Rig, Target, json_of

SEALING = "hotline.sealing"


def targets(rig: Rig) -> Targets:
    """Return qualified name (and, after #, a variant) to how the parser is fed."""
    return {
        **texts(rig),
        **heads(rig),
        **identities(rig),
        **packets(rig),
        **files_of_operators(rig),
        **evidence(rig),
        **outside_witnesses(rig),
        **enrolled(rig),
        **records_of_trust(rig),
        **files_beside_statements(rig),
    }


def identities(rig: Rig) -> Targets:
    kinds_of_record = ("station-root", "certificate", "charter", "order")
    envelopes = {kind: rig.vectors(kind) for kind in kinds_of_record}
    said, acts = rig.vectors("statement"), rig.vectors("authorisation")
    every = (*said, *acts, *(one for some in envelopes.values() for one in some))
    kinds = tuple({dsse_kind(one) for one in every} - {""})
    public_key = rig.key("NORTH/n1").public_key
    signer, cert_id = rig.key("NORTH/n1"), rig.roster.certificates

    (named,) = [one for one in cert_id if rig.roster.certificates[one].person == "n1"]

    def records(raw: bytes) -> list[bytes]:
        return [*rig.records, raw]

    def body(raw: bytes) -> object:
        return shapes.read_shape(charter.CharterBody, raw, what="x", max_bytes=1 << 16)

    def chartered(raw: bytes) -> object:
        known = {one.digest: one for one in rig.roster.roots.values()}
        return charter.verify_charter(charter.read_charter(raw), known)

    models = (certificate.CertificateBody, charter.CharterBody, root.RootBody, packet.Announcement)

    def shaped(value: object) -> object:
        for model in models[:-1]:
            with contextlib.suppress(PeerError):
                return shapes.shape(model, value, what="x")
        return shapes.shape(models[-1], value, what="x")

    return {
        f"{SEALING}.root.verify_root": Target(root.verify_root, envelopes["station-root"]),
        f"{SEALING}.certificate.read_certificate": Target(
            certificate.read_certificate, envelopes["certificate"]
        ),
        f"{SEALING}.certificate.check_body": Target(
            certificate.check_body, rig.payloads("certificate")
        ),
        f"{SEALING}.roster.Roster.with_certificate": Target(
            rig.roster.with_certificate, envelopes["certificate"]
        ),
        f"{SEALING}.charter.read_charter": Target(charter.read_charter, envelopes["charter"]),
        f"{SEALING}.charter.read_charter#verified": Target(chartered, envelopes["charter"]),
        f"{SEALING}.roster.Roster.read": Target(
            lambda raw: Roster.read(records(raw)), every, slow=8
        ),
        f"{SEALING}.roster.identify_ledger": Target(
            lambda raw: identify_ledger(raw.split(b"\n")), (b"\n".join(rig.records),), slow=8
        ),
        f"{SEALING}.roster.names_of": Target(lambda raw: names_of([rig.records[0], raw]), every),
        f"{SEALING}.dsse.decode_envelope": Target(
            lambda raw: dsse.decode_envelope(raw, expect=kinds, what="x", max_bytes=1 << 17), every
        ),
        f"{SEALING}.authorisation.verify_authorisation": Target(
            lambda raw: authorisation.verify_authorisation(rig.roster, raw), acts
        ),
        f"{SEALING}.statements.verify_statement": Target(
            lambda raw: statements.verify_statement(rig.roster, raw, at_ms=rig.at_ms), said
        ),
        f"{SEALING}.statements.verify_partly_signed": Target(
            lambda raw: statements.verify_partly_signed(rig.roster, raw), said
        ),
        f"{SEALING}.statements.sign_statement": Target(
            lambda raw: statements.sign_statement(raw, signer, named),
            rig.payloads("statement"),
            slow=4,
        ),
        f"{SEALING}.statements.add_signature": Target(
            lambda raw: statements.add_signature(raw, signer, named), said, slow=4
        ),
        f"{SEALING}.order.read_order": Target(order.read_order, envelopes["order"]),
        f"{SEALING}.order.verify_order": Target(
            lambda raw: order.verify_order(rig.roster, raw), envelopes["order"]
        ),
        f"{SEALING}.ed25519.check_point": Target(ed25519.check_point, (public_key.ed25519,)),
        f"{SEALING}.hybrid.HybridPublicKey.__init__": Target(
            lambda raw: HybridPublicKey(raw[:32], raw[32:]),
            (public_key.ed25519 + public_key.mldsa65,),
        ),
        f"{SEALING}.shapes.read_base64": Target(
            json_of(lambda value: shapes.read_base64(value, 1, 99)), (b'"AAAA"', b'"QQ=="')
        ),
        f"{SEALING}.shapes.read_hex": Target(
            json_of(lambda value: shapes.read_hex(value, 4)), (b'"0011aabb"',)
        ),
        f"{SEALING}.shapes.shape": Target(json_of(shaped), rig.payloads("certificate")),
        f"{SEALING}.shapes.read_shape": Target(body, rig.payloads("charter")),
    }


def dsse_kind(envelope: bytes) -> str:
    try:
        body = canonical.decode(envelope, what="x", max_bytes=1 << 17)
        return str(body["payloadType"])
    except Exception:
        return ""


def packets(rig: Rig) -> Targets:
    spki = tls_identity.make_tls_identity(station="NORTH", at_ms=rig.at_ms, entropy=bytes)
    der = canonical.from_base64("".join(spki.certificate_pem.decode().splitlines()[1:-1]), what="x")
    return {
        f"{SEALING}.items.decode_item": Target(items.decode_item, rig.items),
        f"{SEALING}.items.item_from_json": Target(json_of(items.item_from_json), rig.items),
        f"{SEALING}.packet.read_packet": Target(
            packet.read_packet, rig.vectors("packet", "packet")
        ),
        f"{SEALING}.packet.read_packet#verified": Target(
            rig.verify_packet, rig.vectors("packet", "packet")
        ),
        f"{SEALING}.cell.open_cell": Target(rig.open_cell, rig.vectors("cell", "cell")),
        f"{SEALING}.prekey.PrekeyPublic.__init__": Target(
            prekey.PrekeyPublic, (rig.prekey.public.encoded,)
        ),
        f"{SEALING}.tls_identity.tls_pin": Target(tls_identity.tls_pin, (der,)),
        "hotline.transport.frames.decode": Target(
            frames.decode,
            tuple(
                map(
                    frames.encode,
                    (frames.Ping(7), frames.Pong(7), frames.Bye(1000), frames.Cell(b"x")),
                )
            ),
        ),
        "hotline.transport.greeting.decode": Target(
            greeting.decode,
            tuple(
                map(
                    greeting.encode,
                    (
                        greeting.Chal(greeting.offer(1), bytes(32)),
                        greeting.Auth(1, *[bytes(32)] * 5, bytes(64)),
                        greeting.Refuse(greeting.Refusal.FORBIDDEN, 60),
                        greeting.Part(0, b"x"),
                    ),
                )
            ),
        ),
        "hotline.transport.relay.codec.decode": Target(
            codec.decode,
            tuple(
                map(
                    codec.encode,
                    (
                        relayed.Chal(1, bytes(32)),
                        relayed.Put(bytes(16), bytes(32), 7, b"x"),
                        relayed.Ack(relayed.Stage.RELAYED, (bytes(32), bytes(32))),
                        relayed.Consumed(bytes(16), (bytes(32),)),
                        relayed.Nak(8, bytes(32), relayed.Code.QUOTA, 30),
                    ),
                )
            ),
        ),
        "hotline.transport.tls.pinned": Target(tls.pinned, (der,)),
        "hotline.transport.tls.pin_of": Target(tls.pin_of, (der,)),
        "hotline.transport.tls.spki_of": Target(tls.spki_of, (der,)),
    }


def files_of_operators(rig: Rig) -> Targets:
    shipped = config.find_config()

    def shipped_file(name: str) -> tuple[bytes, ...]:
        return ((shipped / name).read_bytes(),)

    def operator(feed: Feed, samples: tuple[bytes, ...], slow: int = 8) -> Target:
        return Target(feed, samples, slow)

    def beside(name: str, read: Callable[[Path], object]) -> Feed:
        return rig.file(name, lambda path: read(path.parent))

    pack, phrase = shipped_file("packs/link/pack.toml"), shipped_file("packs/link/en.ftl")
    settings = shipped_file("hotline.toml")
    key_file = rig.place / "sample.key"
    seeds = {"console/ed25519": bytes(32), "console/mldsa65": bytes(32)}
    keys = keyfile.KeyFile("NORTH", values.Realm.EXERCISE, seeds)
    keyfile.write_key_file(key_file, keys, None, entropy=bytes)
    line_card = canonical.encode(
        {
            "host": "127.0.0.1", "line": rig.roster.line.hex(), "listens": True, "peers": [],
            "port": 1, "prekey_not_after": rig.line["at"], "station": "NORTH",
            "records": [one.decode() for one in rig.records[:1]],
        }
    )  # fmt: skip
    tls_made = tls_identity.make_tls_identity(station="NORTH", at_ms=rig.at_ms, entropy=bytes)
    relay_card = canonical.encode(
        {
            "certificates": [tls_made.certificate_pem.decode()], "format": relays.RELAY_CARD,
            "host": "127.0.0.1", "key": "ab" * 32, "port": 7443,
        }
    )  # fmt: skip
    relay_file = b'{"relays":[{"card":%b,"mailboxes":[{"number":0,"peer":"SOUTH"}],' % relay_card
    relay_file += b'"name":"relay-a","priority":10}]}'
    mark = {"bytes": 1, "sha256": "ab" * 32}
    backup = canonical.encode(
        {
            "files": {"lines/x/ledger.db": mark}, "format": "hotline-backup-1",
            "ledgers": [{"head": "x", "origin": rig.origin, "path": "lines/x/ledger.db",
                         "root": "ab" * 32, "size": 1, "station": "NORTH"}],
            "made_at": rig.line["at"], "station": "NORTH",
        }
    )  # fmt: skip
    found = canonical.encode(
        {"ok": True, "ledger": {"ok": True, "entries": 3, "origin": rig.origin, "root": "ab" * 32}}
    )
    drill = b'{"scenario":"unplanned-encounter","speed":1.0,"stations":["NORTH","SOUTH"]}'
    heads_db = _heads(rig)
    for name in ("rules", "forms"):
        shutil.copytree(shipped, rig.place / name, dirs_exist_ok=True)
    return {
        "hotline.host.config.read_config_file": operator(
            rig.file("any.toml", config.read_config_file), settings
        ),
        "hotline.host.config.decode_toml": operator(
            lambda raw: config.decode_toml(raw, Path("x.toml")), (*settings, *pack)
        ),
        "hotline.host.config.load_settings": operator(
            beside("settings/hotline.toml", config.load_settings), settings
        ),
        "hotline.host.packs.load_catalogue": operator(
            rig.file(
                "forms/packs/link/pack.toml", lambda path: packs.load_catalogue(path.parents[2])
            ),
            pack,
            16,
        ),
        "hotline.host.phrases.load_phrasebook": operator(
            rig.file(
                "texts/packs/link/en.ftl",
                lambda path: phrases.load_phrasebook(path.parents[2], "en"),
            ),
            phrase,
            16,
        ),
        "hotline.host.phrases.decode_texts": operator(phrases.decode_texts, phrase),
        "hotline.host.tables.load_ladder": operator(
            rig.file(
                "ladder/protocols/deescalation.toml",
                lambda path: tables.load_ladder(path.parents[1]),
            ),
            shipped_file("protocols/deescalation.toml"),
            16,
        ),
        "hotline.host.tables.load_scenario": operator(
            rig.file("scenario.toml", lambda path: tables.load_scenario(path.parent, str(path))),
            shipped_file("scenarios/unplanned-encounter.toml"),
            16,
        ),
        "hotline.host.keyfile.read_key_file": operator(
            rig.file("any.key", lambda path: keyfile.read_key_file(path, None)),
            (key_file.read_bytes(),),
        ),
        "hotline.station.assembly.load_rules": operator(
            rig.file(
                "rules/hotline.toml",
                lambda path: assembly.load_rules(path.parent, ("NORTH", "SOUTH")),
            ),
            settings,
            64,
        ),
        "hotline.station.home.read_card": operator(
            beside("line/line.json", home.read_card), (line_card,)
        ),
        "hotline.station.lineup.read_lineup": operator(
            beside("lines/a/" + lineup.SUCCESSOR, lambda path: _lineup(path, line_card)),
            (lineup.Successor(line="ab" * 32).model_dump_json().encode(),),
            16,
        ),
        "hotline.station.relays.read_relays": operator(
            beside("line/relays.json", relays.read_relays), (relay_file,)
        ),
        "hotline.station.relays.read_relay_card": operator(relays.read_relay_card, (relay_card,)),
        "hotline.station.manifest.read_manifest": operator(
            beside("backup/manifest.json", manifest.read_manifest), (backup,)
        ),
        "hotline.station.shelf.read_peer_view": Target(
            beside(
                "shelf/" + shelf.PEER_VIEW,
                lambda path: shelf.read_peer_view(path, rig.origin, rig.keys),
            ),
            (rig.head(),),
            8,
        ),
        "hotline.ledger.health.read_heads": Target(
            rig.file("head.db", health.read_heads), (heads_db,), 64
        ),
        "hotline.drill.setup.read_drill": operator(
            beside("drill/drill.json", setup.read_drill), (drill,)
        ),
        "hotline.review.files.read_bounded": operator(
            rig.file("bounded", lambda path: files.read_bounded(path, 1_000)), (found,)
        ),
        "hotline.review.cards.read_card": operator(
            rig.file("card", review_cards.read_card), (cards.format_cards(rig.records),)
        ),
        "hotline.review.reviewing.read_since": operator(
            rig.file("since", reviewing.read_since), (found, rig.head())
        ),
    }


def _lineup(directory: Path, line_card: bytes) -> lineup.Lineup:
    """Read a home's lines, one of which has the file that is fed beside its line.json."""
    (directory / "line.json").write_bytes(line_card)
    return lineup.read_lineup(directory.parent)


def _heads(rig: Rig) -> bytes:
    """A head.db as the ledger writes it."""
    path = rig.place / "made-head.db"
    ReleasedHeads.open(path).close()
    return path.read_bytes()
