"""Keep who approved or rejected what, for good, and who decides for whom meanwhile."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE approvals (
        id uuid PRIMARY KEY,
        subject text NOT NULL,
        hash text NOT NULL,
        user_id uuid NOT NULL,
        on_behalf_of uuid,
        decision text NOT NULL CHECK (decision IN ('approve', 'reject')),
        largest bigint,
        reason text NOT NULL DEFAULT '',
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE UNIQUE INDEX approvals_once
        ON approvals (subject, hash, user_id, decision, on_behalf_of) NULLS NOT DISTINCT
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME;
    END $$
    """,
    """
    CREATE TRIGGER approvals_stay BEFORE UPDATE OR DELETE ON approvals
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TABLE delegations (
        user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
        deputy_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        from_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX delegations_deputy ON delegations (deputy_id)",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE delegations, approvals")
    op.execute("DROP FUNCTION refuse_change")
