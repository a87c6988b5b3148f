"""Evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "import_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "imported",
                "refused",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "verdict",
            sa.Enum(
                "intact",
                "intact-without-digests",
                "damaged",
                "truncated",
                "foreign-digest-mismatch",
                name="verdictword",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=36), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["imported_by"],
            ["user_account.id"],
            name=op.f("fk_import_file_imported_by_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_import_file_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_file")),
    )
    with op.batch_alter_table("import_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_file_project_id"), ["project_id"], unique=False)

    op.create_table(
        "item",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=8000), nullable=False),
        sa.Column("surt", sa.String(length=8000), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("ledger_tag", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=True),
        sa.Column("latest_capture_id", sa.String(length=36), nullable=True),
        sa.Column(
            "latest_outcome",
            sa.Enum(
                "complete",
                "partial",
                "blocked",
                "gone",
                "failed",
                "refused",
                "interrupted",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("latest_captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("same_as_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_item_project_id_project")
        ),
        sa.ForeignKeyConstraint(["same_as_id"], ["item.id"], name=op.f("fk_item_same_as_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("project_id", "address", name=op.f("uq_item_project_id_address")),
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_host"), ["host"], unique=False)
        batch_op.create_index(
            "ix_item_project_id_created_at_id", ["project_id", "created_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_item_same_as_id"), ["same_as_id"], unique=False)

    op.create_table(
        "capture_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=8000), nullable=False),
        sa.Column("engine", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(length=36), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "cancelled",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "complete",
                "partial",
                "blocked",
                "gone",
                "failed",
                "refused",
                "interrupted",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("capture_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_capture_request_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_capture_request_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"],
            ["user_account.id"],
            name=op.f("fk_capture_request_requested_by_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_request")),
    )
    with op.batch_alter_table("capture_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_capture_request_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            "ix_capture_request_project_id_state", ["project_id", "state"], unique=False
        )
        batch_op.create_index(
            "ix_capture_request_state_priority_id", ["state", "priority", "id"], unique=False
        )

    op.create_table(
        "warc_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "intact",
                "intact-without-digests",
                "damaged",
                "truncated",
                "foreign-digest-mismatch",
                name="verdictword",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_file.id"], name=op.f("fk_warc_file_import_id_import_file")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_warc_file_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warc_file")),
    )
    with op.batch_alter_table("warc_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_warc_file_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_warc_file_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_warc_file_sha256"), ["sha256"], unique=False)

    op.create_table(
        "capture",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("warc_file_id", sa.String(length=36), nullable=True),
        sa.Column("address", sa.String(length=8000), nullable=False),
        sa.Column("final_address", sa.String(length=8000), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "complete",
                "partial",
                "blocked",
                "gone",
                "failed",
                "refused",
                "interrupted",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("software", sa.String(length=300), nullable=False),
        sa.Column("operator_id", sa.String(length=36), nullable=True),
        sa.Column("main_offset", sa.BigInteger(), nullable=True),
        sa.Column("main_length", sa.BigInteger(), nullable=True),
        sa.Column("main_record_id", sa.String(length=200), nullable=True),
        sa.Column("payload_digest", sa.String(length=80), nullable=True),
        sa.Column("screenshot_record_id", sa.String(length=200), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=True),
        sa.Column("language_claimed", sa.String(length=35), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("has_thumbnail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_capture_item_id_item")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["user_account.id"], name=op.f("fk_capture_operator_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_capture_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["capture_request.id"],
            name=op.f("fk_capture_request_id_capture_request"),
        ),
        sa.ForeignKeyConstraint(
            ["warc_file_id"], ["warc_file.id"], name=op.f("fk_capture_warc_file_id_warc_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
    )
    with op.batch_alter_table("capture", schema=None) as batch_op:
        batch_op.create_index(
            "ix_capture_item_id_captured_at", ["item_id", "captured_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_capture_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_capture_warc_file_id"), ["warc_file_id"], unique=False)

    op.create_table(
        "record",
        sa.Column("warc_file_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=8000), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("block_digest", sa.String(length=80), nullable=True),
        sa.Column("payload_digest", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["warc_file_id"], ["warc_file.id"], name=op.f("fk_record_warc_file_id_warc_file")
        ),
        sa.PrimaryKeyConstraint("warc_file_id", "position", name=op.f("pk_record")),
    )
    op.create_table(
        "request_lease",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["capture_request.id"],
            name=op.f("fk_request_lease_request_id_capture_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_lease")),
    )
    with op.batch_alter_table("request_lease", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_lease_host"), ["host"], unique=False)

    op.create_table(
        "rendition",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["capture_id"], ["capture.id"], name=op.f("fk_rendition_capture_id_capture")
        ),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_rendition")),
    )


def downgrade() -> None:
    """Take them down again."""
    op.drop_table("rendition")
    with op.batch_alter_table("request_lease", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_lease_host"))

    op.drop_table("request_lease")
    op.drop_table("record")
    with op.batch_alter_table("capture", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_capture_warc_file_id"))
        batch_op.drop_index(batch_op.f("ix_capture_project_id"))
        batch_op.drop_index("ix_capture_item_id_captured_at")

    op.drop_table("capture")
    with op.batch_alter_table("warc_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_warc_file_sha256"))
        batch_op.drop_index(batch_op.f("ix_warc_file_project_id"))
        batch_op.drop_index(batch_op.f("ix_warc_file_import_id"))

    op.drop_table("warc_file")
    with op.batch_alter_table("capture_request", schema=None) as batch_op:
        batch_op.drop_index("ix_capture_request_state_priority_id")
        batch_op.drop_index("ix_capture_request_project_id_state")
        batch_op.drop_index(batch_op.f("ix_capture_request_item_id"))

    op.drop_table("capture_request")
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_same_as_id"))
        batch_op.drop_index("ix_item_project_id_created_at_id")
        batch_op.drop_index(batch_op.f("ix_item_host"))

    op.drop_table("item")
    with op.batch_alter_table("import_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_file_project_id"))

    op.drop_table("import_file")
