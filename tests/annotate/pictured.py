"""Captures with pictures and sound beside the page, made here."""

from __future__ import annotations

import io
import math
import struct
import wave
from datetime import datetime

from conftest import FakeEngine
from PIL import Image

from archive.capture.attachments import Attachments
from archive.writer import CaptureWriter

WIDTH, HEIGHT = 1280, 1600
TILE = 400  # pixels the second tile is tall


def picture(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A PNG whose colour tells the place."""
    made = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def sound(seconds: float = 3.0) -> bytes:
    """A WAV of one quiet tone."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = (int(900 * math.sin(n / 4)) for n in range(int(8000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", one) for one in tone))
    return out.getvalue()


class PicturedEngine(FakeEngine):
    """Takes two tiles of the page, and one sound."""

    def attach(self, writer: CaptureWriter, url: str, at: datetime) -> None:
        beside = Attachments(writer, url, None)
        beside.view(picture(WIDTH, 800), at=at)
        beside.full_page(picture(), at=at)
        beside.full_page(picture(WIDTH, TILE), at=at, tile=1)
        beside.media(1, "audio/wav", io.BytesIO(sound()), at=at)
