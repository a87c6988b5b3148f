"""Coding: codebooks, rounds, answers, decisions; a frozen codebook is refused edits by SQL too."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What a frozen version may still be told: nothing. Answers are never changed either.
_TRIGGERS = (
    ("codebook_version_frozen_update", "UPDATE", "codebook_version", "OLD.state = 'frozen'",
     "this codebook version is frozen"),
    ("codebook_version_frozen_delete", "DELETE", "codebook_version", "OLD.state = 'frozen'",
     "this codebook version is frozen"),
    ("coding_answer_update", "UPDATE", "coding_answer", "1", "an answer is never changed"),
    ("coding_answer_delete", "DELETE", "coding_answer", "1", "an answer is never deleted"),
)


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table('codebook',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project_id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('created_by', sa.String(length=36), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['created_by'], ['user_account.id'], name=op.f('fk_codebook_created_by_user_account')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_codebook_project_id_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_codebook')),
    sa.UniqueConstraint('project_id', 'name', name=op.f('uq_codebook_project_id_name'))
    )
    op.create_table('codebook_version',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('codebook_id', sa.String(length=36), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'frozen', name='versionstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('changed_by', sa.String(length=36), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('frozen_by', sa.String(length=36), nullable=True),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['user_account.id'], name=op.f('fk_codebook_version_changed_by_user_account')),
    sa.ForeignKeyConstraint(['codebook_id'], ['codebook.id'], name=op.f('fk_codebook_version_codebook_id_codebook')),
    sa.ForeignKeyConstraint(['frozen_by'], ['user_account.id'], name=op.f('fk_codebook_version_frozen_by_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_codebook_version')),
    sa.UniqueConstraint('codebook_id', 'number', name=op.f('uq_codebook_version_codebook_id_number'))
    )
    op.create_table('coding_round',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project_id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('version_id', sa.String(length=36), nullable=False),
    sa.Column('state', sa.Enum('blind', 'revealed', name='roundstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('strata_field', sa.String(length=60), nullable=False),
    sa.Column('coders_per_unit', sa.Integer(), nullable=False),
    sa.Column('opened_by', sa.String(length=36), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revealed_by', sa.String(length=36), nullable=True),
    sa.Column('revealed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['opened_by'], ['user_account.id'], name=op.f('fk_coding_round_opened_by_user_account')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_coding_round_project_id_project')),
    sa.ForeignKeyConstraint(['revealed_by'], ['user_account.id'], name=op.f('fk_coding_round_revealed_by_user_account')),
    sa.ForeignKeyConstraint(['version_id'], ['codebook_version.id'], name=op.f('fk_coding_round_version_id_codebook_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coding_round')),
    sa.UniqueConstraint('project_id', 'name', name=op.f('uq_coding_round_project_id_name'))
    )
    op.create_table('assignment',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('round_id', sa.String(length=36), nullable=False),
    sa.Column('item_id', sa.String(length=36), nullable=False),
    sa.Column('coder_id', sa.String(length=36), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['coder_id'], ['user_account.id'], name=op.f('fk_assignment_coder_id_user_account')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_assignment_item_id_item')),
    sa.ForeignKeyConstraint(['round_id'], ['coding_round.id'], name=op.f('fk_assignment_round_id_coding_round')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment')),
    sa.UniqueConstraint('round_id', 'item_id', 'coder_id', name=op.f('uq_assignment_round_id_item_id_coder_id'))
    )
    op.create_index('ix_assignment_coder_id_round_id_position', 'assignment', ['coder_id', 'round_id', 'position'], unique=False)
    op.create_index(op.f('ix_assignment_item_id'), 'assignment', ['item_id'], unique=False)
    op.create_table('decision',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('round_id', sa.String(length=36), nullable=False),
    sa.Column('item_id', sa.String(length=36), nullable=False),
    sa.Column('variable', sa.String(length=60), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('rationale', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.String(length=36), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('coded_it', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_decision_decided_by_user_account')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_decision_item_id_item')),
    sa.ForeignKeyConstraint(['round_id'], ['coding_round.id'], name=op.f('fk_decision_round_id_coding_round')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision'))
    )
    op.create_index('ix_decision_round_id_item_id', 'decision', ['round_id', 'item_id'], unique=False)
    op.create_table('round_unit',
    sa.Column('round_id', sa.String(length=36), nullable=False),
    sa.Column('item_id', sa.String(length=36), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('capture_id', sa.String(length=36), nullable=True),
    sa.ForeignKeyConstraint(['capture_id'], ['capture.id'], name=op.f('fk_round_unit_capture_id_capture')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_round_unit_item_id_item')),
    sa.ForeignKeyConstraint(['round_id'], ['coding_round.id'], name=op.f('fk_round_unit_round_id_coding_round')),
    sa.PrimaryKeyConstraint('round_id', 'item_id', name=op.f('pk_round_unit'))
    )
    op.create_table('coding_answer',
    sa.Column('assignment_id', sa.String(length=36), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('answers', sa.Text(), nullable=False),
    sa.Column('selectors', sa.Text(), nullable=False),
    sa.Column('seconds', sa.Integer(), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('commitment', sa.String(length=64), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_coding_answer_assignment_id_assignment')),
    sa.PrimaryKeyConstraint('assignment_id', 'version', name=op.f('pk_coding_answer'))
    )
    op.create_table('coding_draft',
    sa.Column('assignment_id', sa.String(length=36), nullable=False),
    sa.Column('answers', sa.Text(), nullable=False),
    sa.Column('seconds', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_coding_draft_assignment_id_assignment')),
    sa.PrimaryKeyConstraint('assignment_id', name=op.f('pk_coding_draft'))
    )
    op.create_table(
        "final_answer",
        sa.Column("round_id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("variable", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column(
            "basis",
            sa.Enum(
                "agreed",
                "adjudicated",
                "one coder",
                name="basis",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_final_answer_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["coding_round.id"], name=op.f("fk_final_answer_round_id_coding_round")
        ),
        sa.PrimaryKeyConstraint(
            "round_id", "item_id", "variable", "value", name=op.f("pk_final_answer")
        ),
    )
    op.create_index("ix_final_answer_item_id_variable", "final_answer", ["item_id", "variable"])
    if op.get_bind().dialect.name == "sqlite":
        for name, act, table, when, why in _TRIGGERS:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} WHEN {when} "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
