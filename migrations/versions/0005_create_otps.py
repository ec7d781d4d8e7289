"""Create one-time codes (never the codes themselves) and what their limits are counted from."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE otps (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL,
        key_id text NOT NULL,
        generation int NOT NULL,
        length int NOT NULL,
        channels text[] NOT NULL,
        possible text[] NOT NULL,
        recipient bytea,
        notification_ids uuid[] NOT NULL,
        unsent text NOT NULL,
        attempts int NOT NULL DEFAULT 0,
        resends int NOT NULL DEFAULT 0,
        cost double precision,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        verified_at timestamptz
    );
    CREATE INDEX otps_module ON otps (module_id, created_at) INCLUDE (cost);

    CREATE TABLE otp_uses (
        send_id uuid NOT NULL,
        subject bytea NOT NULL,
        otp_id uuid NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (send_id, subject)
    );
    CREATE INDEX otp_uses_subject ON otp_uses (subject, at) INCLUDE (otp_id);

    ALTER TABLE notifications ADD COLUMN otp_id uuid
    """

DOWN = """
    ALTER TABLE notifications DROP COLUMN otp_id;
    DROP TABLE otp_uses, otps
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
