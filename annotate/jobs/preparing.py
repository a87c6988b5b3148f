"""Making a capture's job out of a request: its way out, its identity, its bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from annotate.errors import AnnotateError
from annotate.models import CaptureRequest, User
from annotate.services.ways import egress_of
from annotate.wiring import Wiring
from archive.capture.job import CaptureJob, CaptureOptions
from archive.errors import StoreError
from archive.urlkey import Address

# The http engine reserves a body's limit while it is fetched: page and parts must fit together.
BODIES_AT_ONCE: Final = 8


class NotReadyError(AnnotateError):
    """What the request wants to be captured with is not there; nothing was sent."""


def prepare(
    wiring: Wiring,
    request: CaptureRequest,
    capture_id: str,
    operator: User,
    folder: Path,
) -> CaptureJob:
    """Make the job of a request.

    :raises NotReadyError: the password of the project's proxy, or the session's file, is gone:
        capturing without them would show the other side who is asking
    """
    config = wiring.config
    try:
        with wiring.database.read() as session:
            egress = egress_of(session, request.project_id, wiring.secrets)
        signed_in = wiring.sessions.load(request.session_id) if request.session_id else None
    except StoreError as error:
        raise NotReadyError(f"Nothing was sent: {error}") from error
    return CaptureJob(
        capture_id=capture_id,
        address=Address.parse(request.address),
        folder=folder,
        policy=replace(wiring.policy, egress=egress),
        operator=operator.pseudonym,
        instance=wiring.instance,
        reason=request.why,
        options=CaptureOptions(
            time_limit=config.capture_seconds,
            total_limit=config.capture_bytes,
            body_limit=config.capture_bytes // BODIES_AT_ONCE,
            media=request.media,
        ),
        phrases=wiring.phrases.current().together,
        sites=wiring.sites.current().rules,
        session=signed_in,
    )
