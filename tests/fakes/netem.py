"""A bad network between two network namespaces: loss, delay, duplicates, disorder, a partition.

A station's process makes a namespace of its own with one TUN device in it and hands
the device to whoever shapes the network (`enter`); `Netem` carries packets between two
of them. The kernel's netem shapes them where there is one, on each device; where there
is none, `Netem` does the same to each packet, in both directions and from a seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "hl0"
PREFIX_BITS = 24
MAX_PACKET_BYTES = 65_536
AS_ROOT = () if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user")
"""In front of a program that makes network namespaces."""


@dataclass(frozen=True)
class Shape:
    """What happens to packets, one way: parts of 1, and milliseconds.

    Attributes:
        disorder: Part of the packets that overtake what was sent before them.
        jitter_ms: A packet is late by up to so much more than `delay_ms`.
    """

    loss: float = 0.0
    duplicates: float = 0.0
    disorder: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The same for the kernel's netem."""
        middle_ms, around_ms = self.delay_ms + self.jitter_ms / 2, self.jitter_ms / 2
        return (
            *("delay", f"{middle_ms}ms", f"{around_ms}ms"),
            *("loss", f"{self.loss:.1%}", "duplicate", f"{self.duplicates:.1%}"),
            *("reorder", f"{self.disorder:.1%}"),
        )


@dataclass(frozen=True)
class Network:
    """A station's place in it, as it is told when it is born."""

    address: str
    shape: Shape


def why_not() -> str:
    """Return why there can be no such network here; "" when there can."""
    if shutil.which("ip") is None:
        return "there is no ip command here"
    script = "from tests.fakes import netem; netem.open_tun()"
    try:
        tried = subprocess.run(
            [*AS_ROOT, sys.executable, "-c", script], capture_output=True, text=True, timeout=60
        )
    except OSError as error:
        return f"unshare: {error.strerror}"
    said = tried.stderr.strip().splitlines()
    return said[-1] if tried.returncode else ""


# --- in the station's process ---------------------------------------------------------------


def open_tun() -> int:
    """Move this process into a network namespace of its own; return its one device.

    Raises:
        OSError: this system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a network namespace is not allowed here")
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return device


def enter(network: Network, wire: socket.socket) -> None:
    """Be on the bad network from here on; hand the device to whoever is at the other end of `wire`.

    One byte goes with it: "k" when the kernel shapes what leaves, "u" when somebody else has to.
    """
    device = open_tun()
    _run("ip", "address", "add", f"{network.address}/{PREFIX_BITS}", "dev", DEVICE)
    _run("ip", "link", "set", DEVICE, "up")
    _run("ip", "link", "set", "lo", "up")
    netem = ("tc", "qdisc", "add", "dev", DEVICE, "root", "netem", *network.shape.words)
    has_netem = shutil.which("tc") and not subprocess.run(netem, capture_output=True).returncode
    socket.send_fds(wire, [b"k" if has_netem else b"u"], [device])
    os.close(device)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


# --- between the two ------------------------------------------------------------------------


@dataclass
class Netem:
    """Carries packets between stations, by the shape where the kernel does not.

    Attributes:
        befell: How many packets came, were lost, doubled or overtook others.
    """

    shape: Shape
    seed: int = 0
    befell: Counter[str] = field(default_factory=Counter)
    parted: bool = False
    shaped_by: set[str] = field(default_factory=set)
    _devices: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def take(self, name: str, wire: socket.socket) -> None:
        """Take the device of a station that was just born; it gave up the one before."""
        said, devices, _, _ = socket.recv_fds(wire, 1, 1)
        self._forget(name)
        if not devices:
            return
        shapes = said == b"u"
        self.shaped_by.add("this program" if shapes else "the kernel")
        self._devices[name] = devices[0]
        os.set_blocking(devices[0], False)
        asyncio.get_running_loop().add_reader(devices[0], self._read, name, shapes)

    def _forget(self, name: str) -> None:
        device = self._devices.pop(name, None)
        if device is not None:
            asyncio.get_running_loop().remove_reader(device)
            os.close(device)

    def close(self) -> None:
        for name in tuple(self._devices):
            self._forget(name)

    def _read(self, name: str, shapes: bool) -> None:
        try:
            packet = os.read(self._devices[name], MAX_PACKET_BYTES)
        except BlockingIOError:
            return
        except OSError:
            # Its namespace is gone with the station.
            self._forget(name)
            return
        self.befell["packets"] += 1
        if self.parted:
            self.befell["parted"] += 1
        elif shapes:
            self._shape(name, packet)
        else:
            self._pass(name, packet)

    def _shape(self, name: str, packet: bytes) -> None:
        shape, chance = self.shape, self._chance
        if chance.random() < shape.loss:
            self.befell["lost"] += 1
            return
        copies = 1
        if chance.random() < shape.duplicates:
            self.befell["doubled"] += 1
            copies = 2
        delay_ms = shape.delay_ms + chance.uniform(0, shape.jitter_ms)
        if chance.random() < shape.disorder:
            self.befell["overtook"] += 1
            delay_ms = 0.0
        for _ in range(copies):
            asyncio.get_running_loop().call_later(delay_ms / 1000, self._pass, name, packet)

    def _pass(self, name: str, packet: bytes) -> None:
        for other, device in self._devices.items():
            if other != name and not self.parted:
                # A device that is full, or gone, loses it, as devices do.
                with contextlib.suppress(OSError):
                    os.write(device, packet)


def encode_network(network: Network) -> dict[str, object]:
    return asdict(network)


def decode_network(told: dict[str, dict[str, float]]) -> Network:
    return Network(str(told["address"]), Shape(**told["shape"]))
