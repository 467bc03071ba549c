"""Template packs: TOML and Fluent files become one checked catalogue (docs/templates.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue, PackRef, build_catalogue, pack_digest
from hotline.core.messages.phrasing import phrase_id
from hotline.core.messages.rules import Defect, reply_defects, template_defects
from hotline.core.messages.statement import first_fault
from hotline.core.messages.template import FieldType, Template
from hotline.host.config import Standing, as_json, decode_toml, read_config_file
from hotline.host.phrases import PhraseShape, decode_texts, read_shapes

PACK_FILE = "pack.toml"

_STANDING = frozenset({"reply_clock_s"})


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,19}$")]
    version: Annotated[int, Field(ge=1, le=9999)]
    languages: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...], Field(min_length=1)
    ]


class _Standing(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reply_clock_s: Standing | None = None


@dataclass(frozen=True, slots=True)
class _Pack:
    ref: PackRef
    path: Path
    templates: tuple[Template, ...]


def load_catalogue(config_dir: Path) -> Catalogue:
    """Read and check every pack under config_dir/packs.

    Raises:
        OperatorError: the first defect, with its file, template, field and reason.
    Spec: docs/templates.md §4.2
    """
    paths = sorted((config_dir / "packs").glob(f"*/{PACK_FILE}"))
    if not paths:
        raise OperatorError("there is no template pack", hint="install hotline again")
    packs = [_load_pack(path) for path in paths]
    _check_together(packs)
    templates = [template for pack in packs for template in pack.templates]
    return build_catalogue([pack.ref for pack in packs], templates)


def _defect(path: Path, template: str, defect: Defect) -> OperatorError:
    place = [f"packs/{path.parent.name}/{path.name}"]
    place += [part for part in (template, defect.field and f"field {defect.field}") if part]
    return OperatorError(f"{', '.join(place)}: {defect.reason}", hint="correct the pack")


def _load_pack(path: Path) -> _Pack:
    table = decode_toml(read_config_file(path), path)
    header = _header(path, table)
    raw_templates = table.get("template", [])
    if not isinstance(raw_templates, list):
        raise _defect(path, "", Defect("", "template must be an array of tables, [[template]]"))
    templates = tuple(_template(path, raw) for raw in raw_templates)
    ids = [template.id for template in templates]
    for template in templates:
        if template.pack != header.name:
            raise _defect(path, template.id, Defect("", f"its id must begin with {header.name}/"))
        if ids.count(template.id) > 1:
            raise _defect(path, template.id, Defect("", "stands in the pack twice"))
    texts = {language: _texts(path, language, header, templates) for language in header.languages}
    digest = pack_digest(header.name, header.version, templates, texts)
    ref = PackRef(header.name, header.version, header.languages, digest)
    return _Pack(ref, path, templates)


def _header(path: Path, table: Mapping[str, Any]) -> _Header:
    unknown = sorted(table.keys() - {"pack", "template"})
    if unknown:
        raise _defect(path, "", Defect("", f"knows no table called {unknown[0][:40]}"))
    try:
        header = _Header.model_validate_json(as_json(table.get("pack"), path))
    except ValidationError as error:
        raise _defect(path, "", Defect("", f"pack: {first_fault(error)}")) from error
    if header.name != path.parent.name:
        raise _defect(path, "", Defect("", f"its name must be {path.parent.name}, its directory's"))
    return header


def _template(path: Path, raw: Any) -> Template:
    """Check one [[template]] table; `standing` stands beside the model, not in it."""
    table = dict(raw) if isinstance(raw, dict) else {}
    name = str(table.get("id", "a template without id"))[:61]
    try:
        standing = _Standing.model_validate_json(as_json(table.pop("standing", {}), path))
        template = Template.model_validate_json(as_json(table, path), strict=True)
    except ValidationError as error:
        raise _defect(path, name, _model_defect(table, error)) from error
    for defect in template_defects(template):
        raise _defect(path, name, defect)
    if bool(template.reply_clock_s) != bool(standing.reply_clock_s):
        reason = "must say in `standing` what its reply clock rests on, and only if it has one"
        raise _defect(path, name, Defect("", reason))
    return template


def _model_defect(table: Mapping[str, Any], error: ValidationError) -> Defect:
    """Name the field by its name rather than by its place in the array."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = fault["loc"]
    if place[:1] != ("fields",) or len(place) == 1 or not isinstance(place[1], int):
        return Defect("", first_fault(error))
    field = table["fields"][place[1]]
    name = field.get("name") if isinstance(field, dict) else None
    key = ".".join(str(part) for part in place[2:]) or "field"
    return Defect(str(name or f"number {place[1] + 1}")[:40], f"{key[:40]}: {fault['msg'][:120]}")


def _texts(path: Path, language: str, header: _Header, templates: Iterable[Template]) -> bytes:
    """Check a text file against the templates and return its bytes."""
    file = path.with_name(f"{language}.ftl")
    content = read_config_file(file)
    try:
        shapes = read_shapes(decode_texts(content))
    except OperatorError as error:
        raise _defect(file, "", Defect("", str(error))) from error
    expected: set[str] = set()
    for template in templates:
        for id, defect in _text_defects(template, shapes):
            if defect.reason:
                raise _defect(file, template.id, defect)
            expected.add(id)
    stray = sorted(id for id in shapes.keys() - expected if templates)
    if stray:
        raise _defect(file, "", Defect("", f"{stray[0]} belongs to no template of {header.name}"))
    return content


def _text_defects(
    template: Template, shapes: Mapping[str, PhraseShape]
) -> Iterator[tuple[str, Defect]]:
    """Give every id that the template may have, each with its defect; no reason: none."""
    required = frozenset(spec.name for spec in template.fields if spec.required)
    for part in ("", "purpose", "says"):
        id = phrase_id(template, part=part)
        yield id, Defect("", _fault(id, shapes, frozenset()))
    id = phrase_id(template, part="headline")
    yield id, Defect("", _fault(id, shapes, required, optional=True))
    for spec in template.fields:
        codes = spec.choices if spec.type is FieldType.CHOICE else ()
        for part in ("", "help", *codes):
            id = phrase_id(template, spec.name, part)
            yield id, Defect(spec.name, _fault(id, shapes, frozenset()))
        id = phrase_id(template, spec.name, "line")
        fault = _fault(id, shapes, frozenset({"value"}), optional=True)
        if not fault and id in shapes and "value" not in shapes[id].plain:
            fault = f"{id} must show {{ $value }} whatever it is"
        yield id, Defect(spec.name, fault)


def _fault(
    id: str,
    shapes: Mapping[str, PhraseShape],
    allowed: frozenset[str],
    *,
    optional: bool = False,
) -> str:
    if id not in shapes:
        return "" if optional else f"{id} is missing"
    foreign = sorted(shapes[id].variables - allowed)
    return f"{id} uses ${foreign[0]}, which it is not given" if foreign else ""


def _check_together(packs: Iterable[_Pack]) -> None:
    """Check what only shows across packs: numbers and text ids of one owner, replies."""
    by_id = {template.id: template for pack in packs for template in pack.templates}
    owners: dict[str, str] = {}
    for pack in packs:
        for template in pack.templates:
            for claim in _claims(template):
                if claim in owners:
                    reason = f"shares {claim} with {owners[claim]}"
                    raise _defect(pack.path, template.id, Defect("", reason))
                owners[claim] = template.id
            for defect in reply_defects(template, by_id):
                raise _defect(pack.path, template.id, defect)


def _claims(template: Template) -> Iterator[str]:
    yield f"the number {template.number}"
    yield f"the text {phrase_id(template)}"
    yield from (f"the text {phrase_id(template, spec.name)}" for spec in template.fields)
