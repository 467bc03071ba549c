"""Templates that neither a charter nor a frozen line may keep one officer alone from sending.

A lone night watch must not be muted: what tests the line, says that a statement
was read or what was understood, asks for time, offers or asks for aid, or keeps
ships apart goes out on one signature, whatever else stands.
Spec: docs/protocol.md §4.15
"""

from __future__ import annotations

LIFELINE_PACKS = frozenset({"link", "aid", "safety"})
LIFELINE_TEMPLATES = frozenset({"conv/holding", "conv/readback", "sea/encounter", "sea/intent"})
"""In other packs: the holding reply, the read-back, and what two ships that meet must know."""


def is_lifeline(template: str) -> bool:
    """Return whether the template of that id is one of them; an id is enough, no form is needed."""
    return template in LIFELINE_TEMPLATES or template.partition("/")[0] in LIFELINE_PACKS
