"""The registry, sweeps, and decisions between a list and a page."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_NAMED = sa.String(length=36)
_TIME = sa.DateTime(timezone=True)
_EVIDENCED = "evidence_item_id IS NOT NULL OR evidence_capture_id IS NOT NULL OR provenance <> ''"


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _word(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length) if length else sa.Text(), nullable=False)


def _id(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, _NAMED, nullable=nullable)


def _kept(table: str) -> list[sa.schema.SchemaItem]:
    """What rows that people keep have in common."""
    return [
        _id("id", nullable=False),
        _id("project_id", nullable=False),
        _id("made_by", nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        _id("changed_by"),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        _to(table, "changed_by", "user_account"),
        _to(table, "made_by", "user_account"),
        _to(table, "project_id", "project"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _evidenced(table: str) -> list[sa.schema.SchemaItem]:
    return [
        _id("evidence_item_id"),
        _id("evidence_capture_id"),
        _text("provenance"),
        _to(table, "evidence_capture_id", "capture"),
        _to(table, "evidence_item_id", "item"),
    ]


def _dated() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
    ]


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _indexed(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def upgrade() -> None:
    """Bring the tables up."""
    _registry()
    _statements()
    _finding()


def _registry() -> None:
    op.create_table(
        "registry_entry",
        sa.Column("kind", _word("entrykind", "account", "entity", "work"), nullable=False),
        _text("label", 300),
        _text("category", 120),
        _text("platform", 80),
        _text("handle", 200),
        _text("address", 8000),
        _text("description"),
        _id("merged_into_id"),
        *_kept("registry_entry"),
        *_evidenced("registry_entry"),
        _to("registry_entry", "merged_into_id", "registry_entry"),
    )
    _indexed("registry_entry", "evidence_item_id", "merged_into_id", "project_id")
    op.create_index("ix_registry_entry_project_id_kind", "registry_entry", ["project_id", "kind"])
    op.create_table(
        "registry_name",
        _id("entry_id", nullable=False),
        _text("name", 300),
        sa.Column(
            "kind",
            _word("namekind", "own name", "transliteration", "translation", "other name"),
            nullable=False,
        ),
        _text("language", 35),
        *_kept("registry_name"),
        *_evidenced("registry_name"),
        _to("registry_name", "entry_id", "registry_entry"),
    )
    _indexed("registry_name", "entry_id", "evidence_item_id", "project_id")
    op.create_table(
        "handle_use",
        _id("entry_id", nullable=False),
        _text("handle", 200),
        *_dated(),
        *_kept("handle_use"),
        *_evidenced("handle_use"),
        _to("handle_use", "entry_id", "registry_entry"),
    )
    _indexed("handle_use", "entry_id", "evidence_item_id", "project_id")
    op.create_table(
        "entry_judgement",
        _id("entry_id", nullable=False),
        _id("into_id", nullable=False),
        sa.Column("judgement", _word("judgement", "same", "not same", "unsure"), nullable=False),
        _text("reason"),
        *_kept("entry_judgement"),
        _to("entry_judgement", "entry_id", "registry_entry"),
        _to("entry_judgement", "into_id", "registry_entry"),
    )
    _indexed("entry_judgement", "entry_id", "into_id", "project_id")
    op.create_table(
        "entry_trace",
        _id("entry_id", nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        _to("entry_trace", "entry_id", "registry_entry"),
        _to("entry_trace", "event_id", "event"),
        sa.PrimaryKeyConstraint("entry_id", "event_id", name=op.f("pk_entry_trace")),
    )


def _statements() -> None:
    op.create_table(
        "assertion",
        _id("entry_id", nullable=False),
        _text("property", 120),
        _text("value", 300),
        _text("basis", 300),
        *_dated(),
        _text("disputed_by"),
        *_kept("assertion"),
        *_evidenced("assertion"),
        _to("assertion", "entry_id", "registry_entry"),
        _check("assertion", "evidenced", _EVIDENCED),
    )
    _indexed("assertion", "entry_id", "evidence_item_id", "project_id")
    op.create_table(
        "relation_type",
        _text("key", 60),
        _text("label", 120),
        _text("inverse", 120),
        _text("subject", 20),
        _text("object", 20),
        *_kept("relation_type"),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_relation_type_project_id_key")),
    )
    _indexed("relation_type", "project_id")
    op.create_table(
        "relation",
        _text("type", 60),
        _id("subject_item_id"),
        _id("subject_entry_id"),
        _id("object_item_id"),
        _id("object_entry_id"),
        _text("quote"),
        *_dated(),
        *_kept("relation"),
        *_evidenced("relation"),
        _to("relation", "subject_item_id", "item"),
        _to("relation", "object_item_id", "item"),
        _to("relation", "subject_entry_id", "registry_entry"),
        _to("relation", "object_entry_id", "registry_entry"),
        _check("relation", "evidenced", _EVIDENCED),
        _check("relation", "subject", "(subject_item_id IS NULL) <> (subject_entry_id IS NULL)"),
        _check("relation", "object", "(object_item_id IS NULL) <> (object_entry_id IS NULL)"),
    )
    _indexed(
        "relation", "evidence_item_id", "object_entry_id", "object_item_id", "project_id",
        "subject_entry_id", "subject_item_id",
    )  # fmt: skip


def _finding() -> None:
    op.create_table(
        "sweep",
        _text("name", 200),
        sa.Column("kind", _word("sweepkind", "query", "profile", "other"), nullable=False),
        _text("platform", 120),
        _text("query"),
        _text("identity", 200),
        sa.Column("began_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=True),
        _text("stopped"),
        _text("note"),
        _id("capture_id"),
        *_kept("sweep"),
        _to("sweep", "capture_id", "capture"),
    )
    _indexed("sweep", "project_id")
    op.create_table(
        "sweep_item",
        _id("sweep_id", nullable=False),
        _id("item_id", nullable=False),
        _id("added_by", nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        _to("sweep_item", "added_by", "user_account"),
        _to("sweep_item", "item_id", "item"),
        _to("sweep_item", "sweep_id", "sweep"),
        sa.PrimaryKeyConstraint("sweep_id", "item_id", name=op.f("pk_sweep_item")),
    )
    _indexed("sweep_item", "item_id")
    kept = _word("keptclaim", "the list", "the page", "another value", "unsure")
    op.create_table(
        "value_decision",
        _id("id", nullable=False),
        _id("project_id", nullable=False),
        _id("item_id", nullable=False),
        _id("field_id", nullable=False),
        _id("capture_id"),
        _text("claimed"),
        _text("shown"),
        sa.Column("kept", kept, nullable=False),
        _text("reason"),
        _text("before"),
        _text("after"),
        _id("decided_by", nullable=False),
        sa.Column("decided_at", _TIME, nullable=False),
        _id("undone_by"),
        sa.Column("undone_at", _TIME, nullable=True),
        _to("value_decision", "capture_id", "capture"),
        _to("value_decision", "decided_by", "user_account"),
        _to("value_decision", "undone_by", "user_account"),
        _to("value_decision", "field_id", "study_field"),
        _to("value_decision", "item_id", "item"),
        _to("value_decision", "project_id", "project"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_decision")),
    )
    _indexed("value_decision", "project_id")
    op.create_index(
        "ix_value_decision_item_id_field_id", "value_decision", ["item_id", "field_id"]
    )
