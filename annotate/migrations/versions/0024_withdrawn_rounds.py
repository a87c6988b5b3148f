"""Rounds that were opened by mistake are withdrawn; tokens say which token made them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a round be withdrawn, with who, when and why, and a token name its maker."""
    with op.batch_alter_table("coding_round") as batch_op:
        batch_op.drop_constraint("roundstate", type_="check")
        batch_op.add_column(sa.Column("withdrawn_by", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("withdrawn_why", sa.Text(), nullable=False, server_default="")
        )
        batch_op.create_foreign_key(
            op.f("fk_coding_round_withdrawn_by_user_account"),
            "user_account", ["withdrawn_by"], ["id"],
        )  # fmt: skip
    with op.batch_alter_table("api_token") as batch_op:
        batch_op.add_column(sa.Column("made_with_id", sa.String(length=36), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_api_token_made_with_id_api_token"), "api_token", ["made_with_id"], ["id"]
        )
