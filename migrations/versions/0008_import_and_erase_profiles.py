"""Import profiles from files, and remember which notifications were of erased ones."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE imports (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        actor text NOT NULL,
        format text NOT NULL,
        delimiter text,
        columns text[],
        state text NOT NULL DEFAULT 'uploading',
        detail text NOT NULL DEFAULT '',
        bytes bigint NOT NULL DEFAULT 0,
        rows bigint NOT NULL DEFAULT 0,
        chunks int NOT NULL DEFAULT 0,
        created bigint NOT NULL DEFAULT 0,
        updated bigint NOT NULL DEFAULT 0,
        unchanged bigint NOT NULL DEFAULT 0,
        rejected bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        started_at timestamptz,
        finished_at timestamptz
    );
    CREATE INDEX imports_module ON imports (module_id, id DESC);
    CREATE INDEX imports_unfinished ON imports (id) WHERE finished_at IS NULL;
    CREATE TABLE import_chunks (
        import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
        number int NOT NULL,
        lines bigint[] NOT NULL,
        rows bytea[] NOT NULL,
        PRIMARY KEY (import_id, number)
    );
    CREATE TABLE import_rejections (
        import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
        line bigint NOT NULL,
        errors jsonb NOT NULL,
        row bytea NOT NULL,
        PRIMARY KEY (import_id, line)
    );

    CREATE TABLE erasures (
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        subject bytea NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (module_id, subject)
    );
    CREATE INDEX profiles_phone ON profiles (module_id, phone) WHERE phone IS NOT NULL;

    ALTER TABLE notifications ADD COLUMN erased_at timestamptz;
    CREATE INDEX notifications_erased ON notifications (erased_at) WHERE erased_at IS NOT NULL;
    CREATE INDEX webhook_calls_reports ON webhook_calls USING gin (reports jsonb_path_ops)
    """

DOWN = """
    DROP INDEX webhook_calls_reports;
    DROP INDEX notifications_erased;
    ALTER TABLE notifications DROP COLUMN erased_at;
    DROP INDEX profiles_phone;
    DROP TABLE erasures, import_rejections, import_chunks, imports
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
