"""Study fields, and the events."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "study_field",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "text",
                "choice",
                "boolean",
                "datetime",
                "account",
                "relation",
                "language",
                name="fieldtype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "check",
            sa.Enum(
                "none",
                "author",
                "posted_at",
                "promotes",
                name="fieldcheck",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_proposal", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_study_field_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_field")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_study_field_project_id_key")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ledger", sa.String(length=36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "user:create",
                "user:change",
                "user:sign-in",
                "project:create",
                "project:change",
                "member:add",
                "member:change",
                "member:remove",
                "field:define",
                "item:create",
                "item:judge-same",
                "item:undo-judgement",
                "request:create",
                "request:start",
                "request:retry",
                "request:cancel",
                "request:finish",
                "capture:store",
                "capture:import",
                "file:import",
                "file:refuse",
                "list:import",
                "value:set",
                "value:check",
                "tag:create",
                "tag:add",
                "tag:remove",
                "bulk:do",
                "bulk:undo",
                "note:create",
                "note:edit",
                "note:withdraw",
                "export:make",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=True),
        sa.Column("operation_id", sa.String(length=36), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_event_item_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("ledger", "n", name=op.f("uq_event_ledger_n")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_item_id_id", ["item_id", "id"], unique=False)
        batch_op.create_index("ix_event_ledger_id", ["ledger", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_operation_id"), ["operation_id"], unique=False)

    op.create_table(
        "field_value",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("field_id", sa.String(length=36), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "list",
                "capture",
                "person",
                name="valuesource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "agrees",
                "differs",
                "not visible",
                "unchecked",
                name="valuestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("instant", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "precision",
            sa.Enum(
                "second",
                "minute",
                "day",
                "month",
                "unknown",
                name="dateprecision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.String(length=36), nullable=True),
        sa.Column("set_by", sa.String(length=36), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["capture_id"], ["capture.id"], name=op.f("fk_field_value_capture_id_capture")
        ),
        sa.ForeignKeyConstraint(
            ["field_id"], ["study_field.id"], name=op.f("fk_field_value_field_id_study_field")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_field_value_item_id_item")),
        sa.ForeignKeyConstraint(
            ["set_by"], ["user_account.id"], name=op.f("fk_field_value_set_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_value")),
    )
    with op.batch_alter_table("field_value", schema=None) as batch_op:
        batch_op.create_index(
            "ix_field_value_field_id_current_value", ["field_id", "current", "value"], unique=False
        )
        batch_op.create_index(
            "ix_field_value_item_id_field_id", ["item_id", "field_id"], unique=False
        )


def downgrade() -> None:
    """Take them down again."""
    with op.batch_alter_table("field_value", schema=None) as batch_op:
        batch_op.drop_index("ix_field_value_item_id_field_id")
        batch_op.drop_index("ix_field_value_field_id_current_value")

    op.drop_table("field_value")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_operation_id"))
        batch_op.drop_index("ix_event_ledger_id")
        batch_op.drop_index("ix_event_item_id_id")

    op.drop_table("event")
    op.drop_table("study_field")
