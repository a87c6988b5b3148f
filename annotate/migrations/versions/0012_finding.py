"""Saved searches; texts of documents, earlier renditions and traits of captures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "saved_search",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("sort", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("related", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        _to("saved_search", "project_id", "project"),
        _to("saved_search", "created_by", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    op.create_index("ix_saved_search_project_id", "saved_search", ["project_id"])
    op.create_table(
        "saved_search_seen",
        sa.Column("saved_search_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        _to("saved_search_seen", "saved_search_id", "saved_search"),
        _to("saved_search_seen", "user_id", "user_account"),
        sa.PrimaryKeyConstraint("saved_search_id", "user_id", name=op.f("pk_saved_search_seen")),
    )
    op.create_table(
        "document_text",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        _to("document_text", "capture_id", "capture"),
        sa.PrimaryKeyConstraint("capture_id", "position", name=op.f("pk_document_text")),
    )
    op.create_table(
        "earlier_rendition",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        _to("earlier_rendition", "capture_id", "capture"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_rendition")),
    )
    op.create_index("ix_earlier_rendition_capture_id", "earlier_rendition", ["capture_id"])
    op.create_index("ix_earlier_rendition_sha256", "earlier_rendition", ["sha256"])
    op.create_table(
        "capture_traits",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("script", sa.String(length=40), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("picture", sa.String(length=16), nullable=False),
        _to("capture_traits", "capture_id", "capture"),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_capture_traits")),
    )
