"""Create modules, keys, users and what guards repeated requests."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE modules (
        id uuid PRIMARY KEY,
        key text NOT NULL UNIQUE,
        name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    );
    CREATE TABLE users (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        email text NOT NULL,
        role text NOT NULL,
        password_hash text NOT NULL,
        password_temporary boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    );
    CREATE UNIQUE INDEX users_email ON users (lower(email));
    CREATE TABLE sessions (
        token_hash bytea PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        csrf text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    );
    CREATE TABLE sign_in_failures (
        subject text PRIMARY KEY,
        failures int NOT NULL,
        locked_until timestamptz NOT NULL
    );
    CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        user_id uuid REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        scopes text[] NOT NULL,
        key_hash bytea NOT NULL UNIQUE,
        hint text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz,
        version int NOT NULL DEFAULT 1
    );
    CREATE INDEX api_keys_module ON api_keys (module_id, id DESC);
    CREATE TABLE idempotency (
        module_id uuid NOT NULL,
        path text NOT NULL,
        key text NOT NULL,
        body_hash bytea NOT NULL,
        status smallint NOT NULL,
        answer jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (module_id, path, key)
    );
    CREATE INDEX idempotency_age ON idempotency (created_at);
    CREATE TABLE audit (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        module_id uuid,
        actor text NOT NULL,
        action text NOT NULL,
        subject text NOT NULL,
        detail jsonb NOT NULL DEFAULT '{}'
    );
    CREATE INDEX audit_subject ON audit (subject, id DESC);
    """


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute(
        "DROP TABLE audit, idempotency, api_keys, sign_in_failures, sessions, users, modules"
    )
