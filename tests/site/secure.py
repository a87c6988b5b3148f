"""HTTPS with HTTP/2 by hypercorn, under a certificate authority made for the run."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.site.answers import Answer, Ask, End, Log


class SecureServer:
    """One origin over TLS; HTTP/2 where the client offers it."""

    def __init__(self, host: str, log: Log, answer: Callable[[Ask], Answer], folder: Path) -> None:
        self._host = host
        self._log = log
        self._answer = answer
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        authority = trustme.CA()
        made = authority.issue_cert(host)
        self._key, self._chain = folder / "site.key", folder / "site.pem"
        made.private_key_pem.write_to_path(self._key)
        self._chain.write_bytes(
            b"".join(one.bytes() for one in made.cert_chain_pems) + authority.cert_pem.bytes()
        )
        certificate = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes())
        self.certificate_der = certificate.public_bytes(Encoding.DER)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.leaf_spki = base64.b64encode(hashlib.sha256(key).digest()).decode()
        self.port = 0

    @property
    def origin(self) -> str:
        return f"https://{self._host}:{self.port}"

    async def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        config = Config()
        config.bind = [f"fd://{listening.detach()}"]
        config.keyfile, config.certfile = str(self._key), str(self._chain)
        config.alpn_protocols = ["h2", "http/1.1"]
        config.include_server_header = False
        config.include_date_header = False
        config.errorlog = None
        config.keep_alive_timeout = 1  # also how long a stream that broke off is left hanging
        config.graceful_timeout = 0.1
        config.shutdown_timeout = 0.5
        self._serving = asyncio.create_task(
            serve(self._application, config, shutdown_trigger=self._stop.wait)
        )
        await asyncio.sleep(0.1)

    async def stop(self) -> None:
        self._stop.set()
        assert self._serving is not None
        with contextlib.suppress(TimeoutError, asyncio.CancelledError, Exception):
            await asyncio.wait_for(self._serving, 3)

    async def _application(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["type"] != "http":
            return
        target = scope["raw_path"].decode() + (
            "?" + scope["query_string"].decode() if scope["query_string"] else ""
        )
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"])
        protocol = "h2" if scope["http_version"] == "2" else "http/1.1"
        ask = Ask(self.origin, scope["method"], target, protocol, headers, body)
        answer = self._answer(ask)
        line = self._log.begin(ask, answer)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.end is End.SILENT:
            raise ConnectionAbortedError
        pairs = [(k.lower().encode(), v.encode("latin-1")) for k, v in answer.headers]
        bodyless = ask.method == "HEAD" or answer.status in {204, 304}
        if not answer.chunked and not bodyless:
            length = sum(map(len, answer.pieces)) + (0 if answer.end is End.WHOLE else 1000)
            pairs.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        for piece in () if bodyless else answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if answer.pause:
                await asyncio.sleep(answer.pause)
        if answer.end is not End.WHOLE:
            await asyncio.sleep(0.1)
            raise ConnectionAbortedError
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        line.sent = True
