"""Who sits at a desk, or comes to it for one signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hotline.core.errors import OperatorError
from hotline.sealing.certificate import Certificate
from hotline.sealing.hybrid import HybridSigner


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer with the unlocked key."""

    certificate: Certificate
    signer: HybridSigner = field(repr=False)


Unlock = Callable[[str, str | None], Officer]
"""Opens the key of a person with a passphrase; None opens only a key without one.

Raises OperatorError: no such key here, or a wrong passphrase.
"""


def no_keys_here(_person: str, _passphrase: str | None) -> Officer:
    """Stand in where a desk has no other officer's key file at hand."""
    raise OperatorError(
        "no other officer's key can be unlocked at this desk",
        hint="let the second officer release it at another desk",
    )
