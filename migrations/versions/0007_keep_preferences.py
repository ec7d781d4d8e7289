"""Keep what recipients chose, and which rules decided about each delivery."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE preferences (
        profile_id uuid PRIMARY KEY REFERENCES profiles ON DELETE CASCADE,
        document jsonb NOT NULL,
        unsubscribed text[] NOT NULL DEFAULT '{}',
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        version int NOT NULL DEFAULT 1
    );
    ALTER TABLE notifications ADD COLUMN ordered boolean NOT NULL DEFAULT true;
    ALTER TABLE deliveries ADD COLUMN decision jsonb
    """

DOWN = """
    ALTER TABLE deliveries DROP COLUMN decision;
    ALTER TABLE notifications DROP COLUMN ordered;
    DROP TABLE preferences
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
