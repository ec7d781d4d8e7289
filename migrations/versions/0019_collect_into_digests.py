"""Collect deliveries into digests, each sent as one message."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE digests (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL,
        identity text NOT NULL,
        source text NOT NULL,
        key text NOT NULL,
        opened_by uuid NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL,
        closed_at timestamptz,
        workflow_id text NOT NULL
    );
    CREATE UNIQUE INDEX digests_open ON digests (identity) WHERE closed_at IS NULL;
    CREATE INDEX digests_workflow ON digests (workflow_id);

    ALTER TABLE notifications
        ADD COLUMN digest jsonb,
        ADD COLUMN uncollected text[] NOT NULL DEFAULT '{}',
        ADD COLUMN expiry_asked boolean NOT NULL DEFAULT true;
    ALTER TABLE deliveries
        ADD COLUMN digest_id uuid,
        ADD COLUMN carried_by uuid;
    CREATE INDEX deliveries_digest ON deliveries (digest_id) WHERE digest_id IS NOT NULL;
    CREATE INDEX deliveries_carried ON deliveries (carried_by) WHERE carried_by IS NOT NULL;
    ALTER TABLE attempts ADD COLUMN carried_by uuid;
    CREATE INDEX attempts_carried ON attempts (carried_by) WHERE carried_by IS NOT NULL;
    ALTER TABLE templates ADD COLUMN digest jsonb
    """

DOWN = """
    ALTER TABLE templates DROP COLUMN digest;
    DROP INDEX attempts_carried;
    ALTER TABLE attempts DROP COLUMN carried_by;
    DROP INDEX deliveries_carried;
    DROP INDEX deliveries_digest;
    ALTER TABLE deliveries DROP COLUMN digest_id, DROP COLUMN carried_by;
    ALTER TABLE notifications
        DROP COLUMN digest, DROP COLUMN uncollected, DROP COLUMN expiry_asked;
    DROP TABLE digests
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
