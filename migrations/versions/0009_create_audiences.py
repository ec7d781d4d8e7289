"""Create audiences and their snapshots."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE audiences (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        kind text NOT NULL,
        definition bytea NOT NULL,
        uses uuid[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, name)
    );
    CREATE INDEX audiences_module ON audiences (module_id, id DESC);
    CREATE INDEX audiences_uses ON audiences USING gin (uses);
    CREATE TABLE audience_snapshots (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        audience_id uuid REFERENCES audiences ON DELETE SET NULL,
        audience_version int NOT NULL,
        members bigint NOT NULL DEFAULT 0,
        hash text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX audience_snapshots_audience ON audience_snapshots (audience_id, id DESC);
    CREATE TABLE audience_members (
        snapshot_id uuid NOT NULL REFERENCES audience_snapshots ON DELETE CASCADE,
        key uuid NOT NULL,
        profile_id uuid REFERENCES profiles ON DELETE CASCADE,
        member jsonb,
        PRIMARY KEY (snapshot_id, key)
    );
    CREATE INDEX audience_members_profile ON audience_members (profile_id)
        WHERE profile_id IS NOT NULL
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audience_members, audience_snapshots, audiences")
