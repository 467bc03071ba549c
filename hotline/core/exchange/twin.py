"""A second Situation that can go its own way from here on."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from hotline.core.exchange.situation import Situation


def twin(situation: Situation) -> Situation:
    """Return a Situation equal to `situation` that `fold.apply` changes alone.

    What the fold changes (the dataclasses that are not frozen, lists, dicts and
    sets) is new; statements, events and whatever else is frozen is shared, so a
    twin costs a fraction of a second fold and of its memory. Where one object
    stands in two places, its twin stands in both.
    """
    twinned: Situation = _twin(situation, {})
    return twinned


def _twin(value: Any, seen: dict[int, Any]) -> Any:
    match value:
        case dict():
            return {key: _twin(one, seen) for key, one in value.items()}
        case list():
            return [_twin(one, seen) for one in value]
        case set():
            return set(value)
        case _ if _changes(type(value)):
            if id(value) not in seen:
                parts = {
                    part.name: _twin(getattr(value, part.name), seen) for part in fields(value)
                }
                seen[id(value)] = type(value)(**parts)
            return seen[id(value)]
        case _:
            return value


def _changes(kind: type) -> bool:
    return is_dataclass(kind) and not getattr(kind, "__dataclass_params__").frozen  # noqa: B009
