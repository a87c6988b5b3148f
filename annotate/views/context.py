"""What every view stands on: the parts, the person, the project, and whether they may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

from flask import current_app, g, redirect, request, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate import permissions, visibility
from annotate.blind_engine import BlindEngine
from annotate.errors import NotAllowedError, NotFoundError, SignInError
from annotate.events import Actor
from annotate.models import ApiToken, Project, Role, User
from annotate.permissions import Act
from annotate.services import mentions, people, projects, tokens
from annotate.services.mark import mark_of
from annotate.services.zones import parse_zone
from annotate.views import speech
from annotate.wiring import Wiring
from annotate.words.catalog import LANGUAGES
from search.engine import Engine
from search.errors import IndexDamagedError
from search.whoosh_engine import WhooshEngine

EXTENSION: Final = "holdfast"
_PARTS: Final = frozenset({"api", "captures"})  # what they answer with has no header of ours
API: Final = "/api/"  # here tokens count, and cookies do not: so no form of another page can act
_NOT_YOURS: Final = "There is no such project, or you are not in it."
Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
limiter: Final = Limiter(get_remote_address, storage_uri="memory://")


class Parts:
    """What the application is made of, shared by its threads."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._lock = threading.Lock()
        self._engine: WhooshEngine | None = None

    @property
    def engine(self) -> Engine:
        """The search index as the person who asks may search it."""
        hidden: frozenset[str] = g.get("hidden", frozenset())
        return BlindEngine(self.index, hidden) if hidden else self.index

    @property
    def index(self) -> WhooshEngine:
        """The search index, opened when first needed and again after it was made anew."""
        with self._lock:
            try:
                if self._engine is None:
                    self._engine = WhooshEngine(self.wiring.index)
                self._engine.position()
            except (IndexDamagedError, OSError, KeyError):
                self._engine = WhooshEngine(self.wiring.index)
            return self._engine


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """The project a request is about, and the person's role in it."""

    project: Project
    role: Role
    zone: tzinfo
    zone_name: str

    def permit(self, act: Act) -> None:
        """Let the act pass.

        :raises NotAllowedError: the role does not allow it, or a token's scopes do not cover it
        """
        permissions.require(self.role, act)
        token: ApiToken | None = g.get("token")
        if token is not None and not tokens.allows(token, act):
            raise NotAllowedError(f"This token may not {act.value}; its scopes: {token.scopes}.")


def parts() -> Parts:
    """Return the application's parts."""
    return cast("Parts", current_app.extensions[EXTENSION])


def wiring() -> Wiring:
    """Return the application's wiring."""
    return parts().wiring


def session_cookie_name() -> str:
    """Return the name of the cookie that carries the sign-in."""
    return "__Host-holdfast" if wiring().config.behind_tls else "holdfast"


def load_person() -> None:
    """Find out who asks, before anything else."""
    g.person = None
    g.token = None
    if request.path.startswith(API):
        kind, _, words = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and words:
            with wiring().database.read() as session:
                g.person, g.token = tokens.check_token(session, words.strip())
        return
    token = request.cookies.get(session_cookie_name())
    if token and request.endpoint != "static":
        with wiring().database.read() as session:
            g.person = people.session_user(session, token)


def signed_in(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer | Response]:
    """Let only signed-in people through; others sign in first and come back."""

    @wraps(view)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer | Response:
        if g.person is None:
            if wants_json() or request.method != "GET":
                raise SignInError("Your sign-in is over. Sign in again; nothing was saved.")
            return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))
        return view(*args, **kwargs)

    return guarded


def person() -> User:
    """Return who asks.

    :raises SignInError: nobody is signed in
    """
    if g.person is None:
        raise SignInError("Sign in first.")
    return cast("User", g.person)


def actor() -> Actor:
    """Return who asks, as the one who acts."""
    return people.actor_of(person())


def load_project(session: Session, slug: str, act: Act) -> ProjectContext:
    """Return the project, if the person is in it and may do this.

    :raises NotFoundError: there is none, or they are not in it: which, is not said
    :raises NotAllowedError: their role does not allow the act
    """
    try:
        project = projects.find_project(session, slug)
        role = projects.role_in(session, project, person())
    except NotFoundError as error:
        raise NotFoundError(_NOT_YOURS) from error
    return enter_project(session, project, role, act)


def enter_project(
    session: Session, project: Project, role: Role | None, act: Act
) -> ProjectContext:
    """Go into a project in a role, if there is one and it may do this; blindness then holds.

    :raises NotFoundError: the person is not in it, or a token is for another
    :raises NotAllowedError: their role or token does not allow the act
    """
    if role is None:
        raise NotFoundError(_NOT_YOURS)
    token: ApiToken | None = g.get("token")
    if token is not None and token.project_id != project.id:
        raise NotFoundError("There is no such project, or the token is not for it.")
    zone_name = request.args.get("zone") or project.reporting_zone
    context = ProjectContext(project, role, parse_zone(zone_name), zone_name)
    context.permit(act)
    g.context = context
    g.hidden = visibility.blind(session, person(), project.id, role)
    if request.blueprint not in _PARTS and request.method in {"GET", "HEAD"}:
        g.for_you = mentions.unread(session, project, person())
    return context


def wants_json() -> bool:
    """Tell whether the answer is for a program."""
    if request.path.endswith(".json") or request.path.startswith(API):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def template_words() -> dict[str, Any]:
    """Supply what every template uses."""
    context: ProjectContext | None = getattr(g, "context", None)

    def may(act: str) -> bool:
        return context is not None and permissions.may(context.role, Act[act])

    def for_you() -> int:
        if context is not None and "for_you" not in g:  # a form that is shown again
            with wiring().database.read() as session:
                visibility.blind(session, person(), context.project.id, context.role)
                g.for_you = mentions.unread(session, context.project, person())
        return cast("int", g.get("for_you", 0))

    return {
        "person": getattr(g, "person", None),
        "project": context.project if context else None,
        "context": context,
        "for_you": for_you,
        "language": speech.language(),
        "languages": LANGUAGES,
        "script_words": speech.script_words,
        "closed": len(getattr(g, "hidden", ())),
        "may": may,
        "mark": mark_of(wiring().web_key, g.person.id) if getattr(g, "person", None) else None,
    }
