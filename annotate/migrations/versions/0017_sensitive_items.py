"""Sensitive items: marks with reasons, each member's choice, the project's blur."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "sensitive_mark",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "person", "field",
                name="marksource", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operation_id", sa.String(length=36), nullable=True),
        sa.Column("end_operation_id", sa.String(length=36), nullable=True),
        _to("sensitive_mark", "project_id", "project"),
        _to("sensitive_mark", "item_id", "item"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensitive_mark")),
    )  # fmt: skip
    for columns in (["item_id", "ended_at"], ["project_id", "ended_at"],
                    ["operation_id"], ["end_operation_id"]):  # fmt: skip
        op.create_index(f"ix_sensitive_mark_{'_'.join(columns)}", "sensitive_mark", columns)
    op.create_table(
        "sensitive_reason",
        sa.Column("mark_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("marked_by", sa.String(length=36), nullable=False),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        _to("sensitive_reason", "mark_id", "sensitive_mark"),
        _to("sensitive_reason", "item_id", "item"),
        _to("sensitive_reason", "marked_by", "user_account"),
        _to("sensitive_reason", "ended_by", "user_account"),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_sensitive_reason")),
    )
    op.create_index("ix_sensitive_reason_item_id", "sensitive_reason", ["item_id"])
    op.add_column(
        "project",
        sa.Column("blurs_all", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "membership",
        sa.Column("pictures", sa.String(length=32), nullable=False, server_default="ask"),
    )


def downgrade() -> None:
    """Bring the tables down."""
    op.drop_column("membership", "pictures")
    op.drop_column("project", "blurs_all")
    op.drop_table("sensitive_reason")
    op.drop_table("sensitive_mark")
