"""Comments in threads, who they concern, and memos with their versions, drafts and links."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_USER = "user_account"


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=36), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _word(name: str, length: int = 32) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "comment",
        *(_id("id"), _id("project_id"), _id("thread_id"), _word("on"), _id("subject")),
        *(_word("part", 130), _id("item_id", nullable=True), _id("round_id", nullable=True)),
        *(_id("asker_id"), sa.Column("is_question", sa.Boolean(), nullable=False), _text("text")),
        *(_id("created_by"), _time("created_at"), _time("changed_at")),
        *(_time("withdrawn_at", nullable=True), _time("resolved_at", nullable=True)),
        *(_id("resolved_by", nullable=True), _number("row_version")),
        _to("comment", "project_id", "project"),
        _to("comment", "item_id", "item"),
        _to("comment", "round_id", "coding_round"),
        _to("comment", "asker_id", _USER),
        _to("comment", "created_by", _USER),
        _to("comment", "resolved_by", _USER),
        _key("comment", "id"),
    )
    for columns in (["project_id"], ["thread_id"], ["on", "subject", "part"], ["item_id", "id"]):
        op.create_index(f"ix_comment_{'_'.join(columns)}", "comment", columns)
    op.create_table(
        "comment_version",
        *(_id("comment_id"), _number("version"), _text("text"), _word("nonce", 64)),
        *(_id("written_by"), _time("written_at")),
        _to("comment_version", "comment_id", "comment"),
        _to("comment_version", "written_by", _USER),
        _key("comment_version", "comment_id", "version"),
    )
    op.create_table(
        "for_you",
        *(_id("user_id"), _id("comment_id"), _word("told"), _time("read_at", nullable=True)),
        _to("for_you", "user_id", _USER),
        _to("for_you", "comment_id", "comment"),
        _key("for_you", "user_id", "comment_id"),
    )
    op.create_index("ix_for_you_user_id_read_at", "for_you", ["user_id", "read_at"])
    op.create_table(
        "memo",
        *(_id("id"), _id("project_id"), _word("kind"), _word("title", 300), _text("text")),
        *(_id("created_by"), _time("created_at"), _id("changed_by"), _time("changed_at")),
        *(_time("withdrawn_at", nullable=True), _number("row_version")),
        _to("memo", "project_id", "project"),
        _to("memo", "created_by", _USER),
        _to("memo", "changed_by", _USER),
        _key("memo", "id"),
    )
    op.create_index("ix_memo_project_id", "memo", ["project_id"])
    op.create_table(
        "memo_version",
        *(_id("memo_id"), _number("version"), _word("title", 300), _text("text")),
        *(_id("written_by"), _time("written_at")),
        _to("memo_version", "memo_id", "memo"),
        _to("memo_version", "written_by", _USER),
        _key("memo_version", "memo_id", "version"),
    )
    op.create_table(
        "memo_draft",
        *(_id("memo_id"), _id("user_id"), _word("title", 300), _text("text"), _time("kept_at")),
        _to("memo_draft", "memo_id", "memo"),
        _to("memo_draft", "user_id", _USER),
        _key("memo_draft", "memo_id", "user_id"),
    )
    op.create_table(
        "memo_link",
        *(_id("id"), _id("memo_id"), _id("item_id", nullable=True)),
        *(_id("codebook_id", nullable=True), _word("part", 130)),
        *(_id("added_by"), _time("added_at")),
        _to("memo_link", "memo_id", "memo"),
        _to("memo_link", "item_id", "item"),
        _to("memo_link", "codebook_id", "codebook"),
        _to("memo_link", "added_by", _USER),
        _key("memo_link", "id"),
    )
    for columns in (["memo_id"], ["item_id"]):
        op.create_index(f"ix_memo_link_{'_'.join(columns)}", "memo_link", columns)


def downgrade() -> None:
    """Bring the tables down."""
    for table in ("memo_link", "memo_draft", "memo_version", "memo", "for_you",
                  "comment_version", "comment"):  # fmt: skip
        op.drop_table(table)
