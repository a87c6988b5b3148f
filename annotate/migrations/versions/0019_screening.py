"""Screening: verdicts on items, and acts on many of them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_WORD = {"name": "verdict", "native_enum": False, "create_constraint": True, "length": 32}


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "screening",
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("verdict", sa.Enum("included", "excluded", **_WORD), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        _to("screening", "item_id", "item"),
        _to("screening", "project_id", "project"),
        _to("screening", "decided_by", "user_account"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_screening")),
    )
    op.create_index("ix_screening_project_id", "screening", ["project_id"])
    op.create_table(
        "screening_operation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Enum("included", "excluded", **_WORD), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("undoes_id", sa.String(length=36), nullable=True),
        sa.Column("undone_by_id", sa.String(length=36), nullable=True),
        sa.Column("done_by", sa.String(length=36), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        _to("screening_operation", "project_id", "project"),
        _to("screening_operation", "done_by", "user_account"),
        _to("screening_operation", "undoes_id", "screening_operation"),
        _to("screening_operation", "undone_by_id", "screening_operation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_operation")),
    )
    op.create_index(
        "ix_screening_operation_project_id_id", "screening_operation", ["project_id", "id"]
    )
