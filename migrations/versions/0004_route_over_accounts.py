"""Let a channel have several accounts: rules, pace, health, and why an attempt took which."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
    ALTER TABLE accounts
        ADD COLUMN weight int NOT NULL DEFAULT 1,
        ADD COLUMN cost double precision NOT NULL DEFAULT 0,
        ADD COLUMN countries text[] NOT NULL DEFAULT '{}',
        ADD COLUMN categories text[] NOT NULL DEFAULT '{}',
        ADD COLUMN per_second double precision,
        ADD COLUMN slow_seconds double precision,
        ADD COLUMN slow_share double precision,
        ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

    CREATE TABLE account_states (
        account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
        circuit text NOT NULL DEFAULT 'closed',
        reason text NOT NULL DEFAULT '',
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        retry_at timestamptz,
        openings int NOT NULL DEFAULT 0,
        probe_token uuid,
        probe_until timestamptz,
        probes_passed int NOT NULL DEFAULT 0,
        tokens double precision NOT NULL DEFAULT 0,
        refilled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        slowed_until timestamptz,
        pace double precision NOT NULL DEFAULT 1
    );
    INSERT INTO account_states (account_id) SELECT id FROM accounts;

    CREATE TABLE account_stats (
        account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
        bucket timestamptz NOT NULL,
        accepted int NOT NULL DEFAULT 0,
        rejected int NOT NULL DEFAULT 0,
        throttled int NOT NULL DEFAULT 0,
        transient int NOT NULL DEFAULT 0,
        unknown int NOT NULL DEFAULT 0,
        refused int NOT NULL DEFAULT 0,
        latencies int[] NOT NULL DEFAULT '{}',
        receipts int NOT NULL DEFAULT 0,
        forged int NOT NULL DEFAULT 0,
        PRIMARY KEY (account_id, bucket)
    );

    ALTER TABLE deliveries
        ADD COLUMN target jsonb,
        ADD COLUMN rounds int NOT NULL DEFAULT 0,
        ADD COLUMN route jsonb;
    ALTER TABLE attempts ADD COLUMN route jsonb
    """

DOWN = """
    ALTER TABLE attempts DROP COLUMN route;
    ALTER TABLE deliveries DROP COLUMN target, DROP COLUMN rounds, DROP COLUMN route;
    DROP TABLE account_stats, account_states;
    ALTER TABLE accounts
        DROP COLUMN weight, DROP COLUMN cost, DROP COLUMN countries, DROP COLUMN categories,
        DROP COLUMN per_second, DROP COLUMN slow_seconds, DROP COLUMN slow_share,
        DROP COLUMN updated_at
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
