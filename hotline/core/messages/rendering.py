"""A statement as lines ready to read, in the reader's language.

Whatever the signed statement holds is shown: a field without words of its own
is shown as a table row, and what cannot be trusted to mean what the template
says is shown as a table with a flag that says why.
Spec: docs/templates.md §5
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.messages import phrasing
from hotline.core.messages.fields import check_fields
from hotline.core.messages.phrasing import Phrasebook, one_line, phrase_id, say
from hotline.core.messages.statement import AttachmentRef, Statement
from hotline.core.messages.template import FieldSpec, FieldType, Template, template_digest
from hotline.core.times import format_dtg
from hotline.core.values import Realm

EXERCISE_LINE = "EXERCISE EXERCISE EXERCISE"
MAX_HEADLINE_CHARACTERS = 100

_CUT = " ..."


@dataclass(frozen=True, slots=True)
class Rendering:
    """A statement in words. No line holds a line break.

    Attributes:
        title: The template's title, or its id.
        lines: Numbered sentences, or table rows, then the free text behind "> ".
        flags: What the reader must know before trusting the lines; empty when all is well.
    """

    title: str
    lines: tuple[str, ...]
    flags: tuple[str, ...]


def render(statement: Statement, template: Template | None, phrasebook: Phrasebook) -> Rendering:
    """Write `statement` in the reader's language.

    Args:
        template: The one held here under the statement's template id, or None.
    Spec: docs/templates.md §5, §6
    """
    fault = _misfit(statement, template, phrasebook)
    if template is None or fault:
        name = phrasing.title(template, phrasebook) if template else statement.template.id
        body, flags, numbered = list(_table(statement)), [fault], 0
    else:
        name, flags = phrasing.title(template, phrasebook), []
        body = list(_sentences(statement, template, phrasebook))
        numbered = len(body)
        flags.extend(_doubts(statement, template, phrasebook))
    body.extend(_surroundings(statement, phrasebook, numbered))
    body.extend(_free_text(statement, phrasebook))
    if statement.realm is Realm.EXERCISE:
        body = [EXERCISE_LINE, *body, EXERCISE_LINE]
    return Rendering(name, tuple(body), tuple(flags))


def headline(statement: Statement, template: Template | None, phrasebook: Phrasebook) -> str:
    """Write `statement` on one line of at most MAX_HEADLINE_CHARACTERS characters.

    Spec: docs/templates.md §5.6
    """
    if template is None or _misfit(statement, template, phrasebook):
        said = f"{statement.template.id} v{statement.template.version}"
    else:
        shown = {
            spec.name: phrasing.value_in_words(template, spec, value, phrasebook)
            for spec, value in _filled(statement, template)
        }
        said = phrasebook.phrase(phrase_id(template, part="headline"), **shown) or phrasing.title(
            template, phrasebook
        )
    if statement.text and not statement.fields:
        said = f"{said}: {statement.text}"
    return _cut(one_line(said))


def heading(statement: Statement) -> tuple[str, ...]:
    """Write who says this to whom, how urgently and when, in service words of no language.

    Spec: docs/templates.md §5.5
    """
    rows = [
        f"{statement.precedence} {format_dtg(statement.at_ms)}",
        f"FM {statement.sender}",
        f"TO {' '.join(statement.to)}",
    ]
    if statement.info:
        rows.append(f"INFO {' '.join(statement.info)}")
    if statement.incident:
        rows.append(f"INCIDENT {statement.incident}")
    rows.extend(f"REF {phrasing.short_digest(digest)}" for digest in statement.refs)
    if statement.marking:
        rows.append(f"MARKING {one_line(statement.marking)}")
    return tuple(rows)


def _misfit(statement: Statement, template: Template | None, phrasebook: Phrasebook) -> str:
    """Say why the statement cannot be read by `template`, or return "" (docs/templates.md §6.2)."""
    ref = statement.template
    if template is None:
        return say(phrasebook, "flag-unknown", "template unknown here: shown as a table", id=ref.id)
    if ref.version != template.version or ref.digest != template_digest(template).hex():
        return say(
            phrasebook,
            "flag-other-version",
            "filled from another version of the template: shown as a table",
            id=ref.id,
            theirs=str(ref.version),
            ours=str(template.version),
        )
    try:
        check_fields(template, statement.fields)
    except PeerError as error:
        return say(
            phrasebook, "flag-fields", "does not fit its template: shown as a table",
            reason=str(error),
        )  # fmt: skip
    return ""


def _doubts(statement: Statement, template: Template, phrasebook: Phrasebook) -> Iterator[str]:
    """Flag references that the statement itself does not make (docs/templates.md §5.7)."""
    for spec, value in _filled(statement, template):
        if spec.type is FieldType.REFERENCE and value not in statement.refs:
            yield say(
                phrasebook,
                "flag-reference",
                "names a statement that is not among its references",
                field=phrasing.label(template, spec, phrasebook),
            )


def _filled(statement: Statement, template: Template) -> Iterator[tuple[FieldSpec, str]]:
    for spec in template.fields:
        if spec.name in statement.fields:
            yield spec, statement.fields[spec.name]


def _sentences(statement: Statement, template: Template, phrasebook: Phrasebook) -> Iterator[str]:
    """Number what the template says, then each filled field (docs/templates.md §5.1)."""
    says = phrasebook.phrase(phrase_id(template, part="says"))
    sentences = [says] if says else []
    for spec, value in _filled(statement, template):
        shown = phrasing.value_in_words(template, spec, value, phrasebook)
        line = phrasebook.phrase(phrase_id(template, spec.name, "line"), value=shown)
        # A sentence that swallows its value would show something else than is signed.
        if line is None or shown not in line:
            line = f"{phrasing.label(template, spec, phrasebook)}: {shown}"
        sentences.append(line)
    yield from (f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1))


def _table(statement: Statement) -> Iterator[str]:
    """Give a row for each field, and no row that a value made up (docs/templates.md §6.3)."""
    for name, value in statement.fields.items():
        first, *rest = value.split("\n")
        yield f"{name}: {first}"
        yield from (f"    | {line}" for line in rest)


def _surroundings(statement: Statement, phrasebook: Phrasebook, after: int) -> Iterator[str]:
    """Number on with the reply that is asked for and the attachments."""
    sentences = []
    if statement.reply_by_ms is not None:
        dtg = format_dtg(statement.reply_by_ms)
        sentences.append(say(phrasebook, "reply-by", "Reply asked for by", dtg=dtg))
    sentences.extend(_attachment(attachment, phrasebook) for attachment in statement.attachments)
    yield from (f"{number}. {text}" for number, text in enumerate(sentences, after + 1))


def _attachment(attachment: AttachmentRef, phrasebook: Phrasebook) -> str:
    return say(
        phrasebook,
        "attachment",
        "Attachment",
        name=one_line(attachment.name),
        type=one_line(attachment.type),
        size=str(attachment.size),
        digest=phrasing.short_digest(attachment.digest),
    )


def _free_text(statement: Statement, phrasebook: Phrasebook) -> Iterator[str]:
    """Mark each line, so that it cannot pose as a sentence or a mark (docs/templates.md §5.4)."""
    if not statement.text:
        return
    language = phrasebook.phrase(f"language-{statement.lang}") or statement.lang
    yield say(phrasebook, "free-text", "Free text, as written", language=language)
    yield from (f"> {line}" for line in statement.text.split("\n"))


def _cut(line: str) -> str:
    if len(line) <= MAX_HEADLINE_CHARACTERS:
        return line
    return line[: MAX_HEADLINE_CHARACTERS - len(_CUT)].rstrip() + _CUT
