"""Let campaigns warm up on a ramp, and send a canary first."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE campaigns ADD COLUMN ramp jsonb,"
        " ADD COLUMN ramp_seconds double precision NOT NULL DEFAULT 0,"
        " ADD COLUMN canary jsonb"
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE campaigns DROP COLUMN ramp, DROP COLUMN ramp_seconds, DROP COLUMN canary"
    )
