"""Keyring backends of the tests, registered through the library's own interface."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import keyring.backend
import keyring.errors

FILE_VARIABLE = "HOTLINE_TEST_KEYRING"
WORDS = "words of a backend, which may hold anything"


class Memory(keyring.backend.KeyringBackend):
    """Keeps what it is given in a dict."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Sealed(Memory):
    """One that stands where Secret Service stands in the library."""

    __module__ = "keyring.backends.SecretService"


class Refusing(Memory):
    """Locked: every call raises, with words that nobody should print."""

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked(WORDS)


class Waiting(Memory):
    """Waits for a prompt on a screen that nobody sees."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.go_on.wait(60)
        return None


class InFile(keyring.backend.KeyringBackend):
    """A file in the clear, named by FILE_VARIABLE: for programs that are run."""

    priority = 1

    @property
    def _path(self) -> Path:
        return Path(os.environ[FILE_VARIABLE])

    def _all(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path.write_text(json.dumps(self._all() | {f"{service} {username}": password}))
