"""Drafts: from what an officer types to the exact bytes that will be signed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hotline.core.errors import OperatorError
from hotline.core.exchange.rules import Rules
from hotline.core.messages import phrasing
from hotline.core.messages.fields import parse_field
from hotline.core.messages.phrasing import Phrasebook, phrase_id
from hotline.core.messages.rendering import heading, render
from hotline.core.messages.statement import (
    MAX_TEXT_CHARACTERS,
    Statement,
    decode_statement,
    encode_statement,
    statement_digest,
)
from hotline.core.messages.template import FieldSpec, FieldType, Template
from hotline.core.messages.words import cautions
from hotline.core.text import refused_character
from hotline.core.times import format_time
from hotline.core.values import Precedence, Realm
from hotline.desk.views import DraftView, FieldView, TemplateChoice
from hotline.station.attachments import Attached

FREE_TEXT = "conv/free-text"
REFERENCE = "reference"
MAX_SIGNERS = 8
"""Officers whom a statement can name (docs/protocol.md §3.2)."""

NO_SECOND = "no other officer of this station is certified now"
MAX_AGE_MS = 15 * 60_000
"""A checked draft older than this is checked again: its times have moved."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: what every statement of a desk has in common.

    Attributes:
        by: Id of the officer's certificate, hex.
        own, peer: Phrasebooks of our and of the peer's language.
        listed: Expressions that may read as a threat, in our language.
        least: How many officers must sign a statement of a template.
        seconds: Certificate ids (hex) of who may release what the officer signs.
    """

    station: str
    members: tuple[str, ...]
    realm: Realm
    line: str
    by: str
    rules: Rules
    own: Phrasebook
    peer: Phrasebook
    listed: tuple[str, ...]
    least: Callable[[str], int] = lambda _template: 1
    seconds: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement being written.

    Attributes:
        entered: Field name to what was typed.
        salt: 32 hex digits, drawn once for the draft.
        statement, payload: Set when everything checks: the bytes to be signed.
        faults: Field name (or "text", "") to what is wrong.
        attached: Files that travel beside it, sealed.
    """

    name: str
    choice: TemplateChoice
    template: Template
    incident: str | None
    salt: str
    to: tuple[str, ...]
    precedence: Precedence
    info: tuple[str, ...] = ()
    entered: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    statement: Statement | None = None
    payload: bytes = b""
    faults: Mapping[str, str] = field(default_factory=dict)
    touched: bool = False
    attached: tuple[Attached, ...] = ()

    @property
    def code(self) -> str:
        """What must be typed to send a ladder step: four characters of the digest, or ""."""
        return code_of(self.template, self.payload)


def code_of(template: Template | None, payload: bytes) -> str:
    """Return what must be typed to sign a ladder step: four characters of its digest, or ""."""
    if template is None or template.ladder is None or not payload:
        return ""
    return statement_digest(payload).hex()[:4].upper()


def fill(
    writer: Writer,
    draft: Draft,
    fields: Mapping[str, str],
    text: str,
    precedence: str,
    now_ms: int,
) -> Draft:
    """Return the draft with these values, checked field by field."""
    faults: dict[str, str] = {}
    values: dict[str, str] = {}
    for spec in draft.template.fields:
        entered = fields.get(spec.name, "").strip()
        if spec.name == REFERENCE and draft.choice.answers:
            values[spec.name] = draft.choice.answers
        elif entered or spec.required:
            try:
                values[spec.name] = parse_field(spec, entered, now_ms=now_ms)
            except OperatorError as error:
                faults[spec.name] = named_as_shown(str(error), writer, draft.template, spec)
    urgency = _precedence(precedence, draft.precedence, faults)
    text = unicodedata.normalize("NFC", text)
    _check_text(draft, text, faults)
    filled = replace(
        draft,
        entered=dict(fields),
        text=text,
        precedence=urgency,
        faults=faults,
        statement=None,
        payload=b"",
        touched=True,
    )
    return filled if faults else _built(writer, filled, values, now_ms)


def named_as_shown(fault: str, writer: Writer, template: Template, spec: FieldSpec) -> str:
    """Return a field's fault with the label that the officer sees in place of its name."""
    label = phrasing.label(template, spec, writer.own)
    return f"{label}: {fault.removeprefix(f'{spec.name}: ')}"


def _precedence(named: str, before: Precedence, faults: dict[str, str]) -> Precedence:
    try:
        return Precedence(named) if named else before
    except ValueError:
        faults["precedence"] = f"precedence: choose one of {', '.join(Precedence)}"
        return before


def _check_text(draft: Draft, text: str, faults: dict[str, str]) -> None:
    refused = refused_character(text)
    if refused:
        faults["text"] = f"Free text: it holds {refused}, which is not allowed"
    elif len(text) > MAX_TEXT_CHARACTERS:
        faults["text"] = f"Free text: at most {MAX_TEXT_CHARACTERS} characters fit"
    elif draft.template.id == FREE_TEXT and not text.strip():
        faults["text"] = "Free text: write something"


def _built(writer: Writer, draft: Draft, values: dict[str, str], now_ms: int) -> Draft:
    template = draft.template
    need = writer.least(template.id)
    by: tuple[str, ...] = (writer.by,)
    if need > 1:
        by = (writer.by, *writer.seconds()[: MAX_SIGNERS - 1])
        if len(by) < need:
            return replace(draft, faults={"": f"{need} officers must sign it, and {NO_SECOND}"})
    statement = Statement(
        v=1,
        suite=1,
        realm=writer.realm,
        line=writer.line,
        sender=writer.station,
        salt=draft.salt,
        to=draft.to,
        info=draft.info,
        by=by,
        need=need,
        at=format_time(now_ms),
        precedence=draft.precedence,
        marking="",
        incident=draft.incident,
        refs=(draft.choice.answers,) if draft.choice.answers else (),
        template=writer.rules.catalogue.ref(template.id),
        fields=values,
        text=draft.text,
        lang=writer.own.language,
        reply_by=None,
        attachments=tuple(one.ref for one in draft.attached),
    )
    try:
        payload = encode_statement(statement)
    except OperatorError as error:
        return replace(draft, faults={"": str(error)})
    # What the officer is shown is read back from the bytes that get signed.
    return replace(draft, statement=decode_statement(payload), payload=payload)


def draft_view(writer: Writer, draft: Draft) -> DraftView:
    """Return the draft as the composer shows it; the preview is of the bytes to be signed."""
    own: tuple[str, ...] = ()
    peer: tuple[str, ...] = ()
    if draft.statement is not None:
        own = preview(draft.statement, draft.template, writer.own)
        peer = preview(draft.statement, draft.template, writer.peer)
    return DraftView(
        draft=draft.name,
        template=draft.template.id,
        number=draft.template.number,
        title=draft.choice.title,
        to=draft.to,
        precedence=draft.precedence.value,
        precedences=tuple(Precedence),
        incident=draft.incident or "",
        answers=draft.choice.answers or "",
        fields=tuple(_field_view(writer, draft, spec) for spec in _shown(draft)),
        text=draft.text,
        text_fault=draft.faults.get("text", ""),
        ready=draft.statement is not None,
        faults=tuple(draft.faults.values()),
        preview_own=own,
        preview_peer=peer,
        own_language=writer.own.language,
        peer_language=writer.peer.language,
        code=draft.code,
        need=draft.statement.need if draft.statement else 1,
        attached=tuple(one.ref.name for one in draft.attached),
        warnings=cautions(draft.entered, draft.text, draft.precedence, writer.listed, writer.own),
    )


def _shown(draft: Draft) -> list[FieldSpec]:
    """Leave out what the machine fills: the statement that this one answers."""
    filled = REFERENCE if draft.choice.answers else ""
    return [spec for spec in draft.template.fields if spec.name != filled]


def preview(
    statement: Statement, template: Template | None, phrasebook: Phrasebook
) -> tuple[str, ...]:
    """Return what a reader of that language reads: heading, warnings, sentences."""
    rendering = render(statement, template, phrasebook)
    return (*heading(statement), *rendering.flags, *rendering.lines)


def _field_view(writer: Writer, draft: Draft, spec: FieldSpec) -> FieldView:
    book, template = writer.own, draft.template
    value = draft.entered.get(spec.name, "")
    # Before the first check an empty field is not a fault, it is just not filled yet.
    fault = draft.faults.get(spec.name, "") if draft.touched else ""
    return FieldView(
        name=spec.name,
        label=phrasing.label(template, spec, book),
        help=book.phrase(phrase_id(template, spec.name, "help")) or "",
        example=spec.example,
        unit=unit_of(spec),
        type=spec.type.value,
        required=spec.required,
        choices=tuple(
            (code, phrasing.choice_label(template, spec, code, book)) for code in spec.choices
        ),
        value=value,
        fault=fault,
    )


_UNITS = {
    FieldType.BEARING: "deg T",
    FieldType.SPEED: "kn",
    FieldType.DISTANCE: "nm",
    FieldType.DEPTH: "m",
    FieldType.ALTITUDE: "ft",
    FieldType.DURATION: "min",
    FieldType.DTG: "UTC",
}


def unit_of(spec: FieldSpec) -> str:
    """Return the unit in which a field is entered and sent, or ""."""
    return spec.unit or _UNITS.get(spec.type, "")
