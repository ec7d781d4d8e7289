"""Compose templates of partials, and keep with each published version what they said then."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
    CREATE TABLE partials (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        key text NOT NULL,
        source text NOT NULL,
        locales jsonb NOT NULL DEFAULT '{}',
        author text NOT NULL,
        note text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, key)
    );
    ALTER TABLE template_versions
        ADD COLUMN uses text[] NOT NULL DEFAULT '{}',
        ADD COLUMN partials jsonb,
        ADD COLUMN sent_content jsonb,
        ADD COLUMN sent_locales jsonb;
    CREATE INDEX template_versions_uses ON template_versions USING gin (uses) WHERE uses <> '{}'
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE template_versions DROP COLUMN uses, DROP COLUMN partials,"
        " DROP COLUMN sent_content, DROP COLUMN sent_locales"
    )
    op.execute("DROP TABLE partials")
