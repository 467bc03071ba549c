"""The replay: moved by keys, read-only, the same screens."""

from __future__ import annotations

from tests.fakes.desk_scenes import crowded_desk
from tests.tui.rig import NARROW, replay, settled, text_of, until, until_text


async def test_keys_move_through_the_record() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        places = []
        for key in ("home", "right", "right", "left", "pagedown", "pageup", "end"):
            await pilot.press(key)
            places.append(app.record.position)
        assert places == [0, 1, 2, 1, 5, 0, 5]


async def test_before_the_first_event_it_says_what_to_do() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("home")
        await until_text(pilot, "Before the first event. Right steps on, Space plays.")
        await until_text(pilot, "event 0 of 5 PAUSED")


async def test_space_plays_to_the_end_and_stops() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("home", "right", "right", "right", "space")
        await until_text(pilot, "PLAYING")
        assert "Space:Pause" in text_of(app)
        await until(pilot, lambda: app.record.position == 5, "the end")
        await until_text(pilot, "event 5 of 5 PAUSED")


async def test_a_step_by_hand_pauses() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("home", "space", "right")
        await until_text(pilot, "PAUSED")
        assert not app.playing


async def test_row_0_says_replay_and_no_key_that_acts_is_offered() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        for keys in ((), ("f4",), ("f2", "enter"), ("f1",)):
            await pilot.press(*keys)
            await settled(pilot)
            rows = text_of(app).splitlines()
            assert " REPLAY " in rows[0]
            assert "REPLAY read-only" in rows[-2]
            for word in ("F3", "F8", "^P", "^G"):
                assert word not in rows[-1]
                assert not [row for row in rows if f"{word} " in row]


async def test_keys_that_act_do_nothing() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        before = text_of(app)
        await pilot.press("f3", "f8", "ctrl+p", "ctrl+g")
        await settled(pilot)
        assert text_of(app) == before


async def test_stepping_back_on_an_incident_that_was_not_open_yet_says_so() -> None:
    desk = crowded_desk()
    app = replay(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f4")
        await settled(pilot)
        desk.incidents = ()
        await pilot.press("left")
        await until_text(pilot, "Not opened yet.")


async def test_leaving_says_that_the_record_is_not_changed() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+x")
        await until_text(pilot, "Leave the replay? The record is not changed.")
        await pilot.press("tab", "enter")
    assert app.return_value == 0
