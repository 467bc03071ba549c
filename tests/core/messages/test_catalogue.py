"""Whether a template is held here, to the byte."""

from __future__ import annotations

import pytest

from hotline.core.messages.catalogue import (
    Known,
    OtherVersion,
    PackRef,
    Unknown,
    build_catalogue,
    pack_digest,
)
from hotline.core.messages.template import FieldType
from hotline.core.values import ZERO_DIGEST
from tests.core.messages.forms import WHOLE, form, spec_of

PACK = PackRef("test", 1, ("en",), ZERO_DIGEST)
HELD = build_catalogue([PACK], [WHOLE])


def test_lookup_of_the_same_bytes_finds_the_template() -> None:
    assert HELD.lookup(HELD.ref("test/form")) == Known(WHOLE)


def test_lookup_of_another_id_is_unknown() -> None:
    ref = HELD.ref("test/form").model_copy(update={"id": "test/other"})
    assert HELD.lookup(ref) == Unknown("test/other")


@pytest.mark.parametrize("changes", [{"version": 2}, {"digest": "0" * 64}])
def test_lookup_of_another_version_or_digest_gives_ours(changes: dict[str, object]) -> None:
    ref = HELD.ref("test/form").model_copy(update=changes)
    assert HELD.lookup(ref) == OtherVersion(WHOLE)


def test_lookup_of_a_form_with_one_bound_changed_is_another_version() -> None:
    theirs = form(*WHOLE.fields[:-1], spec_of(FieldType.REFERENCE, required=False))
    assert HELD.lookup(build_catalogue([], [theirs]).ref("test/form")) == OtherVersion(WHOLE)


def test_get_and_pack_without_a_match_are_none() -> None:
    assert HELD.get("test/form") is WHOLE
    assert HELD.get("test/other") is None
    assert HELD.pack("test") is PACK
    assert HELD.pack("other") is None


def test_catalogue_once_built_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        HELD.templates["test/form"] = WHOLE  # type: ignore[index]


def test_pack_digest_covers_name_version_templates_and_texts() -> None:
    digests = {
        pack_digest("a", 1, [WHOLE], {"en": b"x"}),
        pack_digest("b", 1, [WHOLE], {"en": b"x"}),
        pack_digest("a", 2, [WHOLE], {"en": b"x"}),
        pack_digest("a", 1, [], {"en": b"x"}),
        pack_digest("a", 1, [WHOLE], {"en": b"y"}),
        pack_digest("a", 1, [WHOLE], {"de": b"x"}),
    }
    assert len(digests) == 6
    assert pack_digest("a", 1, [WHOLE], {"en": b"x"}) in digests
