"""Create campaigns, and let deliveries belong to one without a notification of their own."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WAITING = "('accepted', 'scheduled', 'held', 'sending')"

UP = f"""
    CREATE TABLE campaigns (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        state text NOT NULL DEFAULT 'draft',
        definition jsonb NOT NULL,
        created_by text NOT NULL,
        author_ids uuid[] NOT NULL DEFAULT '{{}}',
        run int NOT NULL DEFAULT 0,
        frozen jsonb,
        snapshot_id uuid REFERENCES audience_snapshots ON DELETE SET NULL,
        hash text,
        shards int NOT NULL DEFAULT 0,
        members bigint NOT NULL DEFAULT 0,
        per_second double precision,
        pace_left double precision NOT NULL DEFAULT 0,
        paced_at timestamptz,
        start_at timestamptz,
        end_at timestamptz,
        expires_at timestamptz,
        problem jsonb,
        recoveries int NOT NULL DEFAULT 0,
        resolver uuid,
        due_at timestamptz,
        beaten_at timestamptz,
        submitted_at timestamptz,
        approved_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    );
    CREATE INDEX campaigns_module ON campaigns (module_id, id DESC);
    CREATE INDEX campaigns_due ON campaigns (due_at) WHERE due_at IS NOT NULL;
    ALTER TABLE deliveries ADD COLUMN shard int, ADD COLUMN profile_id uuid,
        ADD COLUMN member jsonb;
    CREATE INDEX deliveries_campaign ON deliveries (campaign_id, id)
        WHERE campaign_id IS NOT NULL;
    CREATE INDEX deliveries_shard ON deliveries (campaign_id, shard, due_at)
        WHERE campaign_id IS NOT NULL AND state IN {WAITING};
    CREATE INDEX deliveries_profile ON deliveries (profile_id, id DESC)
        WHERE profile_id IS NOT NULL;
    CREATE INDEX deliveries_stranger ON deliveries (lower(address))
        WHERE campaign_id IS NOT NULL AND profile_id IS NULL;
    CREATE INDEX deliveries_erased ON deliveries (id)
        WHERE member @> '{{"erased": true}}'
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX deliveries_campaign")
    op.execute(
        "ALTER TABLE deliveries DROP COLUMN shard, DROP COLUMN profile_id, DROP COLUMN member"
    )
    op.execute("DROP TABLE campaigns")
