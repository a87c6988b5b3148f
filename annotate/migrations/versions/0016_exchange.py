"""What other programs call things, and what was coded there."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table('foreign_name',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=500), nullable=False),
    sa.Column('row_id', sa.String(length=36), nullable=False),
    sa.Column('item_id', sa.String(length=36), nullable=True),
    sa.Column('maker', sa.String(length=300), nullable=False),
    sa.Column('maker_name', sa.String(length=500), nullable=False),
    sa.Column('import_id', sa.String(length=36), nullable=True),
    sa.ForeignKeyConstraint(['import_id'], ['import_file.id'], name=op.f('fk_foreign_name_import_id_import_file')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_foreign_name_item_id_item')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_foreign_name_project_id_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_foreign_name')),
    sa.UniqueConstraint('project_id', 'kind', 'name', name=op.f('uq_foreign_name_project_id_kind_name'))
    )
    op.create_index(op.f('ix_foreign_name_item_id'), 'foreign_name', ['item_id'], unique=False)
    op.create_index('ix_foreign_name_row_id', 'foreign_name', ['row_id'], unique=False)
    op.create_table('coding_elsewhere',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project_id', sa.String(length=36), nullable=False),
    sa.Column('item_id', sa.String(length=36), nullable=False),
    sa.Column('capture_id', sa.String(length=36), nullable=False),
    sa.Column('annotation_id', sa.String(length=36), nullable=True),
    sa.Column('guid', sa.String(length=36), nullable=False),
    sa.Column('code_id', sa.String(length=36), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('coder', sa.String(length=300), nullable=False),
    sa.Column('coder_guid', sa.String(length=36), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('notes', sa.Text(), nullable=False),
    sa.Column('import_id', sa.String(length=36), nullable=True),
    sa.Column('brought_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['annotation_id'], ['annotation.id'], name=op.f('fk_coding_elsewhere_annotation_id_annotation')),
    sa.ForeignKeyConstraint(['capture_id'], ['capture.id'], name=op.f('fk_coding_elsewhere_capture_id_capture')),
    sa.ForeignKeyConstraint(['import_id'], ['import_file.id'], name=op.f('fk_coding_elsewhere_import_id_import_file')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_coding_elsewhere_item_id_item')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_coding_elsewhere_project_id_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coding_elsewhere')),
    sa.UniqueConstraint('project_id', 'guid', name=op.f('uq_coding_elsewhere_project_id_guid'))
    )
    op.create_index(op.f('ix_coding_elsewhere_item_id'), 'coding_elsewhere', ['item_id'], unique=False)
