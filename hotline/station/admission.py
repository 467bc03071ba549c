"""The peer's next generation: its officers' word against what we witnessed (ledger.md §19.5)."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import AdmitGeneration
from hotline.core.records import events as ev
from hotline.core.records.witness import WitnessedHead
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.authorisation import Act, Authorisation, verify_authorisation
from hotline.station.line import Line
from hotline.station.witness import Witness

MAX_GENERATIONS = 64
"""Beyond that many a ledger is not lost by accident any more."""

_NUMBERS = ("kept_size", "countersigned_size", "released_size", "generation")
_TEXTS = ("kept_origin", "kept_root", "countersigned_root")


@dataclass(frozen=True, slots=True)
class Renewal:
    """What two officers sign to open the next generation of their station's ledger.

    Attributes:
        kept_origin, kept_size, kept_root: The ledger left behind, as far as it reads.
        countersigned_size, countersigned_root: The newest head of it that the peer is
            known to hold; size 0 when none is known.
        released_size: What head.db knew of it, 0 if nothing.
        generation: The new one.
    """

    kept_origin: str
    kept_size: int
    kept_root: Digest
    countersigned_size: int
    countersigned_root: Digest
    released_size: int
    generation: int

    def details(self) -> dict[str, str | int]:
        """Return the details of the authorisation."""
        return {
            "kept_origin": self.kept_origin,
            "kept_size": self.kept_size,
            "kept_root": self.kept_root.hex(),
            "countersigned_size": self.countersigned_size,
            "countersigned_root": self.countersigned_root.hex(),
            "released_size": self.released_size,
            "generation": self.generation,
        }


def read_renewal(authorisation: Authorisation) -> Renewal:
    """Read the details of an authorisation for a new generation.

    Raises:
        PeerError: a detail is missing, unknown or of another kind.
    Spec: docs/ledger.md §19.3
    """
    details = authorisation.details
    numbers = [details.get(name) for name in _NUMBERS]
    texts = [details.get(name) for name in _TEXTS]
    if set(details) != {*_NUMBERS, *_TEXTS}:
        raise PeerError("generation: the details are not those of a new generation")
    if not all(isinstance(one, int) for one in numbers):
        raise PeerError("generation: a size is not a number")
    if not 1 < int(numbers[3] or 0) <= MAX_GENERATIONS:
        raise PeerError(f"generation: the new one is not 2 to {MAX_GENERATIONS}")
    if not all(isinstance(one, str) for one in texts):
        raise PeerError("generation: an origin or root is not a text")
    kept_size, countersigned_size, released_size, generation = (int(one or 0) for one in numbers)
    return Renewal(
        kept_origin=str(texts[0]),
        kept_size=kept_size,
        kept_root=_digest(str(texts[1])),
        countersigned_size=countersigned_size,
        countersigned_root=_digest(str(texts[2])),
        released_size=released_size,
        generation=generation,
    )


def _digest(text: str) -> Digest:
    if len(text) != 64 or text.strip("0123456789abcdef"):
        raise PeerError("generation: a root is not 64 lowercase hex digits")
    return Digest(bytes.fromhex(text))


def read_generation(
    line: Line,
    newest: int,
    peer: str,
    item: its.GenerationItem,
    witness: Witness,
) -> AdmitGeneration | None:
    """Verify the peer's authorisation and compare it with what we witnessed.

    Args:
        newest: The generation of the peer's that was admitted last.
        witness: Knows what we countersigned.
    Returns:
        None for a generation that was admitted before.
    Raises:
        PeerError: not two officers of the peer's, of another line or act, or what it
            leaves behind is no earlier ledger of the peer's.
    Spec: docs/ledger.md §19.5
    """
    verified = verify_authorisation(line.roster, item.envelope, act=Act.GENERATION)
    authorisation = verified.authorisation
    if authorisation.station != peer:
        raise PeerError("generation: it is not of the station that sent it")
    renewal = read_renewal(authorisation)
    if renewal.generation <= newest:
        return None
    if any(line.roster.is_withdrawn(one, line.clock()) for one in verified.officers):
        raise PeerError("generation: an officer who signed it is not trusted any more")
    earlier = [line.origin_of(peer, one) for one in range(1, renewal.generation)]
    if renewal.kept_origin not in earlier:
        raise PeerError("generation: it does not follow a ledger of its station")
    held = witness.held_at(renewal.kept_origin)
    event = ev.PeerGenerationAdmitted(
        peer=peer,
        generation=renewal.generation,
        authorisation=verified.digest.hex(),
        kept_size=renewal.kept_size,
        held_size=held.size if held else 0,
        fits=_fits(renewal, held, witness, several=len(line.peers) > 1),
        reason=authorisation.reason,
    )
    return AdmitGeneration(event, item.envelope)


def _fits(renewal: Renewal, held: WitnessedHead | None, witness: Witness, *, several: bool) -> bool:
    """Return whether the peer says of our countersignatures nothing that contradicts them.

    It may know less than we hold: what it lost is what it lost. Of several witnesses it
    names the one that held most, which need not be us.
    """
    size = renewal.countersigned_size
    seen = witness.held_at(renewal.kept_origin, size)
    if seen is not None:
        return renewal.countersigned_root == seen.root
    if several:
        return True
    return size == 0 if held is None else size < held.size
