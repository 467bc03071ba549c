"""View models of the link screen: what each route to each peer is worth, in words."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.protocols.channel import Colour
from hotline.desk.views import Mark


@dataclass(frozen=True, slots=True)
class RouteView:
    """One route: `word` as in "UP" or "DOWN 06:12", then sentences."""

    name: str
    word: str
    mark: Mark
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeerLinkView:
    """Everything between this station and one peer.

    Attributes:
        word: As on row 0; `means`: what that means for what is sent, and what to do.
        lines: Tests of the day, officers' tests, what waits, in sentences.
    """

    peer: str
    colour: Colour
    word: str
    mark: Mark
    means: str
    routes: tuple[RouteView, ...]
    lines: tuple[str, ...]
