"""The revisions of the SQL database: one independent line per area, so that each area's tables change without the others knowing.

A revision is a file `versions/<area>_<number>_<words>.py`; the first of an area has `down_revision = None` and
`branch_labels = ("<area>",)`. It says what it makes by `op.…`, not by the tables' modules: those go on changing, a revision does not.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from incidents.errors import UserError

FOLDER = Path(__file__).parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


def at_head(connection: Connection) -> bool:
    """Whether every area's newest revision has been run."""
    return frozenset(MigrationContext.configure(connection).get_current_heads()) == _heads()


def run_revisions(connection: Connection) -> None:
    """Run what has not been run, inside the connection's transaction. Raises UserError when a newer program has been here."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "heads")
    except CommandError as error:
        raise UserError(f"the database is another version's ({error}); start that version, or give this one a new database") from None
