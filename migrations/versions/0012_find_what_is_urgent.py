"""Let the low lane see at little cost whether the high lane has work."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX notifications_urgent ON notifications (due_at)"
        " WHERE finished_at IS NULL AND priority = 'high'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX notifications_urgent")
