"""Ways out and capture sessions; media and replay check of a capture."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "project_egress",
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.String(length=80), nullable=True),
        sa.Column("names", sa.String(length=32), nullable=False),
        sa.Column("resolver", sa.String(length=64), nullable=False),
        sa.Column("resolver_port", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=36), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_project_egress_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["set_by"], ["user_account.id"], name=op.f("fk_project_egress_set_by_user_account")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_egress")),
    )
    op.create_table(
        "capture_session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("cookies", sa.Integer(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("identity_strings", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_capture_session_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["user_account.id"],
            name=op.f("fk_capture_session_created_by_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_session")),
    )
    op.create_index(
        "ix_capture_session_project_id_name", "capture_session", ["project_id", "name"]
    )
    for table, column in (
        ("capture_request", sa.Column("session_id", sa.String(length=36), nullable=True)),
        ("capture_request", sa.Column("media", sa.Boolean(), nullable=False, server_default="0")),
        ("capture", sa.Column("session_id", sa.String(length=36), nullable=True)),
        ("capture", sa.Column("media_files", sa.Integer(), nullable=True)),
        ("capture", sa.Column("replay_similarity", sa.Integer(), nullable=True)),
        ("capture", sa.Column("replay_missing", sa.Integer(), nullable=True)),
        ("capture", sa.Column("replay_check", sa.Text(), nullable=False, server_default="")),
    ):
        op.add_column(table, column)


def downgrade() -> None:
    """Take them down again."""
    for name in ("replay_check", "replay_missing", "replay_similarity", "media_files"):
        op.drop_column("capture", name)
    op.drop_column("capture", "session_id")
    op.drop_column("capture_request", "media")
    op.drop_column("capture_request", "session_id")
    op.drop_table("capture_session")
    op.drop_table("project_egress")
