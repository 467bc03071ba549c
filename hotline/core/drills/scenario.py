"""A scenario: who does what on which occasion (docs/drills.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hotline.core.messages.statement import StationName
from hotline.core.messages.template import TemplateId
from hotline.core.values import Precedence

ActId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{0,23}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Post(_Frozen):
    """A station in the drill and the officer who stands its watch.

    Attributes:
        deputy: A second officer, who signs what takes two; "" for none.
    """

    role: str
    officer: str
    deputy: str = ""
    rank: str
    briefing: tuple[str, ...] = ()


class Say(_Frozen):
    """A statement as an officer would enter it.

    Attributes:
        precedence: The template's own when None.
        fields: Field name to what the officer types (docs/templates.md §3).
    """

    template: TemplateId
    precedence: Precedence | None = None
    fields: dict[str, str] = {}
    text: str = ""


class Inject(_Frozen):
    """Something that starts by the clock: `at_s` seconds after the drill began.

    Attributes:
        coach: What EXCON tells a person who stands this watch.
    """

    id: ActId
    station: StationName
    at_s: Annotated[int, Field(ge=0, le=86_400)]
    say: Say
    coach: str = ""


class Occasion(_Frozen):
    """What a reaction answers: an inbound template, or a state of the ladder.

    Attributes:
        template: Any inbound statement of this template, or "".
        ladder: States of the ladder; it must then be this station's move.
        step: The rung that stands, or "" for any.
    """

    template: str = ""
    ladder: tuple[str, ...] = ()
    step: str = ""


class Reaction(_Frozen):
    """What a station says `after_s` seconds after an occasion, once for each."""

    id: ActId
    station: StationName
    on: Occasion
    after_s: Annotated[int, Field(ge=0, le=86_400)]
    say: Say
    coach: str = ""


class Scenario(_Frozen):
    """A whole exercise.

    Attributes:
        stations: In the order of the charter; a person without `--join` takes the first.
        read_after_s: How long a robot officer takes to read a statement.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    version: Annotated[int, Field(ge=1)]
    title: str
    summary: str
    stations: dict[StationName, Post]
    read_after_s: Annotated[int, Field(ge=0, le=3600)] = 3
    inject: tuple[Inject, ...] = ()
    reaction: tuple[Reaction, ...] = ()
