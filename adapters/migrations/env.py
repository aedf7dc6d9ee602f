"""What Alembic runs around revisions: they are run on the connection, and in the transaction, that `run_revisions` was given."""

from alembic import context

from adapters.database import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)  # for how indices are named
context.run_migrations()
