"""Keep schedules with what became of each of their times, triggers, and events that came."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE schedules (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        action text NOT NULL,
        definition jsonb NOT NULL,
        scopes text[] NOT NULL,
        anchor_at timestamptz NOT NULL,
        settled_at timestamptz NOT NULL,
        next_at timestamptz,
        paused_at timestamptz,
        note text NOT NULL DEFAULT '',
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version int NOT NULL DEFAULT 1,
        synced_version int NOT NULL DEFAULT 0,
        synced_until timestamptz,
        deleted_at timestamptz
    );
    CREATE UNIQUE INDEX schedules_name ON schedules (module_id, name) WHERE deleted_at IS NULL;
    CREATE INDEX schedules_due ON schedules (next_at)
        WHERE paused_at IS NULL AND deleted_at IS NULL;

    CREATE TABLE schedule_runs (
        schedule_id uuid NOT NULL REFERENCES schedules ON DELETE CASCADE,
        at timestamptz NOT NULL,
        cause text NOT NULL,
        state text NOT NULL,
        reason text NOT NULL DEFAULT '',
        subject uuid,
        open boolean NOT NULL,
        fired_at timestamptz NOT NULL,
        PRIMARY KEY (schedule_id, at)
    );
    CREATE INDEX schedule_runs_open ON schedule_runs (schedule_id, at) WHERE open;
    CREATE INDEX schedule_runs_fired ON schedule_runs (fired_at);

    CREATE TABLE schedule_gaps (
        schedule_id uuid NOT NULL REFERENCES schedules ON DELETE CASCADE,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        times int NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (schedule_id, first_at)
    );

    CREATE TABLE triggers (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        event_type text NOT NULL,
        cancel_type text,
        definition jsonb NOT NULL,
        scopes text[] NOT NULL,
        enabled boolean NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, name)
    );
    CREATE INDEX triggers_event ON triggers (module_id, event_type);
    CREATE INDEX triggers_cancel ON triggers (module_id, cancel_type)
        WHERE cancel_type IS NOT NULL;

    CREATE TABLE posted_events (
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        source text NOT NULL,
        id text NOT NULL,
        answer jsonb,
        posted_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (module_id, source, id)
    );
    CREATE INDEX posted_events_at ON posted_events (posted_at);

    CREATE TABLE event_counts (
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        event_type text NOT NULL,
        events bigint NOT NULL,
        started bigint NOT NULL,
        cancelled bigint NOT NULL,
        last_at timestamptz NOT NULL,
        PRIMARY KEY (module_id, event_type)
    );

    CREATE TABLE awaited_cancels (
        trigger_id uuid NOT NULL REFERENCES triggers ON DELETE CASCADE,
        correlation text NOT NULL,
        notification_id uuid NOT NULL,
        until timestamptz NOT NULL,
        PRIMARY KEY (trigger_id, correlation, notification_id)
    );
    CREATE INDEX awaited_cancels_until ON awaited_cancels (until)
    """

DOWN = """
    DROP TABLE awaited_cancels;
    DROP TABLE event_counts;
    DROP TABLE posted_events;
    DROP TABLE triggers;
    DROP TABLE schedule_gaps;
    DROP TABLE schedule_runs;
    DROP TABLE schedules
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
