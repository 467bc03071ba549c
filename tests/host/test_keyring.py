"""The keyring of a login, through the library itself: what is kept, refused, waited for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest

from hotline.core.errors import OperatorError
from hotline.core.values import Realm
from hotline.host import keyfile
from hotline.host import keyring as ours
from hotline.host.entropy import system_entropy
from hotline.host.keyring import HomeKeyring
from tests.fakes.keyrings import WORDS, Memory, Refusing, Sealed, Waiting

SECRET = "seven grey herons"


@pytest.fixture(autouse=True)
def own_keyring() -> Iterator[None]:
    """Leave the library as it was found."""
    before = keyring.core._keyring_backend
    yield
    keyring.core._keyring_backend = before


def home_of(tmp_path: Path, realm: Realm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a console.key whose header says `realm`; its key is derived cheaply."""
    monkeypatch.setattr(keyfile, "_derive", lambda _header, _passphrase: bytes(64))
    (tmp_path / "keys").mkdir()
    held = keyfile.KeyFile("NORTH", realm, {"seed": bytes(32)})
    path = tmp_path / "keys" / "console.key"
    keyfile.write_key_file(path, held, SECRET, entropy=system_entropy)
    return tmp_path


@pytest.fixture
def exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeKeyring:
    return HomeKeyring(home_of(tmp_path, Realm.EXERCISE, monkeypatch))


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeKeyring:
    return HomeKeyring(home_of(tmp_path, Realm.LIVE, monkeypatch))


def refused(work: object) -> str:
    assert callable(work)
    with pytest.raises(OperatorError) as caught:
        work()
    sentence = caught.value.sentence()
    assert SECRET not in sentence
    assert WORDS not in sentence
    return sentence


def test_passphrase_is_kept_by_realm_station_home_and_file(
    exercise: HomeKeyring, tmp_path: Path
) -> None:
    backend = Memory()
    keyring.set_keyring(backend)
    assert exercise.find("console.key") is None
    exercise.store("console.key", SECRET)
    entry = f"EXERCISE NORTH {tmp_path.resolve()} console.key"
    assert backend.kept == {("hotline", entry): SECRET}
    assert exercise.find("console.key") == SECRET
    assert exercise.find("officer-ramos.key") is None
    assert exercise.forget("console.key")
    assert not exercise.forget("console.key")
    assert backend.kept == {}


def test_live_station_takes_a_backend_that_seals_only(live: HomeKeyring) -> None:
    keyring.set_keyring(Sealed())
    live.store("console.key", SECRET)
    assert live.find("console.key") == SECRET
    for backend in (Memory(), keyring.backends.null.Keyring()):
        keyring.set_keyring(backend)
        for work in (
            lambda: live.find("console.key"),
            lambda: live.store("console.key", SECRET),
        ):
            assert "not known to seal what it keeps" in refused(work)


@pytest.mark.parametrize(
    ("links", "taken"),
    [((), False), ((Sealed,), True), ((Sealed, Memory), False), ((Memory, Sealed), False)],
    ids=["nothing", "sealed", "and the clear", "the clear first"],
)
def test_chain_is_as_good_as_its_worst_link(
    live: HomeKeyring,
    monkeypatch: pytest.MonkeyPatch,
    links: tuple[type[Memory], ...],
    taken: bool,
) -> None:
    chained = [link() for link in links]
    monkeypatch.setattr(keyring.backend, "get_all_keyring", lambda: chained)
    keyring.set_keyring(keyring.backends.chainer.ChainerBackend())
    if taken:
        live.store("console.key", SECRET)
        assert live.find("console.key") == SECRET
    else:
        assert "not known to seal" in refused(lambda: live.store("console.key", SECRET))
        assert not any(one.kept for one in chained)


def test_root_and_successor_of_a_live_station_are_never_kept_nor_looked_for(
    live: HomeKeyring,
) -> None:
    backend = Sealed()
    keyring.set_keyring(backend)
    for name in ("root.key", "successor.key"):
        assert "is not kept in a keyring" in refused(lambda name=name: live.store(name, SECRET))
        backend.kept["hotline", live._entry(name)] = SECRET
        assert live.find(name) is None


def test_root_of_a_live_station_is_not_kept_under_another_name(live: HomeKeyring) -> None:
    backend = Sealed()
    keyring.set_keyring(backend)
    for seed in ("root/ed25519", "next/ed25519"):
        why = refused(lambda seed=seed: live.store("old.key", SECRET, [seed]))
        assert "is not kept in a keyring" in why
    assert not backend.kept
    live.store("old.key", SECRET, ["officer/ed25519"])


def test_exercise_root_may_be_kept(exercise: HomeKeyring) -> None:
    keyring.set_keyring(Memory())
    exercise.store("root.key", SECRET, ["root/ed25519"])
    assert exercise.find("root.key") == SECRET


def test_backend_that_keeps_nothing_is_found_out(exercise: HomeKeyring) -> None:
    keyring.set_keyring(keyring.backends.null.Keyring())
    said = refused(lambda: exercise.store("console.key", SECRET))
    assert "did not keep the passphrase" in said


def test_login_without_a_keyring_and_missing_library_are_one_sentence(
    exercise: HomeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert "no keyring that can be used" in refused(lambda: exercise.find("console.key"))
    monkeypatch.setitem(sys.modules, "keyring", None)
    said = refused(lambda: exercise.find("console.key"))
    assert "not installed" in said
    assert "hotline[keyring]" in said


def test_words_of_a_backend_are_not_said(exercise: HomeKeyring) -> None:
    keyring.set_keyring(Refusing())
    for work in (
        lambda: exercise.find("console.key"),
        lambda: exercise.store("console.key", SECRET),
        lambda: exercise.forget("console.key"),
    ):
        assert "the keyring refused (KeyringLocked)" in refused(work)


def test_keyring_that_does_not_answer_holds_nobody_up(
    exercise: HomeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "MAX_WAIT_S", 0.02)
    backend = Waiting()
    keyring.set_keyring(backend)
    assert "did not answer within" in refused(lambda: exercise.find("console.key"))
    left = [one for one in threading.enumerate() if one.name == "keyring"]
    assert left
    assert all(one.daemon for one in left)
    backend.go_on.set()
    for one in left:
        one.join(20)
        assert not one.is_alive()


def test_home_without_a_console_key_is_one_sentence(tmp_path: Path) -> None:
    assert "console.key cannot be read" in refused(lambda: HomeKeyring(tmp_path))
