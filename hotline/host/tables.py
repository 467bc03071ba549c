"""Protocol tables and scenarios from config/: TOML in, checked values out."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hotline.core.drills.scenario import Scenario
from hotline.core.errors import OperatorError
from hotline.core.messages.statement import first_fault
from hotline.core.protocols.ladder import LadderTable
from hotline.host.config import as_json, decode_toml, read_config_file

ModelT = TypeVar("ModelT", bound=BaseModel)


def load_ladder(config_dir: Path, name: str = "deescalation") -> LadderTable:
    """Read a de-escalation ladder from protocols/.

    Raises:
        OperatorError: missing, not TOML, or a wrong value; the place is named.
    """
    return _load(config_dir / "protocols" / f"{name}.toml", LadderTable)


def load_scenario(config_dir: Path, named: str) -> Scenario:
    """Read a scenario: a shipped one by its id, or a file by its path.

    Raises:
        OperatorError: missing, not TOML, or a wrong value; the place is named.
    """
    path = Path(named)
    if path.suffix != ".toml":
        path = config_dir / "scenarios" / f"{named}.toml"
        if not path.is_file():
            raise OperatorError(
                f"there is no scenario of the name {named!r:.60}",
                hint=f"choose one of: {', '.join(scenario_names(config_dir))}",
            )
    return _load(path, Scenario)


def scenario_names(config_dir: Path) -> tuple[str, ...]:
    """Return the ids of the shipped scenarios."""
    return tuple(path.stem for path in sorted((config_dir / "scenarios").glob("*.toml")))


def _load(path: Path, model: type[ModelT]) -> ModelT:
    table = decode_toml(read_config_file(path), path)
    try:
        return model.model_validate_json(as_json(table, path))
    except ValidationError as error:
        place = "/".join(path.parts[-2:])
        raise OperatorError(f"{place}: {first_fault(error)}", hint="correct the file") from error
