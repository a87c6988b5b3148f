"""Records are found by id and by payload digest: the original of a revisit in another file."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_index(op.f("ix_record_record_id"), "record", ["record_id"])
    op.create_index(op.f("ix_record_payload_digest"), "record", ["payload_digest"])


def downgrade() -> None:
    """Bring the tables down."""
    op.drop_index(op.f("ix_record_payload_digest"), table_name="record")
    op.drop_index(op.f("ix_record_record_id"), table_name="record")
