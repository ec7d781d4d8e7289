"""Let users be switched off, and chain the lines of the audit log."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
    ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true;
    ALTER TABLE audit
        ADD COLUMN mark bytea,
        ADD COLUMN seq bigint,
        ADD COLUMN previous bytea,
        ADD COLUMN hash bytea;
    CREATE UNIQUE INDEX audit_seq ON audit (seq) WHERE seq IS NOT NULL;
    CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;
    CREATE INDEX audit_module ON audit (module_id, id DESC);
    CREATE TABLE audit_head (
        seq bigint NOT NULL,
        hash bytea NOT NULL,
        unmarked bigint NOT NULL,
        sealed_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX audit_head_one ON audit_head ((true));
    INSERT INTO audit_head (seq, hash, unmarked)
        SELECT 0, decode(repeat('00', 32), 'hex'), count(*) FROM audit
    """

DOWN = """
    DROP TABLE audit_head;
    DROP INDEX audit_module;
    DROP INDEX audit_unsealed;
    DROP INDEX audit_seq;
    ALTER TABLE audit DROP COLUMN mark, DROP COLUMN seq, DROP COLUMN previous, DROP COLUMN hash;
    ALTER TABLE users DROP COLUMN active
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
