"""Strict JSON shapes: how keys, digests, times and short texts stand in signed records."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationError,
)

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.messages.statement import first_fault
from hotline.core.text import check_text
from hotline.core.times import parse_time
from hotline.core.values import Digest, Realm
from hotline.sealing.ed25519 import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from hotline.sealing.hybrid import MLDSA_PUBLIC_KEY_BYTES, MLDSA_SIGNATURE_BYTES

ModelT = TypeVar("ModelT", bound=BaseModel)


class Strict(BaseModel):
    """A JSON object with exactly these keys and types, never coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Written(Strict):
    """A shape that keeps its bytes as `written`, which a changed copy must not take over."""

    def __copy__(self) -> Self:
        """Return a copy that writes itself anew; `model_copy` begins with it."""
        copied = super().__copy__()
        copied.__dict__.pop("written", None)
        return copied


def read_base64(value: Any, least: int, most: int) -> bytes:
    """Read base64 of `least` to `most` bytes; bytes from our own code pass through.

    Raises:
        PeerError: something else.
    """
    if isinstance(value, str):
        value = canonical.from_base64(value, what="a field")
    if not isinstance(value, bytes) or not least <= len(value) <= most:
        raise PeerError(f"a base64 field must hold {least} to {most} bytes")
    return value


def read_hex(value: Any, size: int) -> bytes:
    """Read lowercase hex of `size` bytes; bytes from our own code pass through.

    Raises:
        PeerError: something else.
    """
    if isinstance(value, str) and len(value) == 2 * size:
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        # Capitals and spaces are read, too: only one spelling is what we would write.
        if found.hex() == value:
            return found
    elif isinstance(value, bytes) and len(value) == size:
        return value
    raise PeerError(f"a field must hold {2 * size} lowercase hex digits")


@lru_cache(maxsize=256)
def _check_time(text: str) -> str:
    """Check a time once, as `parse_time` reads it once."""
    parse_time(text)
    return text


def _check_line(text: str) -> str:
    return check_text(text, what="a field", newlines=False)


def _check_given(text: str) -> str:
    if not text.strip():
        raise PeerError("the reason is empty")
    return text


_AS_BASE64 = PlainSerializer(canonical.to_base64, return_type=str)
_AS_HEX = PlainSerializer(bytes.hex, return_type=str)

DigestHex = Annotated[Digest, PlainValidator(partial(read_hex, size=32)), _AS_HEX]
KeyIdHex = Annotated[bytes, PlainValidator(partial(read_hex, size=16)), _AS_HEX]
SaltHex = Annotated[bytes, PlainValidator(partial(read_hex, size=32)), _AS_HEX]
Time = Annotated[str, AfterValidator(_check_time)]
"""A wire time that exists, as in 2026-11-22T14:31:26.000Z."""

ShortText = Annotated[str, StringConstraints(max_length=80), AfterValidator(_check_line)]
Reason = Annotated[str, StringConstraints(max_length=240), AfterValidator(_check_line)]
GivenReason = Annotated[Reason, AfterValidator(_check_given)]
"""A reason that says something."""

StationName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{0,15}\z")]
RealmName = Annotated[Realm, Field(strict=False)]
One = Annotated[int, Field(ge=1, le=1)]
"""A version: 1 and not `true`, which Python takes for the same."""

Count = Annotated[int, Field(ge=0, le=canonical.MAX_INTEGER)]


class PublicKeys(Strict):
    """A hybrid public key as records carry it; not yet validated as points."""

    ed25519: Annotated[
        bytes,
        PlainValidator(partial(read_base64, least=PUBLIC_KEY_BYTES, most=PUBLIC_KEY_BYTES)),
        _AS_BASE64,
    ]
    mldsa65: Annotated[
        bytes,
        PlainValidator(
            partial(read_base64, least=MLDSA_PUBLIC_KEY_BYTES, most=MLDSA_PUBLIC_KEY_BYTES)
        ),
        _AS_BASE64,
    ]


class SignaturePair(Strict):
    """A hybrid signature inside a record: the proof of possession."""

    ed25519: Annotated[
        bytes,
        PlainValidator(partial(read_base64, least=SIGNATURE_BYTES, most=SIGNATURE_BYTES)),
        _AS_BASE64,
    ]
    mldsa65: Annotated[
        bytes,
        PlainValidator(
            partial(read_base64, least=MLDSA_SIGNATURE_BYTES, most=MLDSA_SIGNATURE_BYTES)
        ),
        _AS_BASE64,
    ]


def base64_field(least: int, most: int) -> tuple[PlainValidator, PlainSerializer]:
    """Return the validator and serialiser of a base64 field of that many bytes."""
    return PlainValidator(partial(read_base64, least=least, most=most)), _AS_BASE64


def shape(model: type[ModelT], value: Any, *, what: str) -> ModelT:
    """Read decoded JSON into `model`.

    Raises:
        PeerError: a missing, unknown or malformed field; its place is named.
    """
    try:
        shaped: ModelT = model.__pydantic_validator__.validate_python(value)
    except ValidationError as error:
        raise PeerError(f"{what}: {first_fault(error)}") from error
    return shaped


def read_shape(model: type[ModelT], payload: bytes, *, what: str, max_bytes: int) -> ModelT:
    """Read canonical JSON bytes from outside into `model`.

    Raises:
        PeerError: not canonical, over `max_bytes`, or of another shape.
    """
    return shape(model, canonical.decode(payload, what=what, max_bytes=max_bytes), what=what)


def write_shape(value: Strict) -> bytes:
    """Return the canonical JSON bytes of `value`."""
    return canonical.encode(value.model_dump(mode="json", by_alias=True))
