"""Create categories, templates, profiles, groups, accounts and suppressions."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE categories (
        key text PRIMARY KEY,
        name text NOT NULL,
        class text NOT NULL,
        mandatory boolean NOT NULL DEFAULT false,
        priority text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1
    );
    INSERT INTO categories (key, name, class, mandatory, priority) VALUES
        ('otp', 'One-time passwords', 'otp', true, 'high'),
        ('transactional', 'Transactional', 'transactional', false, 'medium'),
        ('bulk', 'Bulk', 'bulk', false, 'low'),
        ('marketing', 'Marketing', 'marketing', false, 'low');
    CREATE TABLE templates (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        key text NOT NULL,
        name text NOT NULL,
        category text REFERENCES categories,
        priority text,
        published_version int,
        latest_version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz,
        version int NOT NULL DEFAULT 1
    );
    CREATE UNIQUE INDEX templates_key ON templates (module_id, key) WHERE archived_at IS NULL;
    CREATE TABLE template_versions (
        template_id uuid NOT NULL REFERENCES templates ON DELETE CASCADE,
        version int NOT NULL,
        locale text NOT NULL,
        content jsonb NOT NULL,
        locales jsonb NOT NULL DEFAULT '{}',
        schema jsonb NOT NULL DEFAULT '{}',
        author text NOT NULL,
        note text,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        published_by text,
        PRIMARY KEY (template_id, version)
    );
    CREATE TABLE groups (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, name)
    );
    CREATE TABLE profiles (
        id uuid PRIMARY KEY,
        module_id uuid NOT NULL REFERENCES modules ON DELETE CASCADE,
        external_id text,
        name text,
        email text,
        phone text,
        telegram text,
        whatsapp text,
        locale text,
        timezone text,
        attributes jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        UNIQUE (module_id, external_id)
    );
    CREATE INDEX profiles_module ON profiles (module_id, id DESC);
    CREATE INDEX profiles_email ON profiles (module_id, lower(email));
    CREATE INDEX profiles_attributes ON profiles USING gin (attributes jsonb_path_ops);
    CREATE TABLE profile_devices (
        id uuid PRIMARY KEY,
        profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
        channel text NOT NULL,
        platform text,
        address text NOT NULL,
        subscription jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (profile_id, channel, address)
    );
    CREATE TABLE profile_groups (
        profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
        group_id uuid NOT NULL REFERENCES groups ON DELETE CASCADE,
        PRIMARY KEY (profile_id, group_id)
    );
    CREATE INDEX profile_groups_group ON profile_groups (group_id, profile_id);
    CREATE TABLE suppressions (
        id uuid PRIMARY KEY,
        module_id uuid REFERENCES modules ON DELETE CASCADE,
        channel text NOT NULL,
        address text NOT NULL,
        category text,
        reason text NOT NULL,
        source text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        UNIQUE NULLS NOT DISTINCT (channel, address, module_id, category)
    );
    CREATE TABLE accounts (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        channel text NOT NULL,
        vendor text NOT NULL,
        settings bytea NOT NULL,
        enabled boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        version int NOT NULL DEFAULT 1
    );
    CREATE UNIQUE INDEX accounts_name ON accounts (name) WHERE deleted_at IS NULL;
    CREATE INDEX accounts_channel ON accounts (channel, id);
    """


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute(
        "DROP TABLE accounts, suppressions, profile_groups, profile_devices, profiles, groups,"
        " template_versions, templates, categories"
    )
