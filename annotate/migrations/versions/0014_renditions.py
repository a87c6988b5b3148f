"""Languages with how sure they are, documents in captures, former texts, likeness."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _of_capture(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_capture_id_capture")
    return sa.ForeignKeyConstraint(["capture_id"], ["capture.id"], name=name)


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("rendition", sa.Column("language", sa.String(length=12), nullable=True))
    op.add_column("rendition", sa.Column("language_sure", sa.Integer(), nullable=True))
    op.add_column(
        "rendition",
        sa.Column("documents_version", sa.String(length=60), nullable=False, server_default=""),
    )
    op.create_table(
        "document_rendition",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=8000), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("is_page", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.String(length=80), nullable=True),
        sa.Column("language", sa.String(length=12), nullable=True),
        sa.Column("language_sure", sa.Integer(), nullable=True),
        _of_capture("document_rendition"),
        sa.PrimaryKeyConstraint("capture_id", "position", name=op.f("pk_document_rendition")),
    )
    op.create_table(
        "former_rendition",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        _of_capture("former_rendition"),
        sa.PrimaryKeyConstraint(
            "capture_id", "position", "sha256", name=op.f("pk_former_rendition")
        ),
    )
    op.create_table(
        "likeness",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("screenshot", sa.String(length=16), nullable=True),
        sa.Column("image", sa.String(length=16), nullable=True),
        sa.Column("version", sa.String(length=60), nullable=False),
        _of_capture("likeness"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_likeness_project_id_project")
        ),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_likeness")),
    )
    op.create_index("ix_likeness_project_id", "likeness", ["project_id"])
