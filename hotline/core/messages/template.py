"""The template: a numbered, versioned form that both stations hold (docs/templates.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hotline.core import canonical
from hotline.core.values import Digest, Precedence, sha256

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
TemplateId = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,19}/[a-z][a-z0-9-]{0,39}$")
]


class FieldType(StrEnum):
    """The types a field can have (docs/templates.md §3)."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DTG = "dtg"
    DURATION = "duration"
    POSITION = "position"
    BEARING = "bearing"
    SPEED = "speed"
    DISTANCE = "distance"
    DEPTH = "depth"
    ALTITUDE = "altitude"
    HULL = "hull"
    REFERENCE = "reference"


class ReplyClass(StrEnum):
    """What closes the dialogue that a statement opens (docs/protocol.md §5)."""

    NONE = "none"
    ROGER = "roger"
    WILCO = "wilco"
    AFFIRM = "affirm"
    ANSWER = "answer"


class LadderAct(StrEnum):
    """What a statement does on the de-escalation ladder (docs/protocol.md §6)."""

    PROPOSE = "propose"
    ANSWER = "answer"
    VERIFY = "verify"
    CLOSE = "close"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldSpec(_Frozen):
    """One typed field.

    Attributes:
        unit: Unit of a decimal field, as in "MHz"; the other types bring their own.
        minimum, maximum: Bounds in the field's unit, as decimal text; None: the type's own.
        choices: Values of a choice field, in the order shown.
        max_length: Characters of a text field.
        example: Text that parses: shown beside the field and in errors.
    """

    name: FieldName
    type: FieldType
    required: bool = True
    unit: str = ""
    minimum: str | None = None
    maximum: str | None = None
    choices: tuple[str, ...] = ()
    max_length: Annotated[int, Field(ge=1, le=1000)] = 240
    example: str


class LadderRole(_Frozen):
    """The template's act on the ladder; `step` names the rung that it proposes."""

    act: LadderAct
    step: str = ""


class Template(_Frozen):
    """A form. Texts stand in the pack's .ftl files, by id.

    Attributes:
        number: The pack's own numbering, as in "SEA-01".
        sender: Who sends it: "watch" (the machine or any officer) or "officer".
        precedence: What the composer proposes.
        reply: What closes the dialogue that it opens.
        replies: Templates that answer it, the usual one first.
        reply_clock_s: Seconds until a reply is due when the originator names no time; 0: none.
        answers_required: It must answer another statement.
        promises: Name of the dtg field by which a holding reply promises the full one; "": none.
        opens_incident: It starts an incident.
        ladder: Its act on the ladder, or None.
        readback: At most five critical fields that the receiving officer types blind.
        fields: In the order shown.
    """

    id: TemplateId
    number: str
    version: Annotated[int, Field(ge=1, le=9999)]
    sender: Annotated[str, StringConstraints(pattern=r"^(watch|officer)$")] = "officer"
    precedence: Precedence
    reply: ReplyClass
    replies: tuple[TemplateId, ...] = ()
    reply_clock_s: Annotated[int, Field(ge=0, le=7_776_000)] = 0
    answers_required: bool = False
    promises: str = ""
    opens_incident: bool = False
    ladder: LadderRole | None = None
    readback: Annotated[tuple[FieldName, ...], Field(max_length=5)] = ()
    fields: tuple[FieldSpec, ...] = ()

    @property
    def pack(self) -> str:
        """Name of the pack, the part of the id before the slash."""
        return self.id.partition("/")[0]

    def field(self, name: str) -> FieldSpec | None:
        """Return the field called `name`, or None."""
        return next((spec for spec in self.fields if spec.name == name), None)


def template_digest(template: Template) -> Digest:
    """Return what a statement names as its template's digest: SHA-256 of its canonical JSON."""
    return sha256(canonical.encode(template.model_dump(mode="json")))
