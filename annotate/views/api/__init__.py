"""The REST API, version 1: what the pages do, for programs with a token.

`spec` knows every endpoint and writes the OpenAPI document; the other modules are thin views
over the same services as the pages.
"""

from annotate.views.api import (
    coding,
    differing,
    downloads,
    fixity,
    history,
    imports,
    items,
    library,
    lists,
    marks,
    memos,
    packages,
    project,
    queue,
    recoding,
    registry,
    relations,
    rounds,
    sameness,
    screening,
    sensitive,
    sweeps,
    talk,
    tokens,
    ways,
)
from annotate.views.api.spec import bp

__all__ = [
    "bp",
    "coding",
    "differing",
    "downloads",
    "fixity",
    "history",
    "imports",
    "items",
    "library",
    "lists",
    "marks",
    "memos",
    "packages",
    "project",
    "queue",
    "recoding",
    "registry",
    "relations",
    "rounds",
    "sameness",
    "screening",
    "sensitive",
    "sweeps",
    "talk",
    "tokens",
    "ways",
]
