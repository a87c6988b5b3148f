"""Imports."""

from flask import Blueprint

bp = Blueprint("imports", __name__)


@bp.get("/p/<slug>/imports")
def index(slug: str) -> str:
    """Placeholder until written below."""
    return slug
