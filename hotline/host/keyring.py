"""The keyring of a login (Secret Service, KWallet, Keychain, ...): it may keep passphrases.

It is asked in a thread that nobody waits for longer than MAX_WAIT_S: where no desktop answers,
its backends can wait for ever. Nothing of what they say reaches our messages.
Spec: docs/enrolment.md §1.6 to §1.8
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hotline.core.errors import HotlineError, OperatorError
from hotline.core.values import Realm
from hotline.host.keyfile import whose_key_file

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "hotline"
MAX_WAIT_S = 30.0
NEVER_KEPT = frozenset(("root.key", "successor.key"))
"""Of LIVE stations: whoever gets at the login would have the station itself."""
ROOT_SEEDS = ("root/", "next/")
"""How the names of seeds of a root and of its successor begin."""

SEALING = frozenset(
    (
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    )
)
"""Backends that seal what they keep under the login; any other keeps nothing of a LIVE station."""

Outcome = TypeVar("Outcome")


class HomeKeyring:
    """The passphrases of one home's key files in the keyring."""

    def __init__(self, home: Path) -> None:
        """Name the entries after realm, station and place of the home.

        Raises:
            OperatorError: it holds no console.key.
            StorageError: the disk refused.
        """
        self._station, self._realm = whose_key_file(home / "keys" / "console.key")
        self._home = home.resolve()

    def find(self, name: str) -> str | None:
        """Return the passphrase that is kept for the key file `name`; None when there is none.

        Raises:
            OperatorError: there is no keyring, it may not be used, refused or did not answer.
        Spec: docs/enrolment.md §1.6, §1.7
        """
        if self._is_never_kept(name):
            return None
        return _bounded(lambda: self._backend().get_password(SERVICE, self._entry(name)))

    def store(self, name: str, passphrase: str, seeds: Iterable[str] = ()) -> None:
        """Keep a passphrase, and see that it is kept.

        Args:
            seeds: Names of what the key file holds: a root is one under any name.
        Raises:
            OperatorError: it must not be kept; or as `find`.
        Spec: docs/enrolment.md §1.7, §1.8
        """
        rooted = self._realm is Realm.LIVE and any(one.startswith(ROOT_SEEDS) for one in seeds)
        if rooted or self._is_never_kept(name):
            raise OperatorError(
                f"the passphrase of a LIVE station's {name} is not kept in a keyring",
                hint="type it when it is asked for",
            )
        entry = self._entry(name)

        def keep() -> bool:
            backend = self._backend()
            backend.set_password(SERVICE, entry, passphrase)
            return backend.get_password(SERVICE, entry) == passphrase

        if not _bounded(keep):
            raise OperatorError(
                "the keyring did not keep the passphrase", hint="choose another keyring backend"
            )

    def forget(self, name: str) -> bool:
        """Take a passphrase out; False when none was kept.

        Raises:
            OperatorError: as `find`.
        """
        entry = self._entry(name)

        def drop() -> bool:
            backend = _backend()
            if backend.get_password(SERVICE, entry) is None:
                return False
            backend.delete_password(SERVICE, entry)
            return True

        return _bounded(drop)

    def _entry(self, name: str) -> str:
        return f"{self._realm} {self._station} {self._home} {name}"

    def _is_never_kept(self, name: str) -> bool:
        return self._realm is Realm.LIVE and name in NEVER_KEPT

    def _backend(self) -> KeyringBackend:
        backend = _backend()
        if self._realm is Realm.LIVE and not _seals(backend):
            raise OperatorError(
                f"the keyring backend {_name_of(backend)} is not known to seal what it keeps, "
                "as a LIVE station needs",
                hint="use the keyring of the desktop or the system, or leave --keyring out",
            )
        return backend


def _backend() -> KeyringBackend:
    try:
        import keyring  # noqa: PLC0415 - an extra, and it may hang while it is loaded
        from keyring.backends.fail import Keyring as NoKeyring  # noqa: PLC0415 - the same
    except ImportError:
        raise OperatorError(
            "the keyring library is not installed",
            hint="pip install 'hotline[keyring]', or leave --keyring out",
        ) from None
    backend = keyring.get_keyring()
    if isinstance(backend, NoKeyring):
        raise OperatorError(
            "this login has no keyring that can be used",
            hint="leave --keyring out; passphrases can come by --passphrase-fd",
        )
    return backend


def _seals(backend: KeyringBackend) -> bool:
    """Return whether everything that `backend` keeps is sealed; of a chain, by each link."""
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415 - as in _backend

    if type(backend) is ChainerBackend:
        chained = list(backend.backends)
        return bool(chained) and all(_seals(one) for one in chained)
    module = type(backend).__module__
    return any(module == one or module.startswith(f"{one}.") for one in SEALING)


def _name_of(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _bounded(work: Callable[[], Outcome]) -> Outcome:
    """Return what `work` returns, within MAX_WAIT_S.

    Raises:
        OperatorError: it took longer, or the backend failed; its own words stay unsaid.
    """
    done: list[Outcome] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - backends raise whatever they like
            failed.append(error)

    # A thread that is not waited for when the program ends: it may hang in a system call.
    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(MAX_WAIT_S)
    if done:
        return done[0]
    if not failed:
        raise OperatorError(
            f"the keyring did not answer within {MAX_WAIT_S:.0f} seconds",
            hint="unlock it in the login's session, or leave --keyring out",
        )
    if isinstance(failed[0], HotlineError):
        raise failed[0]
    raise OperatorError(
        f"the keyring refused ({type(failed[0]).__name__})",
        hint="unlock it in the login's session, or leave --keyring out",
    ) from None
