"""Let notifications escalate step by step, be acknowledged, and ask who is on duty."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE rotas (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        every text NOT NULL,
        start date NOT NULL,
        handover time NOT NULL,
        timezone text NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, name)
    );
    CREATE TABLE rota_members (
        rota_id uuid NOT NULL REFERENCES rotas ON DELETE CASCADE,
        place int NOT NULL,
        profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
        PRIMARY KEY (rota_id, place)
    );
    CREATE INDEX rota_members_profile ON rota_members (profile_id);
    CREATE TABLE rota_overrides (
        rota_id uuid NOT NULL REFERENCES rotas ON DELETE CASCADE,
        profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
        start_at timestamptz NOT NULL,
        end_at timestamptz NOT NULL CHECK (end_at > start_at)
    );
    CREATE INDEX rota_overrides_rota ON rota_overrides (rota_id);
    CREATE INDEX rota_overrides_profile ON rota_overrides (profile_id);

    ALTER TABLE notifications
        ADD COLUMN escalation jsonb,
        ADD COLUMN step smallint,
        ADD COLUMN step_due_at timestamptz,
        ADD COLUMN stopped_at timestamptz,
        ADD COLUMN stop_reason text,
        ADD COLUMN acknowledged_at timestamptz,
        ADD COLUMN acknowledged_by text;
    ALTER TABLE deliveries ADD COLUMN step smallint;
    ALTER TABLE template_versions ADD COLUMN escalation jsonb
    """

DOWN = """
    ALTER TABLE template_versions DROP COLUMN escalation;
    ALTER TABLE deliveries DROP COLUMN step;
    ALTER TABLE notifications
        DROP COLUMN escalation, DROP COLUMN step, DROP COLUMN step_due_at,
        DROP COLUMN stopped_at, DROP COLUMN stop_reason,
        DROP COLUMN acknowledged_at, DROP COLUMN acknowledged_by;
    DROP TABLE rota_overrides;
    DROP TABLE rota_members;
    DROP TABLE rotas
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
