"""Keep several addresses of a profile; heed the preferences of who has the one that is used."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = """
    ALTER TABLE notifications ADD COLUMN heeded uuid[];
    CREATE INDEX notifications_heeded ON notifications USING gin (heeded)
        WHERE heeded IS NOT NULL;
    ALTER TABLE profiles ADD COLUMN addresses jsonb NOT NULL DEFAULT '[]';
    CREATE INDEX profiles_addresses ON profiles USING gin (addresses jsonb_path_ops)
        WHERE addresses <> '[]';
    CREATE INDEX profile_devices_address ON profile_devices USING hash (address)
    """


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX profile_devices_address")
    op.execute("ALTER TABLE profiles DROP COLUMN addresses")
    op.execute("ALTER TABLE notifications DROP COLUMN heeded")
