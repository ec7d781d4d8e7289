"""Keep by when campaigns are to be approved, what schedules made them, and standing approvals."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = (
    """
    ALTER TABLE campaigns ADD COLUMN asked_at timestamptz, ADD COLUMN approve_by timestamptz,
        ADD COLUMN reminded_at timestamptz, ADD COLUMN schedule_id uuid,
        ADD COLUMN scheduled_at timestamptz
    """,
    """
    CREATE UNIQUE INDEX campaigns_scheduled ON campaigns (schedule_id, scheduled_at)
        WHERE schedule_id IS NOT NULL
    """,
    "UPDATE campaigns SET asked_at = updated_at WHERE state = 'awaiting_approval'",
    "ALTER TABLE schedules ADD COLUMN author_ids uuid[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE approvals ADD COLUMN until timestamptz",
    "ALTER TABLE approvals DROP CONSTRAINT approvals_decision_check",
    """
    ALTER TABLE approvals ADD CONSTRAINT approvals_decision_check
        CHECK (decision IN ('approve', 'reject', 'revoke'))
    """,
    "DROP INDEX approvals_once",
    """
    CREATE UNIQUE INDEX approvals_once
        ON approvals (subject, hash, user_id, decision, on_behalf_of) NULLS NOT DISTINCT
        WHERE largest IS NULL AND decision <> 'revoke'
    """,
    "CREATE INDEX approvals_subject ON approvals (subject, id)",
    "ALTER TABLE posted_events ADD COLUMN type text NOT NULL DEFAULT ''",
)
DOWN = (
    "ALTER TABLE posted_events DROP COLUMN type",
    "DROP INDEX approvals_subject",
    "DROP INDEX approvals_once",
    "DROP TRIGGER approvals_stay ON approvals",
    # What the former schema cannot say would let through what nobody approved.
    "DELETE FROM approvals WHERE largest IS NOT NULL OR decision = 'revoke'",
    """
    CREATE TRIGGER approvals_stay BEFORE UPDATE OR DELETE ON approvals
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE UNIQUE INDEX approvals_once
        ON approvals (subject, hash, user_id, decision, on_behalf_of) NULLS NOT DISTINCT
    """,
    "ALTER TABLE approvals DROP CONSTRAINT approvals_decision_check",
    """
    ALTER TABLE approvals ADD CONSTRAINT approvals_decision_check
        CHECK (decision IN ('approve', 'reject'))
    """,
    "ALTER TABLE approvals DROP COLUMN until",
    "ALTER TABLE schedules DROP COLUMN author_ids",
    "DROP INDEX campaigns_scheduled",
    "UPDATE campaigns SET state = 'rejected' WHERE state = 'expired'",
    """
    ALTER TABLE campaigns DROP COLUMN asked_at, DROP COLUMN approve_by, DROP COLUMN reminded_at,
        DROP COLUMN schedule_id, DROP COLUMN scheduled_at
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
