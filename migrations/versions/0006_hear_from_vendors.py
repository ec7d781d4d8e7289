"""Hear from vendors and recipients, and pass on to modules what happened."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE webhook_calls (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        method text NOT NULL,
        headers jsonb NOT NULL,
        query text,
        body bytea,
        bytes int NOT NULL,
        verdict text NOT NULL,
        detail text NOT NULL DEFAULT '',
        reports jsonb NOT NULL DEFAULT '[]'
    );
    CREATE INDEX webhook_calls_account ON webhook_calls (account_id, id DESC);
    CREATE INDEX webhook_calls_odd ON webhook_calls (id DESC)
        WHERE verdict NOT IN ('heard', 'repeated');

    ALTER TABLE receipts ADD COLUMN call_id uuid;
    CREATE INDEX deliveries_attempt ON deliveries (attempt_id) WHERE attempt_id IS NOT NULL;

    ALTER TABLE suppressions ADD COLUMN attempt_id uuid, ADD COLUMN confirmation_id uuid;
    CREATE INDEX suppressions_attempt ON suppressions (attempt_id) WHERE attempt_id IS NOT NULL;

    CREATE TABLE look_ups (
        attempt_id uuid PRIMARY KEY,
        tries int NOT NULL,
        due_at timestamptz NOT NULL
    );
    CREATE INDEX look_ups_due ON look_ups (due_at);

    CREATE TABLE replies (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL,
        event_key text NOT NULL,
        channel text NOT NULL,
        sender text NOT NULL,
        sent_to text NOT NULL,
        text text NOT NULL,
        keyword text,
        module_id uuid,
        notification_id uuid,
        delivery_id uuid,
        answer_id uuid,
        call_id uuid,
        at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (account_id, event_key)
    );
    CREATE INDEX replies_notification ON replies (notification_id)
        WHERE notification_id IS NOT NULL;
    CREATE INDEX replies_sender ON replies (sender, channel, id DESC);
    CREATE TABLE reply_profiles (
        profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
        reply_id uuid NOT NULL REFERENCES replies ON DELETE CASCADE,
        PRIMARY KEY (profile_id, reply_id)
    );
    CREATE INDEX reply_profiles_reply ON reply_profiles (reply_id);
    CREATE INDEX profiles_replying_phone ON profiles (phone) WHERE phone IS NOT NULL;
    CREATE INDEX profiles_replying_whatsapp ON profiles (whatsapp) WHERE whatsapp IS NOT NULL;
    CREATE INDEX profiles_replying_telegram ON profiles (telegram) WHERE telegram IS NOT NULL;
    CREATE INDEX profiles_replying_email ON profiles (lower(email)) WHERE email IS NOT NULL;

    CREATE TABLE webhooks (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        url text NOT NULL,
        events text[] NOT NULL,
        secret bytea NOT NULL,
        hint text NOT NULL,
        enabled boolean NOT NULL DEFAULT true,
        reason text NOT NULL DEFAULT '',
        failing_since timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    );
    CREATE INDEX webhooks_module ON webhooks (module_id, id DESC);
    CREATE TABLE webhook_deliveries (
        id uuid PRIMARY KEY,
        webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        type text NOT NULL,
        body text NOT NULL,
        state text NOT NULL DEFAULT 'waiting',
        attempts int NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        lease_until timestamptz,
        status int,
        detail text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        settled_at timestamptz
    );
    CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id DESC);
    CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, due_at)
        WHERE state = 'waiting'
    """

DOWN = """
    DROP TABLE webhook_deliveries, webhooks, reply_profiles, replies, look_ups;
    DROP INDEX profiles_replying_phone, profiles_replying_whatsapp, profiles_replying_telegram,
        profiles_replying_email, suppressions_attempt;
    ALTER TABLE suppressions DROP COLUMN attempt_id, DROP COLUMN confirmation_id;
    DROP INDEX deliveries_attempt;
    ALTER TABLE receipts DROP COLUMN call_id;
    DROP TABLE webhook_calls
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
