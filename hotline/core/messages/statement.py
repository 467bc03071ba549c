"""The statement: what an officer says, as bytes (docs/protocol.md §3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)

from hotline.core import canonical
from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.attachments import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    check_attachment,
)
from hotline.core.text import check_text
from hotline.core.times import parse_time
from hotline.core.values import Digest, Precedence, Realm, check_incident, check_station, sha256

STATEMENT_TYPE = "application/vnd.hotline.statement.v1+json"
MAX_STATEMENT_BYTES = 16_384
MAX_TEXT_CHARACTERS = 4_000
MAX_VALUE_CHARACTERS = 1_000

HexDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
StationName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{0,15}\z")]
One = Annotated[int, Field(ge=1, le=1)]
"""A version: 1 and not `true`, which Python takes for the same."""

WireTime = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=True)


class TemplateRef(_Strict):
    """Which template a statement was filled from, to the byte."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,19}/[a-z][a-z0-9-]{0,39}\z")]
    version: Annotated[int, Field(ge=1, le=9999)]
    digest: HexDigest


class AttachmentRef(_Strict):
    """A file that goes with the statement; its digests are signed here.

    Attributes:
        digest: SHA-256 of the file, hex.
        sealed: SHA-256 of the sealed stream in which it travels, hex; "" (and no such key
            in the signed bytes) for a file that is only named and travels by other ways.
    Spec: docs/protocol.md §13.1
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    size: Annotated[int, Field(ge=0, le=MAX_ATTACHMENT_BYTES)]
    digest: HexDigest
    sealed: HexDigest = ""

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        shown: dict[str, Any] = written(self)
        if not self.sealed:
            del shown["sealed"]
        return shown


class Statement(_Strict):
    """One statement. Its identity is SHA-256 of its PAE; it is never edited.

    Attributes:
        salt: 32 hex digits nobody can guess, so that the digest hides the text.
        to: Stations that must act; `info`: stations that are told.
        by: Certificate ids (hex digests) of the officers expected to sign.
        need: How many distinct persons must sign.
        at: When the originator wrote it, by the originator's clock.
        incident: Name of the incident it belongs to, or None.
        refs: Digests of statements that it answers (the first) or mentions.
        fields: Field name to canonical value with its unit (docs/templates.md §3).
        reply_by: The reply the originator asks for, or None.
    Spec: docs/protocol.md §3
    """

    v: One
    suite: One
    realm: Annotated[Realm, Field(strict=False)]
    line: HexDigest
    sender: Annotated[StationName, Field(alias="from")]
    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}\z")]
    to: Annotated[tuple[StationName, ...], Field(strict=False, min_length=1, max_length=64)]
    info: Annotated[tuple[StationName, ...], Field(strict=False, max_length=64)] = ()
    by: Annotated[tuple[HexDigest, ...], Field(strict=False, min_length=1, max_length=8)]
    need: Annotated[int, Field(ge=1, le=8)]
    at: WireTime
    precedence: Annotated[Precedence, Field(strict=False)]
    marking: Annotated[str, StringConstraints(max_length=80)]
    incident: str | None
    refs: Annotated[tuple[HexDigest, ...], Field(strict=False, max_length=32)] = ()
    template: TemplateRef
    fields: Annotated[dict[str, str], Field(max_length=40)]
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS)]
    lang: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}\z")]
    reply_by: WireTime | None
    attachments: Annotated[tuple[AttachmentRef, ...], Field(strict=False, max_length=16)] = ()

    @property
    def at_ms(self) -> int:
        """When the originator wrote it, milliseconds UTC."""
        return parse_time(self.at)

    @property
    def reply_by_ms(self) -> int | None:
        """When the originator asks for the reply, milliseconds UTC."""
        return None if self.reply_by is None else parse_time(self.reply_by)

    @property
    def answers(self) -> str | None:
        """Hex digest of the statement that this one answers, or None."""
        return self.refs[0] if self.refs else None


_WIRE_NAMES = frozenset(field.alias or name for name, field in Statement.model_fields.items())


def encode_statement(statement: Statement) -> bytes:
    """Return the canonical bytes that get signed.

    Raises:
        OperatorError: the text or a field holds a character that the other
            station would refuse, or the whole is over MAX_STATEMENT_BYTES.
    """
    payload = canonical.encode(statement.model_dump(mode="json", by_alias=True))
    try:
        decode_statement(payload)
    except PeerError as error:
        raise OperatorError(str(error), hint="change that field; nothing was sent") from error
    return payload


def decode_statement(payload: bytes) -> Statement:
    """Read a statement from outside.

    Raises:
        PeerError: not canonical, a refused character, an unknown or missing
            field, a value out of bounds.
    Spec: docs/protocol.md §3.2
    """
    body = canonical.decode(payload, what="statement", max_bytes=MAX_STATEMENT_BYTES)
    if not isinstance(body, dict) or body.keys() != _WIRE_NAMES:
        raise PeerError("statement: a field is missing or unknown")
    try:
        statement = Statement.model_validate(body, by_alias=True, by_name=False)
    except ValidationError as error:
        raise PeerError(f"statement: {first_fault(error)}") from error
    _check_names(statement)
    return statement


def _check_names(statement: Statement) -> None:
    for name in (statement.sender, *statement.to, *statement.info):
        check_station(name)
    if statement.incident is not None:
        check_incident(statement.incident)
    parse_time(statement.at)
    if statement.reply_by is not None:
        parse_time(statement.reply_by)
    names = [statement.marking]
    for attachment in statement.attachments:
        names += [attachment.name, attachment.type]
    for name in names:
        check_text(name, what="statement: a marking or a file's name", newlines=False)
    _check_attachments(statement.attachments)
    if len(set(statement.by)) != len(statement.by):
        raise PeerError("statement: the same officer is named twice")
    for name, value in statement.fields.items():
        if not name.isidentifier() or len(name) > 40:
            raise PeerError("statement: a field name is not an identifier of at most 40 characters")
        if len(value) > MAX_VALUE_CHARACTERS:
            raise PeerError(f"statement: field {name} is over {MAX_VALUE_CHARACTERS} characters")


def _check_attachments(attachments: tuple[AttachmentRef, ...]) -> None:
    """Refuse files that may not travel; those that are only named are not looked at.

    Spec: docs/protocol.md §13.2
    """
    travelling = [one for one in attachments if one.sealed]
    if len(travelling) > MAX_ATTACHMENTS:
        raise PeerError(f"statement: at most {MAX_ATTACHMENTS} files travel beside it")
    if len({one.sealed for one in travelling}) != len(travelling):
        raise PeerError("statement: two files travel as the same sealed stream")
    for one in travelling:
        check_attachment(one.name, one.type, one.size)


def statement_digest(payload: bytes) -> Digest:
    """Return the identity of a statement: SHA-256 of its PAE."""
    return sha256(canonical.pae(STATEMENT_TYPE, payload))


def first_fault(error: ValidationError) -> str:
    """Say the first fault pydantic found, without the value (it may be secret or hostile).

    Names that the input itself brought (an unknown key, a key of `fields`) are left
    out too: a peer must not write the reason for which it is refused.
    """
    fault: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        place[-1:] = ["an unknown key"]
    if "fields" in place:
        del place[place.index("fields") + 1 :]
    return f"{'.'.join(place)[:60] or 'value'}: {fault['msg'][:120]}"
