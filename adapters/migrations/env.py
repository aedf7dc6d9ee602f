"""What Alembic runs around revisions: they are run on the connection, and in the transaction, that `run_revisions` was given."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
