"""The replay host: an unmodified ReplayWeb.page of the administrator's, and packages by link.

Here, and only here, scripts of archived pages run. So it is a program of its own under another
host name: it has no sign-in and no cookie of the application, reads nothing but the folder it
is given and packages that a signed link names, and answers under no other name. Ports would
not do: cookies ignore them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, render_template, request, send_file, send_from_directory

from annotate.errors import UsageError
from annotate.services import replay_links
from annotate.services.replay_links import ReplayLink
from annotate.wiring import Wiring

NEEDED: Final = ("ui.js", "sw.js")  # of a build of ReplayWeb.page
_FRAME: Final = (
    '<!doctype html><meta charset="utf-8"><title>Replay</title>'
    '<script src="/ui.js"></script><replay-app-main></replay-app-main>'
)
# Scripts of archived pages run here; that they reach nothing but this host is said twice: the
# pages' own policy by ReplayWeb.page, and this one.
_POLICY: Final = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' data: blob:; "
    "form-action 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def is_offered(wiring: Wiring) -> bool:
    """Tell whether the administrator has put a ReplayWeb.page in."""
    return bool(wiring.config.replay_folder)


def check_settings(wiring: Wiring) -> None:
    """Check that what was put in can be served, and under a name that keeps it apart.

    :raises UsageError: the folder has no build in it, or the address is the application's own
    """
    config = wiring.config
    folder = Path(config.replay_folder)
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise UsageError(
            f"replay_folder {folder} holds no ReplayWeb.page: {', '.join(missing)} is not there."
        )
    address = urlsplit(config.replay_address)
    if address.scheme not in {"http", "https"} or not address.hostname or address.path.strip("/"):
        raise UsageError(
            f"replay_address {config.replay_address!r} is no address as http://replay.localhost:5001"
        )
    if address.hostname in {config.host, "127.0.0.1", "localhost", "::1"}:
        raise UsageError(
            f"replay_address has the host name {address.hostname}, which is the application's own. "
            "Another port is not enough: scripts of archived pages could use its cookies. "
            "Give it a host name of its own, as replay.localhost."
        )


def create_replay_app(wiring: Wiring) -> Flask:
    """Make the application of the replay host."""
    app = Flask("annotate", template_folder="templates", static_folder=None)
    folder = Path(wiring.config.replay_folder).resolve()
    host = urlsplit(wiring.config.replay_address).hostname

    @app.before_request
    def refuse_other_names() -> None:
        name = urlsplit(f"//{request.host}").hostname
        if name != host:
            abort(404)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/open/<words>")
    def opened(words: str) -> str:
        return render_template("replay_open.html", link=_link(wiring, words), words=words)

    @app.get("/wacz/<words>.wacz")
    def wacz(words: str) -> Response:
        path = replay_links.folder_of(wiring.home) / Path(_link(wiring, words).package).name
        if not path.is_file():
            abort(404, "The package is no longer kept. Open it again from Holdfast.")
        return send_file(path, mimetype="application/wacz", conditional=True)

    @app.get("/replay/")
    @app.get("/replay/index.html")
    def frame() -> Response:
        return Response(_FRAME, content_type="text/html; charset=utf-8")

    @app.get("/<path:name>")
    def part(name: str) -> Response:
        return send_from_directory(folder, name.removeprefix("replay/"))

    return app


def _link(wiring: Wiring, words: str) -> ReplayLink:
    link = replay_links.read(wiring.web_key, words)
    if link is None:
        abort(404, "This link is no longer good: it holds for an hour. Open it again in Holdfast.")
    return link
