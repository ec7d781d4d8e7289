"""Keep what identity providers push by SCIM, and who is not active."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
    ALTER TABLE profiles
        ADD COLUMN active boolean NOT NULL DEFAULT true,
        ADD COLUMN user_name text,
        ADD COLUMN scim jsonb,
        ADD COLUMN scim_emails text[];
    CREATE UNIQUE INDEX profiles_user_name ON profiles (module_id, lower(user_name))
        WHERE user_name IS NOT NULL;
    CREATE INDEX profiles_scim_emails ON profiles USING gin (scim_emails)
        WHERE scim_emails IS NOT NULL;
    CREATE INDEX profiles_inactive ON profiles (id) WHERE NOT active;

    ALTER TABLE groups
        ADD COLUMN external_id text,
        ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
    UPDATE groups SET updated_at = created_at;
    CREATE UNIQUE INDEX groups_external_id ON groups (module_id, external_id)
        WHERE external_id IS NOT NULL
    """

DOWN = """
    DROP INDEX groups_external_id;
    ALTER TABLE groups DROP COLUMN updated_at, DROP COLUMN external_id;
    DROP INDEX profiles_inactive, profiles_scim_emails, profiles_user_name;
    ALTER TABLE profiles DROP COLUMN scim_emails, DROP COLUMN scim, DROP COLUMN user_name,
        DROP COLUMN active
    """


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
