"""Texts of one language from the packs' Fluent files (docs/templates.md §5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import fluent_number
from fluent.syntax import FluentParser, ast

from hotline.core.errors import OperatorError, PeerError
from hotline.core.text import check_text
from hotline.host.config import read_config_file

_UNIT_PREFIX = "unit-"


@dataclass(frozen=True, slots=True)
class PhraseShape:
    """What a text needs: `variables` in all, `plain` those that no choice can hide."""

    variables: frozenset[str]
    plain: frozenset[str]


class FluentPhrasebook:
    """A `Phrasebook` over Fluent: values go in as data, without bidi isolation marks."""

    def __init__(self, language: str, texts: Iterable[str]) -> None:
        self._language = language
        self._bundle = FluentBundle([language], use_isolating=False)
        for text in texts:
            self._bundle.add_resource(FluentResource(text))

    @property
    def language(self) -> str:
        """Two letters, as in "en"."""
        return self._language

    def phrase(self, id: str, /, **values: str) -> str | None:
        """Return the phrase on one line, or None when it is missing or lacks a value.

        A unit also gets `$amount`, the value as a number, to choose its plural by.
        Spec: docs/templates.md §5.2
        """
        name, _, part = id.partition(".")
        if not self._bundle.has_message(name):
            return None
        message = self._bundle.get_message(name)
        pattern = message.attributes.get(part) if part else message.value
        if pattern is None:
            return None
        phrase, errors = self._bundle.format_pattern(pattern, _arguments(name, values))
        return None if errors else " ".join(str(phrase).split("\n"))


def _arguments(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(values)
    if name.startswith(_UNIT_PREFIX):
        # Only chooses the plural, for which Fluent takes floats and no Decimal.
        with suppress(ValueError):
            amount = float(values.get("value", ""))
            if isfinite(amount):
                arguments["amount"] = fluent_number(amount)
    return arguments


def load_phrasebook(config_dir: Path, language: str) -> FluentPhrasebook:
    """Read every pack's texts in `language` (two letters).

    Raises:
        OperatorError: no pack has that language.
    """
    packs = config_dir / "packs"
    files = sorted(packs.glob("*/*.ftl"))
    paths = [path for path in files if path.stem == language]
    if not paths:
        known = ", ".join(sorted({path.stem for path in files})) or "none"
        raise OperatorError(f"no pack has texts in that language; there are: {known}")
    return FluentPhrasebook(language, [decode_texts(read_config_file(path)) for path in paths])


def decode_texts(content: bytes) -> str:
    """Return a text file's content.

    Raises:
        OperatorError: not UTF-8, or a character that no screen should be given.
    """
    try:
        text = content.decode().replace("\r\n", "\n")
        return check_text(text, what="it")
    except UnicodeDecodeError as error:
        raise OperatorError("it is not text in UTF-8") from error
    except PeerError as error:
        raise OperatorError(str(error)) from error


def read_shapes(text: str) -> dict[str, PhraseShape]:
    """Return every id in a text file, attributes as "message.attribute", with its shape.

    Raises:
        OperatorError: a part that is not Fluent, or an id that stands twice.
    """
    shapes: dict[str, PhraseShape] = {}
    for entry in FluentParser().parse(text).body:
        if isinstance(entry, ast.Junk):
            reason = entry.annotations[0].message if entry.annotations else "not Fluent"
            line = text.count("\n", 0, entry.span.start if entry.span else 0) + 1
            raise OperatorError(f"line {line}: {reason}")
        if not isinstance(entry, ast.Message):
            continue
        patterns = {entry.id.name: entry.value} if entry.value else {}
        patterns |= {f"{entry.id.name}.{part.id.name}": part.value for part in entry.attributes}
        twice = shapes.keys() & patterns.keys()
        if twice or len(patterns) != bool(entry.value) + len(entry.attributes):
            raise OperatorError(f"{entry.id.name} stands in it twice")
        shapes |= {id: _shape(pattern) for id, pattern in patterns.items()}
    return shapes


def _shape(pattern: ast.Pattern) -> PhraseShape:
    plain = {
        element.expression.id.name
        for element in pattern.elements
        if isinstance(element, ast.Placeable)
        and isinstance(element.expression, ast.VariableReference)
    }
    return PhraseShape(frozenset(_variables(pattern)), frozenset(plain))


def _variables(node: Any) -> Iterable[str]:
    if isinstance(node, ast.VariableReference):
        yield node.id.name
    elif isinstance(node, ast.BaseNode):
        for value in vars(node).values():
            yield from _variables(value)
    elif isinstance(node, list):
        for value in node:
            yield from _variables(value)
