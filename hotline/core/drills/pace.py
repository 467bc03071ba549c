"""How fast a drill's clock may run."""

from __future__ import annotations

MIN_SPEED, MAX_SPEED = 0.1, 1000.0
"""Exercise seconds for each second that passes."""
