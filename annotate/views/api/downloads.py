"""Files over the API: the same bytes as the pages give, under the same rules, noted as exports."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.permissions import Act
from annotate.views import captures, citing, exchange, network, recorded, registry_lists
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext

_QUERY: Final = {"q": {"type": "string"}}
_CAPTURE: Final = "/captures/<capture_id>"


@endpoint(
    "GET",
    project("/exchange/project.qdpx"),
    Act.EXPORT,
    "The project, or what a query finds of it, as REFI-QDA (docs/exchange.md)",
    query=_QUERY,
    gives="application/octet-stream",
)
def project_qdpx(_session: Session, context: ProjectContext, _body: Any) -> Response:
    """Return a QDPX file."""
    return exchange.project_qdpx(context.project.slug)


@endpoint(
    "GET",
    project("/exchange/annotations.jsonld"),
    Act.EXPORT,
    "The project's highlights, or those of what a query finds, as one Web Annotation collection",
    query=_QUERY,
    gives="application/ld+json",
)
def web_annotations(_session: Session, context: ProjectContext, _body: Any) -> Response:
    """Return Web Annotations."""
    return exchange.web_annotations(context.project.slug)


@endpoint(
    "GET",
    project("/codebooks/<version_id>/qdc"),
    Act.COUNT,
    "A codebook version as REFI-QDA (QDC)",
    gives="application/xml",
)
def codebook_qdc(
    _session: Session, context: ProjectContext, _body: Any, version_id: str
) -> Response:
    """Return a QDC file."""
    return exchange.codebook_qdc(context.project.slug, version_id)


@endpoint(
    "GET",
    project("/network.gexf"),
    Act.EXPORT,
    "The network among the items that count, for Gephi and its like",
    gives="application/gexf+xml",
)
def gexf(_session: Session, context: ProjectContext, _body: Any) -> Response:
    """Return a GEXF file."""
    return network.gexf(context.project.slug)


@endpoint(
    "GET",
    project("/registry.csv"),
    Act.EXPORT,
    "Accounts and entities, as they can be brought in again",
    gives="text/csv",
)
def accounts(_session: Session, context: ProjectContext, _body: Any) -> Response:
    """Return the registry as CSV."""
    return registry_lists.out(context.project.slug)


@endpoint(
    "GET",
    project(f"{_CAPTURE}/warc"),
    Act.READ,
    "The WARC of a capture, byte for byte, or the range asked for",
    gives="application/warc",
)
def warc(_session: Session, _context: ProjectContext, _body: Any, capture_id: str) -> Response:
    """Return a WARC."""
    return captures.download(capture_id)


@endpoint(
    "GET",
    project(f"{_CAPTURE}/recorded"),
    Act.READ,
    "Every request of a capture, with what is missing and why (docs/loss-ledger.md)",
)
def requests_of(
    _session: Session, _context: ProjectContext, _body: Any, capture_id: str
) -> Response:
    """Return what was recorded."""
    return recorded.as_json(capture_id)


@endpoint(
    "GET",
    project(f"{_CAPTURE}/citation.ris"),
    Act.READ,
    "A capture as a reference manager imports it, with its digests",
    gives="application/x-research-info-systems",
)
def ris(_session: Session, _context: ProjectContext, _body: Any, capture_id: str) -> Response:
    """Return a citation in RIS."""
    return citing.ris(capture_id)


@endpoint(
    "GET",
    project(f"{_CAPTURE}/citation.json"),
    Act.READ,
    "The same as CSL-JSON",
    gives="application/vnd.citationstyles.csl+json",
)
def csl(_session: Session, _context: ProjectContext, _body: Any, capture_id: str) -> Response:
    """Return a citation in CSL-JSON."""
    return citing.csl(capture_id)
