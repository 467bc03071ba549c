"""What one client may cost a relay, decided before anything expensive is done for it.

Spec: docs/transport.md §9.7
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.transport.allowance import BURST_FRAMES, FAILURES_PER_MINUTE, FRAMES_PER_S
from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.link import Timings

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of a relay that an operator or a test may set.

    Attributes:
        strangers: Connections that have not authenticated, in all.
        strangers_per_address: The same, of one address.
        sessions: Authenticated sessions, in all.
        failures_per_minute: Refused AUTHs of one address before it is not listened to.
        auth_timeout_s: From the open websocket to a valid AUTH.
        frames_per_s: Frames that a session may send, on average.
        burst: Frames that it may send at once.
        window_cells: Cells unanswered in one direction.
        window_bytes: Their bytes.
        max_body_bytes: The longest cell that is taken.
        keep_s: The longest time that a cell is kept.
        boxes: Mailboxes that one session may subscribe to.
        timings: Waits of the socket.
    """

    strangers: int = 64
    strangers_per_address: int = 4
    sessions: int = 10_000
    failures_per_minute: int = FAILURES_PER_MINUTE
    auth_timeout_s: float = 5.0
    frames_per_s: float = FRAMES_PER_S
    burst: int = BURST_FRAMES
    window_cells: int = 64
    window_bytes: int = 1_048_576
    max_body_bytes: int = MAX_CELL_BYTES
    keep_s: int = 14 * DAY_S
    boxes: int = 64
    timings: Timings = field(default_factory=Timings)
