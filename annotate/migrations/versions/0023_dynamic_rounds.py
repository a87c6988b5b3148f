"""Units handed to whoever asks next, units let go, and hidden repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_OLD = "id, round_id, item_id, coder_id, position, version"


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def upgrade() -> None:
    """Bring the tables up."""
    for name, kind in (("dynamic", sa.Boolean()), ("patience", sa.Integer()), ("repeats", sa.Integer())):
        op.add_column("coding_round", sa.Column(name, kind, nullable=False, server_default="0"))
    op.create_table(
        "round_coder",
        sa.Column("round_id", sa.String(length=36), nullable=False),
        sa.Column("coder_id", sa.String(length=36), nullable=False),
        _to("round_coder", "round_id", "coding_round"),
        _to("round_coder", "coder_id", "user_account"),
        sa.PrimaryKeyConstraint("round_id", "coder_id", name=op.f("pk_round_coder")),
    )
    _widen_assignment()


def _widen_assignment() -> None:
    """Make the table anew, since an item may now come to a coder twice.

    Answers and drafts refer to it by name: the old table steps aside without taking their
    references along, so that they meet the same rows in the new one.
    """
    if op.get_bind().dialect.name != "sqlite":
        op.add_column(
            "assignment",
            sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()),
        )
        for name in ("handed_at", "abandoned_at"):
            column = sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            op.add_column("assignment", column)
        before = "uq_assignment_round_id_item_id_coder_id"
        op.drop_constraint(before, "assignment")
        columns = ["round_id", "item_id", "coder_id", "again"]
        op.create_unique_constraint(f"{before}_again", "assignment", columns)
        return
    op.execute("PRAGMA legacy_alter_table=ON")
    op.drop_index("ix_assignment_coder_id_round_id_position", table_name="assignment")
    op.drop_index("ix_assignment_item_id", table_name="assignment")
    op.rename_table("assignment", "assignment_before")
    op.create_table(
        "assignment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("round_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("coder_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("abandoned_at", sa.DateTime(timezone=True), nullable=True),
        _to("assignment", "coder_id", "user_account"),
        _to("assignment", "item_id", "item"),
        _to("assignment", "round_id", "coding_round"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint(
            "round_id", "item_id", "coder_id", "again",
            name=op.f("uq_assignment_round_id_item_id_coder_id_again"),
        ),
    )  # fmt: skip
    op.execute(
        f"INSERT INTO assignment ({_OLD}, again) SELECT {_OLD}, 0 FROM assignment_before"  # noqa: S608
    )
    op.drop_table("assignment_before")
    op.create_index(
        "ix_assignment_coder_id_round_id_position", "assignment",
        ["coder_id", "round_id", "position"],
    )  # fmt: skip
    op.create_index(op.f("ix_assignment_item_id"), "assignment", ["item_id"])
    op.execute("PRAGMA legacy_alter_table=OFF")
