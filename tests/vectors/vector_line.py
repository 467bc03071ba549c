"""The line of the vectors: NORTH and SOUTH share it, EAST is on none of its records."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.vectors import second_writer as w

AT = "2026-11-22T14:31:26.000Z"
LATE = "2027-03-01T00:00:00.000Z"
DAY = 20_779
"""2026-11-22, counted from 1970-01-01."""

TWO_PERSON = "sea/commitment"
POLICY = {
    "authentic": "en",
    "languages": ["en", "fr"],
    "presence": False,
    "suite_floor": 1,
    "test_period_s": 86_400,
    "two_person": [TWO_PERSON],
}


class Holder:
    """A working key with its certificate: envelope and id."""

    def __init__(self, station: Station, label: str, **changes: Any) -> None:
        self.key = w.Key(f"{station.name}/{label}")
        payload = w.canonical(w.certificate_body(self.key, station=station.name, **changes))
        self.id = w.identity(w.kind("certificate"), payload)
        self.certificate = w.signed("certificate", payload, (station.digest, station.key))


class Station:
    """A root and what it certified."""

    def __init__(self, name: str, **people: str) -> None:
        self.name = name
        self.key, self.next = w.Key(f"{name}/root"), w.Key(f"{name}/next root")
        self.digest, self.root = w.root(self.key, self.next, station=name)
        self.console = self._unattended("console", "transport", 1)
        self.ledger = self._unattended("ledger", "ledger", 2)
        self.officers = {
            label: Holder(self, label, person=person, name=f"Officer {label}", serial=serial)
            for serial, (label, person) in enumerate(people.items(), start=3)
        }
        self.seed, self.sealing, self.handle = w.sealing_key(f"{name}/sealing")

    def _unattended(self, person: str, usage: str, serial: int) -> Holder:
        name = f"{self.name} {person}"
        plain = {"person": person, "name": name, "rank": "", "role": "", "serial": serial}
        return Holder(self, person, usage=usage, **plain)

    @property
    def holders(self) -> list[Holder]:
        return [self.console, self.ledger, *self.officers.values()]


class Line:
    """Everything public, and the secrets that a second implementation needs to try it."""

    def __init__(self) -> None:
        self.north = Station("NORTH", n1="n1", n2="n2", n3="N1")
        self.south = Station("SOUTH", s1="s1")
        self.east = Station("EAST", e1="e1")
        self.members = [
            {"root": one.digest, "station": one.name} for one in (self.north, self.south)
        ]
        body = w.canonical(self.charter_body())
        self.id = w.identity(w.kind("charter"), body)
        self.charter = w.signed("charter", body, *self.roots)
        self.halves = {
            name: hashlib.sha256(f"half of {name}".encode()).digest() for name in ("NORTH", "SOUTH")
        }
        self.secret = w.line_secret(self.id, self.halves)

    @property
    def roots(self) -> list[tuple[str, w.Key]]:
        return [(one.digest, one.key) for one in (self.north, self.south)]

    def charter_body(self, **changes: Any) -> w.Json:
        return {
            "created": AT,
            "members": self.members,
            "name": "north-south",
            "policy": POLICY,
            "predecessor": None,
            "realm": "EXERCISE",
            "v": 1,
        } | changes

    @property
    def records(self) -> list[bytes]:
        members = [self.north, self.south]
        certificates = [holder.certificate for one in members for holder in one.holders]
        return [*(one.root for one in members), *certificates, self.charter]

    def statement(self, *by: Holder, **changes: Any) -> w.Json:
        return {
            "at": AT,
            "attachments": [],
            "by": [one.id for one in by or (self.north.officers["n1"],)],
            "fields": {"bearing": "045", "track": "T4471"},
            "from": "NORTH",
            "incident": "CG-1122-01",
            "info": [],
            "lang": "en",
            "line": self.id,
            "marking": "",
            "need": 1,
            "precedence": "FLASH",
            "realm": "EXERCISE",
            "refs": [],
            "reply_by": None,
            "salt": "00112233445566778899aabbccddeeff",
            "suite": 1,
            "template": {"digest": "ab" * 32, "id": "sea/contact", "version": 1},
            "text": "EXERCISE EXERCISE EXERCISE: closing fast, «à vous».",
            "to": ["SOUTH"],
            "v": 1,
        } | changes

    def described(self) -> w.Json:
        """The content of line file: public records, secrets, and what they must give."""
        stations = [self.north, self.south, self.east]
        keys = [(one.name, holder) for one in stations for holder in one.holders]
        return {
            "about": "made-up keys for tests: never use one of them",
            "at": AT,
            "certificates": {
                holder.id: {
                    "label": holder.key.label,
                    "ed25519_seed": holder.key.seeds[0].hex(),
                    "mldsa65_seed": holder.key.seeds[1].hex(),
                }
                for _, holder in keys
            },
            "halves": {name: half.hex() for name, half in self.halves.items()},
            "line": self.id,
            "line_secret": {"day": DAY, "secret": self.secret.hex()},
            "next_line_secret": {"day": DAY + 1, "secret": w.next_day(self.secret).hex()},
            "records": [w.b64(record) for record in self.records],
            "roots": {
                one.name: {
                    "digest": one.digest,
                    "ed25519_seed": one.key.seeds[0].hex(),
                    "mldsa65_seed": one.key.seeds[1].hex(),
                }
                for one in stations
            },
            "sealing_keys": {
                one.name: {
                    "key_id": w.key_id(one.sealing).hex(),
                    "public": w.b64(one.sealing),
                    "seed": one.seed.hex(),
                }
                for one in stations
            },
        }
