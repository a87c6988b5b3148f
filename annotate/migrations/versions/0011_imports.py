"""Imports: states between upload and confirmation, what was found, what claims rest on."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    with op.batch_alter_table("import_file", recreate="always") as batch_op:
        batch_op.drop_constraint("importstate", type_="check")
        batch_op.add_column(sa.Column("writer", sa.String(300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("remarks", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("found", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("container_id", sa.String(36), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_import_file_container_id_import_file"),
            "import_file",
            ["container_id"],
            ["id"],
        )
    op.execute("UPDATE import_file SET found = pages")
    op.add_column("record", sa.Column("dated_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("target",):
        op.create_index(op.f(f"ix_record_{name}"), "record", [name])
    for column in (
        sa.Column("address_basis", sa.String(32), nullable=False, server_default="captured"),
        sa.Column("time_basis", sa.String(32), nullable=False, server_default="captured"),
        sa.Column("address_claimed", sa.String(8000), nullable=True),
        sa.Column("time_claimed", sa.String(80), nullable=True),
    ):
        op.add_column("capture", column)
    op.execute(
        "UPDATE capture SET address_basis = 'recorded', time_basis = 'recorded' "
        "WHERE engine = 'import'"
    )
    op.create_table(
        "import_page",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("import_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("address_claimed", sa.String(8000), nullable=True),
        sa.Column("address_basis", sa.String(32), nullable=False),
        sa.Column("address_from", sa.String(200), nullable=False),
        sa.Column("time_claimed", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_basis", sa.String(32), nullable=False),
        sa.Column("redirected_from", sa.Text(), nullable=False),
        sa.Column("ticked", sa.Boolean(), nullable=False),
        sa.Column("address", sa.String(8000), nullable=False),
        sa.Column("taken_at", sa.String(80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.String(36), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_file.id"], name=op.f("fk_import_page_import_id_import_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_page")),
        sa.UniqueConstraint("import_id", "position", name=op.f("uq_import_page_import_id_position")),
    )


def downgrade() -> None:
    """Take them down again; states of imports stay unlisted."""
    op.drop_table("import_page")
    for column in ("address_basis", "time_basis", "address_claimed", "time_claimed"):
        op.drop_column("capture", column)
    for name in ("target",):
        op.drop_index(op.f(f"ix_record_{name}"), "record")
    op.drop_column("record", "dated_at")
    with op.batch_alter_table("import_file") as batch_op:
        batch_op.drop_constraint("fk_import_file_container_id_import_file", type_="foreignkey")
        for column in ("container_id", "found", "note", "remarks", "writer"):
            batch_op.drop_column(column)
