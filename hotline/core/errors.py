"""What can go wrong, sorted by what must happen next (docs/protocol.md §8)."""

from __future__ import annotations


class HotlineError(Exception):
    """Base of every error that hotline raises on purpose.

    Attributes:
        hint: One clause that says what to do next; shown after the message.
        exit_code: What the command line exits with when nothing catches it.
    """

    exit_code = 70
    default_hint = "report this with the command that you ran"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint or self.default_hint

    def sentence(self) -> str:
        """Return the message and its hint as one sentence for stderr."""
        return f"{self}; {self.hint}."


class OperatorError(HotlineError):
    """The input or the configuration is wrong: fix it and try again."""

    exit_code = 2
    default_hint = "correct the input and try again"


class PeerError(HotlineError):
    """Bytes from outside are not acceptable: refuse them and record it."""

    exit_code = 3
    default_hint = "it was refused; ask the other station to send it again"


class LinkError(HotlineError):
    """A route failed: try again, or take another route."""

    exit_code = 3
    default_hint = "the link is retried by itself"


class StorageError(HotlineError):
    """Storage failed: stop, reopen, reconcile; send nothing unrecorded."""

    exit_code = 4
    default_hint = "free space or repair the disk, then start the station again"


class IntegrityError(HotlineError):
    """Evidence does not verify: stop and keep everything as it is."""

    exit_code = 1
    default_hint = "keep every file as it is and call the reviewer"


class MissingKeyError(IntegrityError):
    """What would open a sealed blob is not here.

    Attributes:
        epoch: Number of the epoch whose key is missing.
    """

    def __init__(self, message: str, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch


class ErasedContentError(IntegrityError):
    """What an entry said was erased on two officers' authority; its proofs stand."""

    default_hint = "it is gone for good; every proof about the entry still stands"

    def __init__(self, index: int, epoch: int) -> None:
        super().__init__(f"the content of entry {index} was erased (epoch {epoch})")


class InvariantError(HotlineError):
    """Our own bug: something that cannot happen did."""
