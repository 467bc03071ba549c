"""Where the shipped configuration lies, and what hotline.toml says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hotline.core import canonical
from hotline.core.errors import InvariantError, OperatorError
from hotline.core.messages.statement import first_fault
from hotline.core.protocols.channel import ChannelTimes
from hotline.core.values import Precedence, Realm

SETTINGS_FILE = "hotline.toml"
MAX_CONFIG_BYTES = 1_048_576
MAX_LOCK_AFTER_S = 28_800
"""One watch: who was away so long has been relieved."""

Standing = Literal["read", "general", "default"]
"""Read in a published source, general knowledge of the field, or our own figure."""

Seconds = Annotated[int, Field(ge=0, le=7_776_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PrecedenceClocks(_Strict):
    """The clocks of one precedence, in seconds.

    Attributes:
        handling_s: From release to the reader's hands.
        acknowledge_s: When the sender is alarmed that no officer there has read it, and the
            peer's station is asked. Rising.
        voice_s: When the voice line is to be tried too; 0: never.
        standing: For each of the others, what the figure rests on.
    """

    handling_s: Seconds
    acknowledge_s: Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=8)]
    voice_s: Seconds
    standing: Mapping[str, Standing]

    @model_validator(mode="after")
    def _check(self) -> PrecedenceClocks:
        if list(self.acknowledge_s) != sorted(set(self.acknowledge_s)):
            raise ValueError("acknowledge_s must rise from each figure to the next")
        if set(self.standing) != {"handling_s", "acknowledge_s", "voice_s"}:
            raise ValueError("standing must say what handling_s, acknowledge_s and voice_s rest on")
        return self


Least = Annotated[int, Field(ge=1, le=604_800)]


class ChannelSettings(_Strict):
    """The clocks of channel tests, in seconds (hotline.core.protocols.channel.ChannelTimes).

    Attributes:
        standing: What the figures rest on.
    """

    interval_s: Least
    jitter_s: Seconds
    answer_s: Least
    again_s: Least
    settle_s: Least
    fresh_s: Least
    officer_s: Least
    remind_s: Seconds
    standing: Standing

    @model_validator(mode="after")
    def _check(self) -> ChannelSettings:
        if self.interval_s <= self.jitter_s + self.answer_s:
            raise ValueError("interval_s must be longer than jitter_s and answer_s together")
        if self.fresh_s < self.interval_s + self.jitter_s:
            raise ValueError("fresh_s must reach from one test to the next, jitter included")
        if self.remind_s >= self.officer_s:
            raise ValueError("remind_s must be shorter than officer_s")
        return self

    @property
    def times(self) -> ChannelTimes:
        """The same in milliseconds."""
        return ChannelTimes(
            interval_ms=self.interval_s * 1000,
            jitter_ms=self.jitter_s * 1000,
            answer_ms=self.answer_s * 1000,
            again_ms=self.again_s * 1000,
            settle_ms=self.settle_s * 1000,
            fresh_ms=self.fresh_s * 1000,
            officer_ms=self.officer_s * 1000,
            remind_ms=self.remind_s * 1000,
        )


class DeskSettings(_Strict):
    """How a desk behaves.

    Attributes:
        lock_after_s: The officer's key is locked when no key was pressed for so long;
            0: never, for exercises only.
    """

    lock_after_s: Annotated[int, Field(ge=0, le=MAX_LOCK_AFTER_S)]


class Settings(_Strict):
    """What hotline.toml says.

    Attributes:
        desk: How desks behave.
        channel: Tests of the routes.
        clocks: One entry for every precedence.
        caution: Language to expressions that may read as a threat (docs/templates.md §8).
    """

    desk: DeskSettings
    channel: ChannelSettings
    clocks: Mapping[Precedence, PrecedenceClocks]
    caution: Mapping[str, tuple[str, ...]]

    @model_validator(mode="after")
    def _check(self) -> Settings:
        missing = [precedence for precedence in Precedence if precedence not in self.clocks]
        if missing:
            raise ValueError(f"clocks lack {', '.join(missing)}")
        return self

    def lock_after_s(self, realm: Realm) -> int:
        """Return after how many seconds without a key a desk of `realm` is locked; 0: never.

        Raises:
            OperatorError: LIVE, and never.
        Spec: docs/enrolment.md §13.2
        """
        if realm is Realm.LIVE and not self.desk.lock_after_s:
            raise OperatorError(
                f"{SETTINGS_FILE}: desk.lock_after_s is 0, which a LIVE desk may not have",
                hint=f"set 1 to {MAX_LOCK_AFTER_S} seconds",
            )
        return self.desk.lock_after_s


def find_config() -> Path:
    """Return the directory of the shipped configuration.

    In a source checkout that is config/ beside the package, in an installed wheel
    hotline/_config.

    Raises:
        OperatorError: neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_config", package.parent / "config"):
        if (place / SETTINGS_FILE).is_file():
            return place
    raise OperatorError(
        "the shipped configuration (hotline.toml and packs) is not there",
        hint="install hotline again, or run it from a whole checkout",
    )


def read_config_file(path: Path) -> bytes:
    """Return the bytes of a configuration file.

    Raises:
        OperatorError: it cannot be read or has more than MAX_CONFIG_BYTES.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise OperatorError(f"{_named(path)}: {reason}", hint="put the file in place") from error
    if len(content) > MAX_CONFIG_BYTES:
        raise OperatorError(f"{_named(path)} has more than {MAX_CONFIG_BYTES} bytes")
    return content


def decode_toml(content: bytes, path: Path) -> dict[str, Any]:
    """Read TOML from the bytes of `path`.

    Raises:
        OperatorError: not TOML in UTF-8; the file and the place are named.
    """
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "not TOML in UTF-8"
        raise OperatorError(f"{_named(path)}: {reason}", hint="correct the file") from error


def as_json(table: Any, path: Path) -> bytes:
    """Return a TOML table as JSON, in which pydantic reads lists and enumerations strictly.

    Raises:
        OperatorError: it holds a date or a time, or a number that is not finite.
    """
    try:
        return canonical.encode(table)
    except InvariantError as error:
        raise OperatorError(
            f"{_named(path)}: a date, a time, nan or inf stands outside quotes",
            hint="put it in quotes",
        ) from error


def load_settings(config_dir: Path) -> Settings:
    """Read and check hotline.toml.

    Raises:
        OperatorError: missing, not TOML, or a wrong value; the place is named.
    """
    path = config_dir / SETTINGS_FILE
    table = decode_toml(read_config_file(path), path)
    try:
        return Settings.model_validate_json(as_json(table, path))
    except ValidationError as error:
        raise OperatorError(f"{_named(path)}: {first_fault(error)}", hint="correct it") from error


def _named(path: Path) -> str:
    """Name a file by its last two parts: enough to find it, without the machine's paths."""
    return "/".join(path.parts[-2:])
