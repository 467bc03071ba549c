"""What a person has answered so far and what is not on the disk yet; gone when the app ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.desk.guided.views import LineAnswers, OfficerAnswers, PeerView, Words


@dataclass(slots=True)
class Answers:
    """Kept from page to page, so that going back finds it again.

    Attributes:
        protect: Whether the keys get passphrases.
        phrases: New passphrases by key file, until the station is made.
        more: One more officer is being named.
        looked_at: The station whose card is being compared.
        opens: This station opens the line; None: not answered yet.
        charter: What the charter says that is to be signed.
        written: The file of the step that was written in this run.
    """

    home: str = ""
    station: str = ""
    realm: str = ""
    dialled: bool | None = None
    route: str = ""
    listening: str = ""
    protect: bool = True
    phrases: dict[str, str] = field(default_factory=dict, repr=False)
    officer: OfficerAnswers | None = None
    more: bool = False
    looked_at: PeerView | None = None
    opens: bool | None = None
    line: LineAnswers | None = None
    charter: Words = ()
    written: dict[str, str] = field(default_factory=dict)
