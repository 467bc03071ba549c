"""What the shell is told when a command fails: one sentence on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import typer

from hotline.core.errors import HotlineError, StorageError
from hotline.review.sentences import printable

DEBUG_VARIABLE = "HOTLINE_DEBUG"

EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
"""What a shell reports of a program that SIGPIPE or ^C ended: 128 and the signal."""


def guard(work: Callable[[], int]) -> int:
    """Run a command; return its exit code, also when it fails."""
    try:
        code = work()
        _flush()
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    except BrokenPipeError:
        return _pipe_closed()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - nothing may reach the shell as a traceback
        return report(error)
    return code


def report(error: BaseException) -> int:
    """Say on stderr what failed; return the exit code.

    The words of an error that is not ours are left out: they may quote a secret.
    """
    cause = _foremost(error)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error)
    sentence, code = _sentence(cause)
    if sentence:
        print(f"hotline: {printable(sentence)}", file=sys.stderr, flush=True)
    try:
        _flush()
    except OSError:
        _discard_output()
    return code


def _sentence(error: BaseException) -> tuple[str, int]:
    if isinstance(error, HotlineError):
        return error.sentence(), error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "", EXIT_INTERRUPTED
    usage = _usage_sentence(error)
    if usage:
        return usage, EXIT_USAGE
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused: {error.strerror}; {StorageError.default_hint}.", 4
    where = _place(error.__traceback__)
    return (
        f"an internal fault ({type(error).__name__} at {where}); report this with the command "
        f"that you ran, {DEBUG_VARIABLE}=1 prints the trace."
    ), EXIT_FAULT


def _usage_sentence(error: BaseException) -> str:
    """Return the sentence of one of typer's usage errors, "" for any other error."""
    if not isinstance(error, typer.BadParameter.__mro__[1]):
        return ""
    said = getattr(error, "format_message")()  # noqa: B009 - the base class is not exported
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "hotline"
    return f"{said.rstrip('.')}; see {command} --help."


def _foremost(error: BaseException) -> BaseException:
    """Return the one error of a group that says most: one of ours, if there is one."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_foremost(one) for one in error.exceptions]
    ours = [leaf for leaf in leaves if isinstance(leaf, HotlineError)]
    return (ours or leaves)[0]


def _place(trace: TracebackType | None) -> str:
    """Return file and line of the innermost frame of ours."""
    frames = traceback.extract_tb(trace)
    ours = [one for one in frames if "hotline" in Path(one.filename).parts] or list(frames)
    if not ours:
        return "an unknown place"
    parts = Path(ours[-1].filename).parts
    return f"{'/'.join(parts[-2:])}:{ours[-1].lineno}"


def _flush() -> None:
    # A shell may have closed it: then there is none.
    if sys.stdout is not None:
        sys.stdout.flush()


def _pipe_closed() -> int:
    """Leave quietly: whoever read our output has gone."""
    _discard_output()
    return EXIT_PIPE_CLOSED


def _discard_output() -> None:
    """Let what is still buffered go nowhere, or Python complains of it while it ends."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
