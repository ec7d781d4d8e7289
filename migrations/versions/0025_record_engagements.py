"""Record who opened, clicked, unsubscribed and complained, and which categories are tracked."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE engagements (
        delivery_id uuid NOT NULL,
        kind text NOT NULL,
        link int NOT NULL DEFAULT 0,
        url text NOT NULL DEFAULT '',
        machine boolean NOT NULL DEFAULT false,
        reason text NOT NULL DEFAULT '',
        notification_id uuid NOT NULL,
        campaign_id uuid,
        module_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        times int NOT NULL DEFAULT 1,
        PRIMARY KEY (delivery_id, kind, link, url, machine)
    ) PARTITION BY RANGE (delivery_id);
    CREATE TABLE engagements_default PARTITION OF engagements DEFAULT;
    CREATE INDEX engagements_campaign
        ON engagements (campaign_id, kind, machine, notification_id)
        WHERE campaign_id IS NOT NULL;
    ALTER TABLE categories
        ADD COLUMN track_opens boolean NOT NULL DEFAULT false,
        ADD COLUMN track_clicks boolean NOT NULL DEFAULT false
    """

DOWN = """
    ALTER TABLE categories DROP COLUMN track_opens, DROP COLUMN track_clicks;
    DROP TABLE engagements
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
