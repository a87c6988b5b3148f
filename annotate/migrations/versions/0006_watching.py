"""Watching: observations, watches, what an item was last seen as; a faster next request."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NEXT = ["state", "requested_by", "host", "project_id", "not_before", "priority", "id"]


def upgrade() -> None:
    """Bring the tables up."""
    op.drop_index("ix_capture_request_next", "capture_request")
    op.create_index("ix_capture_request_next", "capture_request", _NEXT)
    op.create_index("ix_request_attempt_finished_at", "request_attempt", ["finished_at"])
    op.add_column("item", sa.Column("observed_state", sa.String(length=32), nullable=True))
    op.add_column(
        "item", sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("capture", sa.Column("body_sha256", sa.String(length=64), nullable=True))
    op.create_table(
        "observation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("final_address", sa.String(length=8000), nullable=True),
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("phrases_version", sa.String(length=200), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=True),
        sa.Column("body_sha256", sa.String(length=64), nullable=True),
        sa.Column("compared_with", sa.String(length=36), nullable=True),
        sa.Column("likeness", sa.Integer(), nullable=True),
        sa.Column("capture_id", sa.String(length=36), nullable=True),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_observation_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_observation_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["capture_request.id"],
            name=op.f("fk_observation_request_id_capture_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index("ix_observation_item_id_seen_at", "observation", ["item_id", "seen_at"])
    op.create_index(op.f("ix_observation_project_id"), "observation", ["project_id"])
    op.create_table(
        "watch",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("spread_hours", sa.Integer(), nullable=False),
        sa.Column("keep", sa.String(length=32), nullable=False),
        sa.Column("engine", sa.String(length=20), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_asked", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_watch_created_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_watch_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
    )
    op.create_index(op.f("ix_watch_project_id"), "watch", ["project_id"])


def downgrade() -> None:
    """Take them down again."""
    op.drop_table("watch")
    op.drop_table("observation")
    op.drop_column("capture", "body_sha256")
    op.drop_column("item", "observed_at")
    op.drop_column("item", "observed_state")
    op.drop_index("ix_request_attempt_finished_at", "request_attempt")
    op.drop_index("ix_capture_request_next", "capture_request")
    op.create_index(
        "ix_capture_request_next",
        "capture_request",
        ["state", "requested_by", "host", "priority", "id"],
    )
