"""What a capture may reach, decided before anything is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archive.capture.addresses import normalise, why_not_public
from archive.capture.egress import Egress

# Asked for by Chromium itself in spite of its flags (seen with 156); never part of a page's
# evidence. A name also stands for its subdomains.
TELEMETRY_HOSTS: Final = frozenset(
    {
        "accounts.google.com",
        "android.clients.google.com",
        "clients1.google.com",
        "clients2.google.com",
        "clients3.google.com",
        "clients4.google.com",
        "clients5.google.com",
        "clients6.google.com",
        "clientservices.googleapis.com",
        "content-autofill.googleapis.com",
        "gvt1.com",
        "mtalk.google.com",
        "optimizationguide-pa.googleapis.com",
        "safebrowsing.googleapis.com",
        "safebrowsingohttpgateway.googleapis.com",
        "update.googleapis.com",
    }
)

# Ports of other services, where an HTTP request could do harm (Fetch standard, "bad port").
OTHER_SERVICES: Final = frozenset(
    {
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95,
        101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179,
        389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601,
        636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
        6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What may be reached, and by which way out.

    Public addresses, and the literal (IP, port) pairs in `allowed`.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    public: bool = True
    """False refuses public addresses as well: nothing but `allowed` (replay checks)."""
    egress: Egress | None = None
    """The project's proxy; None connects directly."""

    def allows(self, address: str, port: int) -> bool:
        """Whether a literal address and port was let through by name."""
        plain = normalise(address)
        return any(normalise(ip) == plain and open_port == port for ip, open_port in self.allowed)

    def refusal(self, address: str, port: int) -> str | None:
        """Why a literal IP address must not be reached at `port`, or None where it may."""
        if self.allows(address, port):
            return None
        if not self.public:
            return "this capture may reach listed addresses only"
        return why_not_public(normalise(address))


def plain_host(host: str) -> str:
    """One spelling of a host: small letters, no closing dot."""
    return host.lower().rstrip(".")


def is_telemetry(host: str, names: frozenset[str] = TELEMETRY_HOSTS) -> bool:
    """Whether `host` is one the browser calls on its own account."""
    plain = plain_host(host)
    return any(plain == name or plain.endswith("." + name) for name in names)
