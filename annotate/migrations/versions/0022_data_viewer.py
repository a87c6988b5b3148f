"""A role that sees numbers and no evidence: the list of roles is the program's to check."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a membership hold any role the program knows."""
    with op.batch_alter_table("membership") as batch_op:
        batch_op.drop_constraint("role", type_="check")
