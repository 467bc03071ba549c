"""The bar of a long job: only on a terminal, only when it takes its time."""

from __future__ import annotations

import io

import pytest

from hotline.cli.progress import ProgressBar


class Screen(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr("hotline.cli.progress.monotonic_s", lambda: clock[0])
    return clock


def test_bar_shows_itself_after_a_second_and_goes(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with ProgressBar("verifying") as bar:
        bar.show(1, 4)
        assert screen.getvalue() == ""
        now[0] += 1.5
        bar.show(2, 4)
        drawn = screen.getvalue()
        assert drawn.endswith("verifying [###############...............]  50%, 2 of 4 entries")
        bar.show(3, 4)
        assert screen.getvalue() == drawn
        now[0] += 0.2
        bar.show(4, 4)
        assert "100%" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[2K")


def test_bar_of_nothing_is_whole(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with ProgressBar("verifying") as bar:
        now[0] += 2
        bar.show(0, 0)
    assert "100%, 0 of 0 entries" in screen.getvalue()


def test_bar_draws_nothing_where_nobody_looks(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressBar("verifying") as bar:
        now[0] += 5
        bar.show(1, 2)
    assert capsys.readouterr().err == ""
