"""The shipped packs, and what is wrong with broken ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.messages.fields import check_fields, parse_field
from hotline.core.messages.readback import compare, critical
from hotline.core.messages.rendering import headline, render
from hotline.core.messages.statement import Statement, encode_statement
from hotline.core.messages.template import FieldType, LadderAct, ReplyClass
from hotline.core.messages.words import cautions
from hotline.core.times import parse_time
from hotline.core.values import Precedence
from hotline.host.config import find_config, load_settings
from hotline.host.packs import load_catalogue
from hotline.host.phrases import load_phrasebook
from tests.core.messages.forms import said

CONFIG = find_config()
CATALOGUE = load_catalogue(CONFIG)
PHRASES = load_phrasebook(CONFIG, "en")
NOW_MS = parse_time("2026-11-22T14:31:26.000Z")
TEMPLATES = pytest.mark.parametrize("id", sorted(CATALOGUE.templates))


def _filled(id: str, realm: str = "LIVE") -> Statement:
    template = CATALOGUE.templates[id]
    fields = {spec.name: parse_field(spec, spec.example, now_ms=NOW_MS) for spec in template.fields}
    text = "" if template.fields else "Good morning."
    refs = tuple(fields[spec.name] for spec in template.fields if spec.type is FieldType.REFERENCE)
    return said(template, fields, text=text, realm=realm, refs=refs)


@TEMPLATES
def test_template_filled_from_its_examples_is_sent_and_shown_whole(id: str) -> None:
    template, statement = CATALOGUE.templates[id], _filled(id)
    check_fields(template, statement.fields)
    assert encode_statement(statement)
    shown = render(statement, template, PHRASES)
    assert shown.flags == ()
    sentences = [line for line in shown.lines if re.match(r"\d+\. ", line)]
    assert len(sentences) == len(template.fields) + 1
    assert all(re.search(r"\w", line) for line in shown.lines)
    assert not re.search("[\u2066-\u2069$]", "\n".join(shown.lines))
    assert shown.title != id


@TEMPLATES
def test_template_has_a_headline_of_its_own(id: str) -> None:
    template, statement = CATALOGUE.templates[id], _filled(id)
    line = headline(statement, template, PHRASES)
    assert 8 <= len(line) <= 100
    assert id == "link/ack-read" or len(line) >= len(PHRASES.phrase(id.replace("/", "-")) or "x")


@TEMPLATES
def test_template_read_back_from_its_examples_agrees(id: str) -> None:
    template = CATALOGUE.templates[id]
    typed = {spec.name: spec.example for spec in critical(template)}
    assert compare(_filled(id), template, typed, NOW_MS) == ()


@TEMPLATES
def test_template_says_nothing_that_reads_as_an_order_or_a_threat(id: str) -> None:
    template = CATALOGUE.templates[id]
    shown = "\n".join(render(_filled(id), template, PHRASES).lines)
    assert not re.search(r"(?i)\b(you must|must|order|shall|fault of|guilty)\b", shown)
    settings = load_settings(CONFIG)
    found = cautions({}, shown, Precedence.FLASH, settings.caution["en"], PHRASES)
    assert found == ()


@TEMPLATES
def test_replies_of_a_template_close_it_and_so_hold_neither_holding_nor_clarify(id: str) -> None:
    replies = CATALOGUE.templates[id].replies
    assert not {"conv/holding", "conv/clarify", "conv/readback"} & set(replies)


def test_proposals_on_the_ladder_say_that_silence_is_not_consent() -> None:
    for template in CATALOGUE.templates.values():
        if template.ladder and template.ladder.act in (LadderAct.PROPOSE, LadderAct.CLOSE):
            lines = render(_filled(template.id), template, PHRASES).lines
            assert "No answer is not agreement." in lines[0], template.id


def test_templates_that_report_what_was_seen_keep_blame_apart() -> None:
    for id in ("sea/unsafe-act", "deesc/verify-result"):
        lines = render(_filled(id), CATALOGUE.templates[id], PHRASES).lines
        assert "not who is to blame" in lines[0]


def test_shipped_templates_are_those_of_the_contract() -> None:
    expected = {
        "link": {"test", "echo", "ack-read"},
        "conv": {
            *("holding", "readback", "clarify", "correction", "retract", "response"),
            *("reply", "free-text"),
        },
        "sea": {"encounter", "intent", "unsafe-act"},
        "deesc": {"cease-propose", "hold", "separate", "answer", "verify-result", "close"},
    }
    assert set(CATALOGUE.templates) == {f"{p}/{t}" for p, ts in expected.items() for t in ts}
    assert {pack.name for pack in CATALOGUE.packs} == {*expected, "words"}
    assert all(pack.languages == ("en",) for pack in CATALOGUE.packs)


def test_holding_reply_promises_and_is_to_be_read() -> None:
    holding = CATALOGUE.templates["conv/holding"]
    assert (holding.promises, holding.reply) == ("full_reply_by", ReplyClass.ROGER)


def test_catalogue_loaded_twice_has_the_same_digests() -> None:
    again = load_catalogue(CONFIG)
    assert again.packs == CATALOGUE.packs
    assert again.digests == CATALOGUE.digests


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path / "config"


def _break(config: Path, file: str, old: str, new: str) -> None:
    path = config / "packs" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


BROKEN = [
    ("sea/pack.toml", 'type = "hull"', 'type = "ship"', ["sea/encounter", "own_hull", "type"]),
    ("sea/pack.toml", 'example = "12.5 kn"', 'example = "fast"', ["sea/encounter", "speed"]),
    ("sea/pack.toml", ', example = "12.5 kn"', "", ["sea/encounter", "speed", "example"]),
    ("sea/pack.toml", 'maximum = "50"', "maximum = 50.5", ["sea/encounter", "cpa", "maximum"]),
    ("sea/pack.toml", 'maximum = "50"', 'maxium = "50"', ["sea/encounter", "cpa", "maxium"]),
    ("sea/pack.toml", 'maximum = "50"', 'maximum = "5O"', ["sea/encounter", "cpa", "bound"]),
    ("sea/pack.toml", 'name = "cpa"', 'name = "speed"', ["sea/encounter", "speed", "twice"]),
    ("sea/pack.toml", 'name = "cpa"', 'name = "CPA"', ["sea/encounter", "CPA", "name"]),
    ("sea/pack.toml", '"IMMEDIATE"', '"URGENT"', ["sea/encounter", "precedence"]),
    ("sea/pack.toml", '"position", "course"', '"place", "course"', ["sea/encounter", "place"]),
    ("sea/pack.toml", '"sea/intent", "conv', '"sea/intend", "conv', ["sea/encounter", "intend"]),
    ("sea/pack.toml", 'standing = { reply_clock_s = "default" }', "", ["encounter", "standing"]),
    ("sea/pack.toml", '{ reply_clock_s = "default" }', '{ reply_clock_s = "law" }', ["encounter"]),
    ("sea/pack.toml", 'id = "sea/encounter"', 'id = "land/encounter"', ["land/encounter", "sea/"]),
    ("sea/pack.toml", 'id = "sea/encounter"', 'id = "sea/intent"', ["sea/intent", "twice"]),
    ("sea/pack.toml", 'number = "SEA-02"', 'number = "SEA-01"', ["sea/intent", "SEA-01"]),
    ("sea/pack.toml", 'name = "sea"', 'name = "lake"', ["name", "sea"]),
    ("sea/pack.toml", "version = 1", "version = 0", ["pack", "version"]),
    ("sea/pack.toml", 'languages = ["en"]', 'languages = ["en", "de"]', ["sea/de.ftl"]),
    ("sea/pack.toml", "[pack]", "[packs]", ["packs"]),
    ("sea/pack.toml", "[pack]", "[pack", ["sea/pack.toml", "line"]),
    ("sea/pack.toml", 'example = "045"', "example = 2026-11-22", ["pack.toml", "date"]),
    ("sea/en.ftl", "sea-encounter = Enc", "sea-encountre = Enc", ["sea/encounter", "missing"]),
    ("sea/en.ftl", "    .LASER = a laser used\n", "", ["sea/unsafe-act", "act", "LASER"]),
    ("sea/en.ftl", "sea-encounter-cpa =", "sea-encounter-cpo =", ["encounter", "cpa", "missing"]),
    ("sea/en.ftl", "hull: { $value }", "hull: { $hull }", ["other_hull", "$hull"]),
    ("sea/en.ftl", "{ $position }", "{ $cpa }", ["sea/encounter", "headline", "$cpa"]),
    ("sea/en.ftl", "Our ship: { $value }", "Our ship: no one", ["own_hull", "must show"]),
    ("sea/en.ftl", "sea-intent = Intention", "sea-intent Intention", ["line", "sea/en.ftl"]),
    ("sea/en.ftl", "sea-intent = ", "sea-extra = X\nsea-intent = ", ["sea-extra", "no template"]),
    ("sea/en.ftl", "sea-intent = ", "sea-encounter = X\nsea-intent = ", ["sea-encounter", "twice"]),
    ("sea/en.ftl", "Encounter at", "Enc\u202eounter at", ["sea/en.ftl", "U+202E"]),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), BROKEN)
def test_broken_pack_is_refused_with_file_template_field_and_reason(
    config: Path, file: str, old: str, new: str, named: list[str]
) -> None:
    _break(config, file, old, new)
    with pytest.raises(OperatorError) as refusal:
        load_catalogue(config)
    sentence = refusal.value.sentence()
    assert file.partition("/")[0] in sentence
    assert [word for word in named if word not in sentence] == []
    assert str(config) not in sentence


def test_pack_that_is_not_utf8_is_refused(config: Path) -> None:
    (config / "packs/sea/en.ftl").write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match=r"sea/en\.ftl.*UTF-8"):
        load_catalogue(config)


def test_config_without_packs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no template pack"):
        load_catalogue(tmp_path)


def test_changed_text_changes_the_digest_of_its_pack_and_of_no_template(config: Path) -> None:
    _break(config, "sea/en.ftl", "Encounter at sea", "Meeting at sea")
    changed: Catalogue = load_catalogue(config)
    assert [p.name for p in changed.packs if p != CATALOGUE.pack(p.name)] == ["sea"]
    assert changed.digests == CATALOGUE.digests
