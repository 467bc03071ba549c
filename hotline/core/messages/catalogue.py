"""The catalogue: every template that this station holds, by id and to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hotline.core import canonical
from hotline.core.messages.statement import TemplateRef
from hotline.core.messages.template import Template, template_digest
from hotline.core.values import Digest, sha256


@dataclass(frozen=True, slots=True)
class PackRef:
    """A pack as the ledger's "pack loaded" event names it.

    Attributes:
        languages: Languages in which its texts are complete.
        digest: Covers name, version, every template and every text file.
    """

    name: str
    version: int
    languages: tuple[str, ...]
    digest: Digest


@dataclass(frozen=True, slots=True)
class Known:
    """The template is held here, to the byte."""

    template: Template


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """A template of that id is held here, but in another version or with other bytes."""

    ours: Template


@dataclass(frozen=True, slots=True)
class Unknown:
    """No template of that id is held here."""

    id: str


Lookup = Known | OtherVersion | Unknown


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Templates by id, in the order of their packs. Made by `build_catalogue`."""

    packs: tuple[PackRef, ...]
    templates: Mapping[str, Template]
    digests: Mapping[str, Digest]

    def get(self, id: str) -> Template | None:
        """Return the template called `id`, or None."""
        return self.templates.get(id)

    def pack(self, name: str) -> PackRef | None:
        """Return the pack called `name`, or None."""
        return next((pack for pack in self.packs if pack.name == name), None)

    def lookup(self, ref: TemplateRef) -> Lookup:
        """Return whether what a statement was filled from is held here, to the byte.

        Spec: docs/templates.md §6.1
        """
        template = self.templates.get(ref.id)
        if template is None:
            return Unknown(ref.id)
        same = template.version == ref.version and self.digests[ref.id].hex() == ref.digest
        return Known(template) if same else OtherVersion(template)

    def ref(self, id: str) -> TemplateRef:
        """Return how a statement names the template called `id`.

        Raises:
            KeyError: no such template.
        """
        template = self.templates[id]
        return TemplateRef(id=id, version=template.version, digest=self.digests[id].hex())


def build_catalogue(packs: Iterable[PackRef], templates: Iterable[Template]) -> Catalogue:
    """Return a frozen catalogue; of two templates with one id the later stands."""
    by_id = {template.id: template for template in templates}
    digests = {id: template_digest(template) for id, template in by_id.items()}
    return Catalogue(tuple(packs), MappingProxyType(by_id), MappingProxyType(digests))


def pack_digest(
    name: str, version: int, templates: Iterable[Template], texts: Mapping[str, bytes]
) -> Digest:
    """Return what "pack loaded" records: SHA-256 of the canonical JSON of all the pack holds.

    Args:
        texts: Language to the bytes of its text file.
    """
    return sha256(
        canonical.encode(
            {
                "name": name,
                "version": version,
                "templates": [template_digest(template).hex() for template in templates],
                "texts": {language: sha256(text).hex() for language, text in texts.items()},
            }
        )
    )
