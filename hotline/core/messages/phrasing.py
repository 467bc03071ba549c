"""What rendering asks of a language: phrases by id, and values in words.

Ids are those of the packs' text files (docs/templates.md §5.2). A phrase that is
missing never stops a message from being shown.
"""

from __future__ import annotations

from typing import Protocol

from hotline.core.messages.fields import show_value
from hotline.core.messages.measures import MEASURES
from hotline.core.messages.template import FieldSpec, FieldType, Template

REFERENCE_DIGITS = 16
"""Digits of a digest that a reader is shown: 64 bits, four groups for the voice."""

_COUNTED = (*MEASURES, FieldType.INTEGER, FieldType.DECIMAL)


class Phrasebook(Protocol):
    """The texts of one language. Values go in as they are, never as syntax."""

    @property
    def language(self) -> str:
        """Two letters, as in "en"."""

    def phrase(self, id: str, /, **values: str) -> str | None:
        """Return the phrase on one line, or None when it is missing or lacks a value."""


def phrase_id(template: Template, field: str = "", part: str = "") -> str:
    """Return the id of a text, as in "sea-intent", "sea-intent.purpose" or "sea-intent-what.help".

    Spec: docs/templates.md §5.2
    """
    base = template.id.replace("/", "-")
    return base + (f"-{field}" if field else "") + (f".{part}" if part else "")


def say(phrasebook: Phrasebook, id: str, otherwise: str, /, **values: str) -> str:
    """Return the general phrase `id`, or `otherwise` (English) with the values appended."""
    phrase = phrasebook.phrase(id, **values)
    return phrase or ": ".join((otherwise, *values.values()))


def title(template: Template, phrasebook: Phrasebook) -> str:
    """Return the template's title, or its id where the language has none."""
    return phrasebook.phrase(phrase_id(template)) or template.id


def label(template: Template, spec: FieldSpec, phrasebook: Phrasebook) -> str:
    """Return the field's label, or its name where the language has none."""
    return phrasebook.phrase(phrase_id(template, spec.name)) or spec.name


def choice_label(template: Template, spec: FieldSpec, code: str, phrasebook: Phrasebook) -> str:
    """Return the words of a choice with its code, which both stations share."""
    words = phrasebook.phrase(phrase_id(template, spec.name, code))
    return f"{words} ({code})" if words else code


def value_in_words(template: Template, spec: FieldSpec, value: str, phrasebook: Phrasebook) -> str:
    """Write a canonical value for a tired reader: "045 degrees true", "221431Z NOV 26".

    Spec: docs/templates.md §5.3
    """
    if spec.type is FieldType.CHOICE:
        return choice_label(template, spec, value, phrasebook)
    if spec.type is FieldType.REFERENCE:
        return say(phrasebook, "statement-reference", "statement", value=short_digest(value))
    number, _, unit = value.partition(" ")
    if unit and spec.type in _COUNTED:
        id = f"unit-{unit.replace(' ', '-').replace('/', '-per-')}"
        return phrasebook.phrase(id, value=number) or value
    return show_value(spec, value)


def short_digest(digest: str) -> str:
    """Return the first digits of a hex digest in groups of four: "3f2a 91c0 5b7d 20e4"."""
    return " ".join(digest[at : at + 4] for at in range(0, REFERENCE_DIGITS, 4))


def one_line(text: str) -> str:
    """Return `text` with its line breaks shown as " / ", so that it cannot pose as more lines."""
    return " / ".join(text.split("\n"))
