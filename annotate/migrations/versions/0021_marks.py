"""Regions and times among annotations, where one was carried from, evidence of decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ANNOTATION = (
    sa.Column("kind", sa.String(length=32), nullable=False, server_default="text"),
    sa.Column("fragment", sa.Text(), nullable=False, server_default=""),
    sa.Column("source", sa.Text(), nullable=False, server_default=""),
    sa.Column("source_digest", sa.String(length=80), nullable=False, server_default=""),
    sa.Column("carried_from", sa.String(length=36), nullable=True),
    sa.Column("carried_score", sa.Integer(), nullable=True),
    sa.Column("left_at", sa.String(length=36), nullable=True),
)


def upgrade() -> None:
    """Bring the tables up."""
    for column in ANNOTATION:
        op.add_column("annotation", column)
    op.add_column(
        "decision", sa.Column("selectors", sa.Text(), nullable=False, server_default="{}")
    )
