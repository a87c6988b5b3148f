"""The queue: attempts, back-off, hosts, pauses; kinds of events no longer listed by the database.

Every new part of Holdfast brings kinds of events. They are checked by the program, as ever; a
list of them in the database would mean copying the whole log each time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    with op.batch_alter_table(
        "event", recreate="always", table_kwargs={"sqlite_autoincrement": True}
    ) as batch_op:
        batch_op.drop_constraint("eventkind", type_="check")
    for column in (
        sa.Column("host", sa.String(length=255), nullable=False, server_default=""),
        sa.Column("purpose", sa.String(length=32), nullable=False, server_default="capture"),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=36), nullable=True),
    ):
        op.add_column("capture_request", column)
    op.execute(
        "UPDATE capture_request SET host = "
        "(SELECT item.host FROM item WHERE item.id = capture_request.item_id)"
    )
    op.drop_index("ix_capture_request_state_priority_id", "capture_request")
    op.drop_index("ix_capture_request_project_id_state", "capture_request")
    for name, columns in (
        ("ix_capture_request_next", ["state", "requested_by", "host", "priority", "id"]),
        ("ix_capture_request_project_id_state_outcome", ["project_id", "state", "outcome"]),
        ("ix_capture_request_project_id_finished_at", ["project_id", "finished_at"]),
        ("ix_capture_request_requested_by_started_at", ["requested_by", "started_at"]),
        ("ix_capture_request_finished_at", ["finished_at"]),
    ):
        op.create_index(name, "capture_request", columns)
    op.create_table(
        "request_attempt",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.String(length=36), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["capture_request.id"],
            name=op.f("fk_request_attempt_request_id_capture_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_request_attempt")),
    )
    op.create_table(
        "queue_pause",
        sa.Column("scope", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.String(length=36), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["paused_by"], ["user_account.id"], name=op.f("fk_queue_pause_paused_by_user_account")
        ),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_queue_pause")),
    )


def downgrade() -> None:
    """Take them down again; the kinds of events stay unlisted."""
    op.drop_table("queue_pause")
    op.drop_table("request_attempt")
    for name in ("next", "project_id_state_outcome", "project_id_finished_at",
                 "requested_by_started_at", "finished_at"):  # fmt: skip
        op.drop_index(f"ix_capture_request_{name}", "capture_request")
    for name in ("host", "purpose", "not_before", "started_at", "answered_by"):
        op.drop_column("capture_request", name)
    op.create_index(
        "ix_capture_request_state_priority_id", "capture_request", ["state", "priority", "id"]
    )
    op.create_index(
        "ix_capture_request_project_id_state", "capture_request", ["project_id", "state"]
    )
