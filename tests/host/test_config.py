"""Where the configuration lies, and what hotline.toml may say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.rules import DEFAULT_REMINDERS
from hotline.core.protocols.channel import ChannelTimes
from hotline.core.values import Precedence, Realm
from hotline.host.config import (
    MAX_CONFIG_BYTES,
    SETTINGS_FILE,
    find_config,
    load_settings,
    read_config_file,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copy(find_config() / SETTINGS_FILE, tmp_path / SETTINGS_FILE)
    return tmp_path


def test_shipped_settings_hold_the_clocks_of_every_precedence() -> None:
    clocks = load_settings(find_config()).clocks
    assert [clocks[precedence].handling_s for precedence in Precedence] == [
        600,
        1800,
        10_800,
        21_600,
    ]
    assert clocks[Precedence.FLASH].acknowledge_s == (120, 300, 600)
    assert clocks[Precedence.FLASH].standing["handling_s"] == "read"


def test_shipped_clocks_are_what_rules_go_by_without_any() -> None:
    settings = load_settings(find_config())
    assert settings.channel.times == ChannelTimes()
    for precedence, clocks in settings.clocks.items():
        default = DEFAULT_REMINDERS[precedence]
        assert default.steps_ms == tuple(one * 1000 for one in clocks.acknowledge_s)
        assert default.voice_ms == clocks.voice_s * 1000


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("handling_s = 600", "handling_s = 600.5", "clocks.FLASH.handling_s"),
        ("handling_s = 600", "handling_s = -1", "clocks.FLASH.handling_s"),
        ("handling_s = 600", 'handling_s = "600"', "clocks.FLASH.handling_s"),
        ("[120, 300, 600]", "[300, 120, 600]", "must rise"),
        ("[120, 300, 600]", "[]", "acknowledge_s"),
        ("[clocks.ROUTINE]", "[clocks.SLOW]", "clocks.SLOW"),
        ('handling_s = "read"', 'handling_s = "law"', "standing.handling_s"),
        ('standing = { handling_s = "read", ', "standing = { ", "standing must say"),
        ("[caution]", "[warning]", "caution"),
        ("interval_s = 3600", "interval_s = 360", "interval_s must be longer"),
        ("fresh_s = 3900", "fresh_s = 3600", "fresh_s must reach"),
        ("remind_s = 3600", "remind_s = 28800", "remind_s must be shorter"),
        ("answer_s = 60", "answer_s = 0", "channel.answer_s"),
        ("[caution]", "[caution", "hotline.toml"),
    ],
)
def test_settings_that_are_wrong_are_refused_with_their_place(
    config: Path, old: str, new: str, reason: str
) -> None:
    path = config / SETTINGS_FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(OperatorError, match=reason):
        load_settings(config)


@pytest.mark.parametrize(
    ("seconds", "reason"), [("-1", "desk.lock_after_s"), ("28801", "desk.lock_after_s")]
)
def test_lock_after_is_bounded(config: Path, seconds: str, reason: str) -> None:
    path = config / SETTINGS_FILE
    path.write_text(path.read_text("utf-8").replace("= 600\n\n#", f"= {seconds}\n\n#", 1), "utf-8")
    with pytest.raises(OperatorError, match=reason):
        load_settings(config)


def test_lock_that_never_falls_is_for_exercises_only(config: Path) -> None:
    assert load_settings(config).lock_after_s(Realm.LIVE) == 600
    path = config / SETTINGS_FILE
    path.write_text(path.read_text("utf-8").replace("after_s = 600", "after_s = 0", 1), "utf-8")
    settings = load_settings(config)
    assert settings.lock_after_s(Realm.EXERCISE) == 0
    with pytest.raises(OperatorError, match="which a LIVE desk may not have"):
        settings.lock_after_s(Realm.LIVE)


def test_settings_without_a_precedence_are_refused_by_its_name(config: Path) -> None:
    path = config / SETTINGS_FILE
    text = path.read_text("utf-8")
    begin, end = text.index("[clocks.ROUTINE]"), text.index("# Wording")
    path.write_text(text[:begin] + text[end:], "utf-8")
    with pytest.raises(OperatorError, match="clocks lack ROUTINE"):
        load_settings(config)


def test_config_file_that_is_missing_or_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="No such file"):
        read_config_file(tmp_path / "none.toml")
    long = tmp_path / "long.toml"
    long.write_bytes(b" " * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(OperatorError, match="has more than"):
        read_config_file(long)
