"""Create the ledger: notifications, deliveries, attempts, receipts and the outbox."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAITING = "('accepted', 'scheduled', 'held', 'sending')"

TABLES = f"""
    CREATE TABLE notifications (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL,
        state text NOT NULL,
        priority text NOT NULL,
        category text NOT NULL,
        class text NOT NULL,
        channels text[] NOT NULL,
        channel_policy text NOT NULL,
        template_id uuid,
        template_key text,
        template_version int,
        profile_id uuid,
        campaign_id uuid,
        resend_of uuid,
        recipient jsonb NOT NULL,
        recipient_keys text[] NOT NULL,
        content jsonb,
        data jsonb NOT NULL,
        metadata jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        send_at timestamptz,
        expires_at timestamptz NOT NULL,
        start_deadline timestamptz,
        due_at timestamptz NOT NULL,
        workflow_id text NOT NULL,
        planned_at timestamptz,
        finished_at timestamptz,
        swept_at timestamptz,
        sweeps int NOT NULL DEFAULT 0,
        version int NOT NULL DEFAULT 1
    ) PARTITION BY RANGE (id);
    CREATE TABLE notifications_default PARTITION OF notifications DEFAULT;
    CREATE INDEX notifications_module ON notifications (module_id, id DESC);
    CREATE INDEX notifications_unfinished ON notifications (due_at) WHERE finished_at IS NULL;
    CREATE INDEX notifications_recipient ON notifications USING gin (recipient_keys);
    CREATE INDEX notifications_profile ON notifications (profile_id, id DESC)
        WHERE profile_id IS NOT NULL;

    CREATE TABLE deliveries (
        id uuid PRIMARY KEY,
        notification_id uuid NOT NULL,
        module_id uuid NOT NULL,
        campaign_id uuid,
        category text NOT NULL,
        class text NOT NULL,
        priority text NOT NULL,
        channel text NOT NULL,
        address text NOT NULL,
        state text NOT NULL,
        reason text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL,
        due_at timestamptz,
        expires_at timestamptz NOT NULL,
        lease_token uuid,
        lease_until timestamptz,
        maybe_sent boolean NOT NULL DEFAULT false,
        attempts int NOT NULL DEFAULT 0,
        attempt_id uuid,
        account_id uuid,
        vendor text,
        vendor_id text,
        attempted_at timestamptz,
        settled_at timestamptz,
        outcome jsonb,
        version int NOT NULL DEFAULT 1
    ) PARTITION BY RANGE (id);
    CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
    CREATE INDEX deliveries_notification ON deliveries (notification_id);
    CREATE INDEX deliveries_waiting ON deliveries (due_at) WHERE state IN {WAITING};
    CREATE INDEX deliveries_dead ON deliveries (id)
        WHERE state IN ('failed', 'expired', 'unknown');

    CREATE TABLE attempts (
        id uuid PRIMARY KEY,
        delivery_id uuid NOT NULL,
        number int NOT NULL,
        account_id uuid,
        vendor text,
        vendor_id text,
        attempted_at timestamptz NOT NULL,
        settled_at timestamptz,
        outcome jsonb
    ) PARTITION BY RANGE (id);
    CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;
    CREATE INDEX attempts_delivery ON attempts (delivery_id);

    CREATE TABLE receipts (
        attempt_id uuid NOT NULL,
        kind text NOT NULL,
        event_key text NOT NULL,
        delivery_id uuid,
        account_id uuid,
        at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        raw jsonb NOT NULL,
        PRIMARY KEY (attempt_id, kind, event_key)
    ) PARTITION BY RANGE (attempt_id);
    CREATE TABLE receipts_default PARTITION OF receipts DEFAULT;
    CREATE INDEX receipts_delivery ON receipts (delivery_id);
    CREATE INDEX receipts_unmatched ON receipts (received_at) WHERE delivery_id IS NULL;

    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        events jsonb NOT NULL
    );
    CREATE TABLE outbox_batches (
        seq bigint PRIMARY KEY,
        sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        events jsonb NOT NULL
    );
    CREATE TABLE outbox_cursors (
        consumer text PRIMARY KEY,
        seq bigint NOT NULL,
        moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE TABLE sandbox_messages (
        id uuid PRIMARY KEY,
        channel text NOT NULL,
        address text NOT NULL,
        notification_id uuid,
        module_id uuid,
        attempt_id uuid,
        content jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX sandbox_messages_notification ON sandbox_messages (notification_id);
    """


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute(
        "DROP TABLE sandbox_messages, outbox_cursors, outbox_batches, outbox, receipts, attempts,"
        " deliveries, notifications"
    )
