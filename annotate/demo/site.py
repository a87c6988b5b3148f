"""The invented platforms of a study, served on loopback so that every engine can capture them.

A post's own address carries its author, text and date in the HTML and no other post's text;
profile pages are driven by script (decisions 2).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import Any, Final

from flask import Flask, Response, abort, jsonify, render_template, request
from markupsafe import Markup, escape

from annotate.demo.study import DateShown, Post, Study

_MENTION: Final = re.compile(r"@([A-Za-z0-9_]+)")
_FILMS: Final = 32  # of 256 posts show the short film instead of a picture
_PAGE: Final = 10  # posts a profile loads at a time
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ug", "ur", "fa", "he"})
_COLOURS: Final = ("#8a5a44", "#3d6b7d", "#6b7d3d", "#7d3d5c", "#4a4a7a", "#7a6a3a")


def create_site(study: Study) -> Flask:
    """Make the site of a study; posts marked `deleted_later` go when told to."""
    app = Flask("annotate.demo.site", template_folder="templates", static_folder="static")
    posts = {post.url: post for post in study.posts}
    by_author: dict[tuple[str, str], list[Post]] = defaultdict(list)
    for post in sorted(study.posts, key=lambda one: one.posted_at, reverse=True):
        by_author[post.platform, post.author].append(post)
    names = {account.handle: account.name for account in study.accounts}
    deleted: set[str] = set()

    @app.get("/")
    def front() -> str:
        platforms = sorted({post.platform for post in study.posts})
        return render_template("front.html", platforms=platforms, accounts=by_author)

    @app.post("/__demo/delete")
    def delete() -> Response:
        deleted.update(post.url for post in study.posts if post.deleted_later)
        return jsonify(deleted=len(deleted))

    @app.post("/__demo/restore")
    def restore() -> Response:
        deleted.clear()
        return jsonify(deleted=0)

    @app.get("/api/<platform>/<handle>")
    def profile_posts(platform: str, handle: str) -> Response:
        start = request.args.get("from", 0, type=int)
        found = [post for post in by_author[platform, handle] if post.url not in deleted]
        page = [_brief(post) for post in found[start : start + _PAGE]]
        following = start + _PAGE if start + _PAGE < len(found) else None
        return jsonify(posts=page, next=following)

    @app.get("/media/<path:name>")
    def media(name: str) -> Response:
        return Response(_picture(name), mimetype="image/svg+xml")

    @app.get("/<path:path>")
    def page(path: str) -> Any:
        url = f"/{path}"
        if url in deleted:
            platform = posts[url].platform
            status = 410 if platform == "chirper" else 404
            return render_template("gone.html", platform=platform), status
        if url in posts:
            post = posts[url]
            return render_template(
                "post.html", post=post, name=names.get(post.author, ""), **_shown(post)
            )
        platform, _, handle = path.partition("/")
        if (platform, handle) in by_author:
            return render_template(
                "profile.html", platform=platform, handle=handle, name=names.get(handle, "")
            )
        return abort(404)

    return app


def _shown(post: Post) -> dict[str, object]:
    """Return how a post's date and text stand in its page."""
    local = post.posted_at
    if post.date_shown is DateShown.SECOND:
        attribute, text = post.posted_at_claimed, f"{local:%d %b %Y · %H:%M:%S}"
    elif post.date_shown is DateShown.DAY:
        attribute, text = None, f"{local:%Y-%m-%d}"
    else:
        attribute, text = None, "2 h"
    return {
        "time_attribute": attribute,
        "time_text": text,
        "body": _linked(post),
        "has_film": hashlib.sha256(post.id.encode()).digest()[0] < _FILMS,
        "direction": "rtl" if post.lang in _RIGHT_TO_LEFT else "ltr",
    }


def _linked(post: Post) -> Markup:
    link = rf'<a href="/{post.platform}/\1"><bdi>@\1</bdi></a>'
    return Markup(_MENTION.sub(link, str(escape(post.text))))


def _brief(post: Post) -> dict[str, object]:
    return {"url": post.url, "text": post.text, "lang": post.lang, "likes": post.likes}


def _picture(name: str) -> str:
    """Draw a landscape that is always the same for the same name."""
    seed = hashlib.sha256(name.encode()).digest()
    sky, land, far = (_COLOURS[byte % len(_COLOURS)] for byte in seed[:3])
    ridge = " ".join(f"{x * 80},{150 + seed[x + 3] // 3}" for x in range(9))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" width="640" height="360">'
        f'<rect width="640" height="360" fill="{sky}" opacity=".45"/>'
        f'<circle cx="{80 + seed[20] * 2}" cy="80" r="36" fill="#fff3c4"/>'
        f'<polygon points="0,360 {ridge} 640,360" fill="{far}" opacity=".8"/>'
        f'<rect y="{270 + seed[21] // 6}" width="640" height="120" fill="{land}"/></svg>'
    )
