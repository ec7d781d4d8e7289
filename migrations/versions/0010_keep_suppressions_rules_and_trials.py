"""Keep suppressions by hand, business rules as data, and modules on trial."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
    ALTER TABLE suppressions
        ADD COLUMN note text NOT NULL DEFAULT '',
        ADD COLUMN created_by text NOT NULL DEFAULT '',
        ADD COLUMN version int NOT NULL DEFAULT 1;
    DELETE FROM suppressions s USING suppressions o
        WHERE s.channel = 'email' AND o.channel = 'email' AND s.id > o.id
            AND translate(s.address, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')
                = translate(o.address, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')
            AND s.module_id IS NOT DISTINCT FROM o.module_id
            AND s.category IS NOT DISTINCT FROM o.category;
    UPDATE suppressions SET address = translate(address,
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') WHERE channel = 'email';
    CREATE INDEX suppressions_module ON suppressions (module_id, id DESC);

    CREATE TABLE rules (
        id uuid PRIMARY KEY,
        module_id uuid REFERENCES modules ON DELETE CASCADE,
        category text REFERENCES categories,
        name text NOT NULL,
        kind text NOT NULL,
        settings jsonb NOT NULL,
        enabled boolean NOT NULL DEFAULT false,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE NULLS NOT DISTINCT (module_id, name)
    );

    ALTER TABLE modules
        ADD COLUMN mode text NOT NULL DEFAULT 'live',
        ADD COLUMN safelist text[] NOT NULL DEFAULT '{}',
        ADD COLUMN redirect_to jsonb NOT NULL DEFAULT '{}'
    """

DOWN = """
    ALTER TABLE modules DROP COLUMN mode, DROP COLUMN safelist, DROP COLUMN redirect_to;
    DROP TABLE rules;
    DROP INDEX suppressions_module;
    ALTER TABLE suppressions DROP COLUMN note, DROP COLUMN created_by, DROP COLUMN version
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
