"""Let campaigns warm up on a ramp, send a canary first, and test templates."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


UP = (
    """
    ALTER TABLE campaigns ADD COLUMN ramp jsonb,
        ADD COLUMN ramp_seconds double precision NOT NULL DEFAULT 0,
        ADD COLUMN canary jsonb, ADD COLUMN ab_test jsonb
    """,
    """
    CREATE INDEX campaigns_measuring
        ON campaigns (module_id, ((frozen->'ab_test'->>'event_type')))
        WHERE ab_test->>'state' IN ('testing', 'waiting')
    """,
    """
    CREATE TABLE campaign_events (
        campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
        notification_id uuid NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (campaign_id, notification_id)
    )
    """,
    "ALTER TABLE deliveries ADD COLUMN variant smallint",
)
DOWN = (
    "ALTER TABLE deliveries DROP COLUMN variant",
    "DROP TABLE campaign_events",
    "DROP INDEX campaigns_measuring",
    "ALTER TABLE campaigns DROP COLUMN ramp, DROP COLUMN ramp_seconds, DROP COLUMN canary,"
    " DROP COLUMN ab_test",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
