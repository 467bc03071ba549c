"""The power fails in the middle of a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class PowerCutError(BaseException):
    """Ends everything at once, as kill -9 does; no handler of errors sees it."""


@contextmanager
def power_cut(module: object, name: str, after: int = 0) -> Iterator[None]:
    """End the body as soon as it calls a function for the time number `after`, from 0."""
    real, calls = getattr(module, name), iter(range(10_000))

    def cut(*given: object, **named: object) -> object:
        if next(calls) == after:
            raise PowerCutError
        return real(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, cut)
        with pytest.raises(PowerCutError):
            yield
