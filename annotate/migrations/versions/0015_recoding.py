"""Rounds that code again what a new codebook version asks anew."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column(
        "coding_round", sa.Column("recodes", sa.Text(), nullable=False, server_default="")
    )
