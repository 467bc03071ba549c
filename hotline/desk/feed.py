"""The reading side of a desk, live or in replay: views of whatever the presenter presents."""

from __future__ import annotations

from hotline.desk.link_views import PeerLinkView
from hotline.desk.presenter import Presenter
from hotline.desk.views import AlarmView, IncidentView, MessageView, TimelineRow, WatchView


class PresentedFeed:
    """Gives a presenter's views; who inherits adds how changes are told."""

    def __init__(self, presenter: Presenter) -> None:
        """Read from `presenter`."""
        self.presenter = presenter

    def watch(self) -> WatchView:
        """Return the watch screen's view as of now."""
        return self.presenter.watch()

    def timeline(self, start: int, stop: int) -> tuple[TimelineRow, ...]:
        """Return rows start..stop-1 of the timeline, oldest first; fewer at the ends."""
        return self.presenter.timeline(start, stop)

    def incident(self, name: str) -> IncidentView | None:
        """Return one incident, or None when there is none of that name."""
        return self.presenter.incident(name)

    def message(self, digest: str) -> MessageView | None:
        """Return one statement, or None when the ledger holds none of that digest."""
        return self.presenter.message(digest)

    def alarms(self) -> tuple[AlarmView, ...]:
        """Return what stands until somebody acts."""
        return self.presenter.alarms()

    def links(self) -> tuple[PeerLinkView, ...]:
        """Return what the link screen shows."""
        return self.presenter.links()
