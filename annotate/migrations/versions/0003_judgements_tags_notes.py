"""Judgements, tags and notes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "tag",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("folded", sa.String(length=240), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_tag_created_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_tag_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("project_id", "folded", name=op.f("uq_tag_project_id_folded")),
    )
    op.create_table(
        "bulk_operation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "tag",
                "untag",
                name="bulkkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("done_by", sa.String(length=36), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(length=36), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["done_by"], ["user_account.id"], name=op.f("fk_bulk_operation_done_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_bulk_operation_project_id_project")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_bulk_operation_tag_id_tag")),
        sa.ForeignKeyConstraint(
            ["undone_by"],
            ["user_account.id"],
            name=op.f("fk_bulk_operation_undone_by_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operation")),
    )
    with op.batch_alter_table("bulk_operation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bulk_operation_project_id"), ["project_id"], unique=False
        )

    op.create_table(
        "item_tag",
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("tagged_by", sa.String(length=36), nullable=False),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_tag_item_id_item")),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_item_tag_tag_id_tag")),
        sa.ForeignKeyConstraint(
            ["tagged_by"], ["user_account.id"], name=op.f("fk_item_tag_tagged_by_user_account")
        ),
        sa.PrimaryKeyConstraint("item_id", "tag_id", name=op.f("pk_item_tag")),
    )
    with op.batch_alter_table("item_tag", schema=None) as batch_op:
        batch_op.create_index("ix_item_tag_tag_id_item_id", ["tag_id", "item_id"], unique=False)

    op.create_table(
        "note",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "provenance",
                "remark",
                name="notekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_note_created_by_user_account")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_note_item_id_item")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_note_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_note_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_note_project_id"), ["project_id"], unique=False)

    op.create_table(
        "same_item_judgement",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("same_as_id", sa.String(length=36), nullable=False),
        sa.Column(
            "judgement",
            sa.Enum(
                "same",
                "not same",
                "unsure",
                name="judgement",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judged_by", sa.String(length=36), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_same_item_judgement_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["judged_by"],
            ["user_account.id"],
            name=op.f("fk_same_item_judgement_judged_by_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_same_item_judgement_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["same_as_id"], ["item.id"], name=op.f("fk_same_item_judgement_same_as_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["undone_by"],
            ["user_account.id"],
            name=op.f("fk_same_item_judgement_undone_by_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_same_item_judgement")),
    )
    with op.batch_alter_table("same_item_judgement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_same_item_judgement_item_id"), ["item_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_same_item_judgement_project_id"), ["project_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_same_item_judgement_same_as_id"), ["same_as_id"], unique=False
        )

    op.create_table(
        "note_version",
        sa.Column("note_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.String(length=36), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["note.id"], name=op.f("fk_note_version_note_id_note")
        ),
        sa.ForeignKeyConstraint(
            ["written_by"],
            ["user_account.id"],
            name=op.f("fk_note_version_written_by_user_account"),
        ),
        sa.PrimaryKeyConstraint("note_id", "version", name=op.f("pk_note_version")),
    )


def downgrade() -> None:
    """Take them down again."""
    op.drop_table("note_version")
    with op.batch_alter_table("same_item_judgement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_same_item_judgement_same_as_id"))
        batch_op.drop_index(batch_op.f("ix_same_item_judgement_project_id"))
        batch_op.drop_index(batch_op.f("ix_same_item_judgement_item_id"))

    op.drop_table("same_item_judgement")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_note_project_id"))
        batch_op.drop_index(batch_op.f("ix_note_item_id"))

    op.drop_table("note")
    with op.batch_alter_table("item_tag", schema=None) as batch_op:
        batch_op.drop_index("ix_item_tag_tag_id_item_id")

    op.drop_table("item_tag")
    with op.batch_alter_table("bulk_operation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bulk_operation_project_id"))

    op.drop_table("bulk_operation")
    op.drop_table("tag")
