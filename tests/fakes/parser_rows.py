"""How the parsers of the pure floor are fed: texts, heads, evidence."""

from __future__ import annotations

from collections.abc import Callable

from hotline.core import canonical, text, times, values
from hotline.core.messages import fields, measures, moments, positions
from hotline.core.messages.statement import decode_statement
from hotline.core.records import (
    add_checkpoint,
    cards,
    checkpoint,
    cosigned,
    disclosed,
    events,
    fork_evidence,
    lasting,
    leaf,
    tiles,
    tlog_proof,
)
from hotline.host import config, packs
from hotline.ledger import public
from hotline.sealing import (
    ed25519,
)
from hotline.sealing.mldsa import verify_mldsa65
from hotline.station import drafts, ledger_keys
from tests.fakes.parsers import Feed, Rig, Target, json_of, text_of

CORE = "hotline.core"
Targets = dict[str, Target]


def texts(rig: Rig) -> Targets:
    statement = rig.payloads("statement")
    catalogue = packs.load_catalogue(config.find_config())
    specs = [spec for form in catalogue.templates.values() for spec in form.fields]
    forms = list(catalogue.templates.values())
    numbers = [spec for spec in specs if fields.READERS[spec.type] is fields._read_number]
    words = (
        b"45", b"12.5 kn", b"1 h 30 min", b"+30m", b"221431Z NOV 26", b"1431Z", b"3000 ft",
        b"54 32.10N 018 40.00E", b"54.535, 18.667", b"T4471", b"CG-1122-01", b"NORTH",
    )  # fmt: skip

    def of_spec(read: Callable[..., object]) -> Feed:
        return lambda raw: read(specs[len(raw) % len(specs)], raw.decode("utf-8", "replace"))

    def of_form(body: object) -> object:
        filled = body if isinstance(body, dict) else {"track": body}
        asked = {str(name): str(value) for name, value in filled.items()}
        form = catalogue.templates.get(asked.pop("form", ""), forms[0])
        return fields.check_fields(form, asked)

    samples = tuple(
        canonical.encode(
            {"form": form.id}
            | {
                spec.name: fields.parse_field(spec, spec.example, now_ms=rig.at_ms)
                for spec in form.fields
            }
        )
        for form in forms
    )
    return {
        f"{CORE}.canonical.decode": Target(
            lambda raw: canonical.decode(raw, what="x", max_bytes=1 << 17), statement
        ),
        f"{CORE}.canonical.from_base64": Target(
            text_of(lambda one: canonical.from_base64(one, what="x")), (b"AAAA", b"QUI=", b"QQ==")
        ),
        f"{CORE}.text.check_text": Target(
            text_of(lambda one: text.check_text(one, what="x")), ("à vous\nx".encode(), *words)
        ),
        f"{CORE}.times.parse_time": Target(
            json_of(times.parse_time), (b'"2026-11-22T14:31:26.000Z"',)
        ),
        f"{CORE}.times.parse_dtg": Target(text_of(times.parse_dtg), words),
        f"{CORE}.values.digest_from_hex": Target(
            json_of(values.digest_from_hex), (b'"' + b"ab" * 32 + b'"',)
        ),
        f"{CORE}.values.check_station": Target(text_of(values.check_station), words),
        f"{CORE}.values.check_incident": Target(text_of(values.check_incident), words),
        f"{CORE}.messages.statement.decode_statement": Target(decode_statement, statement),
        f"{CORE}.messages.fields.check_value": Target(of_spec(fields.check_value), words),
        f"{CORE}.messages.fields.check_fields": Target(json_of(of_form), samples),
        f"{CORE}.messages.measures.parse_decimal": Target(
            text_of(lambda one: measures.parse_decimal(one, places=2)), words
        ),
        f"{CORE}.messages.measures.split_amount": Target(text_of(measures.split_amount), words),
        f"{CORE}.messages.measures.parse_minutes": Target(text_of(measures.parse_minutes), words),
        f"{CORE}.messages.measures.parse_measure": Target(
            lambda raw: measures.parse_measure(
                numbers[len(raw) % len(numbers)], raw.decode("utf-8", "replace")
            ),
            words,
        ),
        f"{CORE}.messages.moments.parse_moment": Target(
            text_of(lambda one: moments.parse_moment(one, now_ms=rig.at_ms)), words
        ),
        f"{CORE}.messages.positions.parse_position": Target(
            text_of(positions.parse_position), words
        ),
    }


def heads(rig: Rig) -> Targets:
    verify, keys = ed25519.verify_ed25519, rig.keys
    note, cosignature = rig.head(), rig.cosignature
    lasting_note = lasting.sign_lasting(rig.checkpoint, rig.lasting).note
    both = cosigned.merge_notes([note, cosignature])
    samples = (note, cosignature, both, lasting_note)
    body = add_checkpoint.AddCheckpoint(3, (rig.checkpoint.root,), note)
    vkey = add_checkpoint.encode_vkey(add_checkpoint.WitnessKey("witness.example", keys[0]))
    records = f"{CORE}.records"
    return {
        f"{records}.checkpoint.parse_origin": Target(
            text_of(checkpoint.parse_origin), (rig.origin.encode(),)
        ),
        f"{records}.checkpoint.parse_note": Target(checkpoint.parse_note, samples),
        f"{records}.checkpoint.verify_checkpoint": Target(
            lambda raw: checkpoint.verify_checkpoint(raw, keys, verify), samples
        ),
        f"{records}.checkpoint.parse_cosignature": Target(checkpoint.parse_cosignature, samples),
        f"{records}.checkpoint.verify_cosignature": Target(
            lambda raw: checkpoint.verify_cosignature(raw, rig.witness, keys, verify), samples
        ),
        f"{records}.cosigned.merge_notes": Target(lambda raw: cosigned.merge_notes([raw]), samples),
        f"{records}.cosigned.judge_note": Target(
            lambda raw: cosigned.judge_note(raw, keys, {rig.witness: keys}, verify), samples
        ),
        f"{records}.lasting.parse_lasting": Target(lasting.parse_lasting, samples),
        f"{records}.lasting.verify_lasting": Target(
            lambda raw: lasting.verify_lasting(
                raw, rig.origin, [rig.lasting.public_key], verify_mldsa65
            ),
            samples,
        ),
        f"{records}.add_checkpoint.decode_add_checkpoint": Target(
            add_checkpoint.decode_add_checkpoint, (add_checkpoint.encode_add_checkpoint(body),)
        ),
        f"{records}.add_checkpoint.append_answer": Target(
            lambda raw: add_checkpoint.append_answer(note, raw),
            (cosignature.partition(b"\n\n")[2],),
        ),
        f"{records}.add_checkpoint.decode_vkey": Target(
            text_of(add_checkpoint.decode_vkey), (vkey.encode(),)
        ),
    }


def evidence(rig: Rig) -> Targets:
    card, shown = cards.format_cards(rig.records), rig.disclosure
    proof = tlog_proof.decode_tlog_proof(shown)
    items_of = rig.items
    known = sorted(events.EVENTS)
    contents = tuple(
        bytes([place]) + content
        for place in range(len(known))
        for content in (b'{"count":1,"reason":"noise"}', b'{"record":"%b"}' % (b"ab" * 32))
    )

    def accused(raw: bytes) -> object:
        found = fork_evidence.read_fork_evidence(raw)
        return fork_evidence.verify_fork_evidence(found, rig.keys, ed25519.verify_ed25519)

    def split(raw: bytes) -> list[bytes]:
        return raw.strip(b"\n").split(b"\n")

    def event(raw: bytes) -> object:
        # Its kind stands in the leaf, outside the content: here in a byte before it.
        return events.decode_event(known[int.from_bytes(raw[:1]) % len(known)], raw[1:])

    def checked(raw: bytes) -> object:
        return disclosed.check_disclosure(disclosed.read_disclosure(raw))

    records = f"{CORE}.records"
    return {
        f"{records}.cards.parse_cards": Target(
            cards.parse_cards, (card, b"[" + rig.records[0] + b"]"), slow=4
        ),
        f"{records}.cards.ledger_records": Target(
            lambda raw: cards.ledger_records(split(raw)), (card,), slow=4
        ),
        f"{records}.disclosed.decode_disclosed": Target(
            disclosed.decode_disclosed, (proof.extra or b"",)
        ),
        f"{records}.disclosed.read_disclosure": Target(disclosed.read_disclosure, (shown,)),
        f"{records}.disclosed.read_disclosure#checked": Target(checked, (shown,)),
        f"{records}.disclosed.read_statement_item": Target(
            disclosed.read_statement_item, items_of[:2]
        ),
        f"{records}.events.decode_event": Target(event, contents),
        f"{records}.fork_evidence.read_fork_evidence": Target(
            fork_evidence.read_fork_evidence, (rig.fork,), slow=4
        ),
        f"{records}.fork_evidence.verify_fork_evidence": Target(accused, (rig.fork,), slow=4),
        f"{records}.leaf.decode_leaf": Target(
            leaf.decode_leaf, (disclosed.decode_disclosed(proof.extra or b"").leaf,)
        ),
        f"{records}.tlog_proof.decode_tlog_proof": Target(tlog_proof.decode_tlog_proof, (shown,)),
        f"{records}.tiles.decode_bundle": Target(
            tiles.decode_bundle, (tiles.encode_bundle([b"one", b"", bytes(148)]),)
        ),
        f"{records}.tlog_proof.parse_number": Target(
            lambda raw: tlog_proof.parse_number(raw, what="x"), (b"0", b"12345")
        ),
        f"{records}.tlog_proof.parse_hashes": Target(
            lambda raw: tlog_proof.parse_hashes(split(raw), what="x"),
            (b"\n".join(map(str.encode, tlog_proof.encode_hashes([bytes(32), bytes(32)]))),),
        ),
        "hotline.ledger.public.record_digest": Target(
            public.record_digest, rig.vectors("station-root")
        ),
        "hotline.station.drafts.record_draft": Target(
            lambda raw: drafts.record_draft(raw, rig.at_ms), rig.vectors("certificate")
        ),
        "hotline.station.ledger_keys.new_records": Target(
            lambda raw: ledger_keys.new_records((), rig.roster, [raw]), rig.vectors("certificate")
        ),
    }
