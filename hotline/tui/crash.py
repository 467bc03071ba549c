"""What is printed when the console ends by a fault: where, never what was in hand."""

from __future__ import annotations

import traceback
from pathlib import PurePath

from hotline.core.errors import HotlineError

EXIT_FAULT = 70
"""Exit code after a fault of the console itself (EX_SOFTWARE)."""

_MAX_FRAMES = 12


def crash_words(error: BaseException) -> list[str]:
    """Return lines that name the fault and its place in the code.

    No local variable, no source line and, but for our own errors (whose messages
    hold no secret by rule), no message: any of them could carry a passphrase.
    """
    kind = type(error).__name__
    said = f": {error.sentence()}" if isinstance(error, HotlineError) else ""
    lines = [f"hotline: the console stopped by a fault of its own ({kind}){said}"]
    for frame in traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]:
        parts = PurePath(frame.filename).parts[-3:]
        lines.append(f"  at {'/'.join(parts)}:{frame.lineno} in {frame.name}")
    lines.append("What was recorded is safe. Start the console again and report these lines.")
    return lines
