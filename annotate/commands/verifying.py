"""`holdfast verify`: needs no home, no database and no web framework."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.ledger_check import LedgerVerdict, check_ledgers, is_home
from archive.record import Fault
from archive.verify import Verdict, VerdictWord, verify_paths
from archive.wacz.signature import Identity, Signature, SignatureState
from archive.wacz.trust import Trust, read_trust

_SHOWN = 20  # faults of one file in the human output; --json has all


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="FILE|FINGERPRINT",
    help="A PEM file of root certificates or public keys, or the SHA-256 of a public key. "
    "Without one no signer is known.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=lambda: min(4, os.cpu_count() or 1),
    show_default="as many as processors, at most 4",
    help="How many read a file of 64 MB or more at the same time.",
)
@click.pass_obj
def verify(
    invocation: Invocation, paths: tuple[Path, ...], trusted: tuple[str, ...], processes: int
) -> int:
    """Say of each WARC, ARC, WACZ, capture folder or home whether every byte is as written.

    Of a home also whether its ledgers of events have no gap, and every event its digest.

    Exit code 0 only if every file is intact, and every signature in it valid and by a signer
    you trust; 1 otherwise, with each reason.
    """
    trust = read_trust(trusted)
    good = True
    for path in paths:
        for verdict in verify_paths(path, trust, processes=processes):
            good &= is_good(verdict, trust)
            if invocation.as_json:
                click.echo(json.dumps(as_document(verdict), ensure_ascii=False))
            else:
                _tell(verdict, trust)
        if is_home(path):
            ledgers = check_ledgers(path)
            good &= not ledgers.faults
            if invocation.as_json:
                click.echo(json.dumps(ledger_document(ledgers), ensure_ascii=False))
            else:
                _tell_ledgers(ledgers)
    return 0 if good else NOT_GOOD


def is_good(verdict: Verdict, trust: Trust) -> bool:
    """Tell whether nothing is wrong and nothing claimed is unproved."""
    if verdict.verdict is not VerdictWord.INTACT:
        return False
    signature = verdict.signature
    if signature is None:
        return True
    if signature.state is SignatureState.NONE:
        return not trust.expects_a_signer
    return signature.proved


def as_document(verdict: Verdict) -> dict[str, object]:
    """Return the verdict as it is printed with --json."""
    signature = verdict.signature
    return {
        "path": str(verdict.path),
        "verdict": verdict.word,
        "records": verdict.records,
        "faults": [_fault(one) for one in verdict.faults],
        "signature": _signature(signature),
        "identity": signature.identity.value if signature else None,
        "timestamps": [
            {
                "state": one.state.value,
                "time": f"{one.time:%Y-%m-%dT%H:%M:%SZ}" if one.time else None,
                "authority": one.authority,
            }
            for one in (signature.stamps if signature else ())
        ],
        "ledger": None,
    }


def ledger_document(verdict: LedgerVerdict) -> dict[str, object]:
    """Return what was found of a home's ledgers, as it is printed with --json."""
    return {
        "path": str(verdict.path),
        "verdict": _ledger_word(verdict).value,
        "records": verdict.events,
        "faults": [
            {
                "kind": one.kind.value,
                "file": one.ledger,
                "offset": one.n,
                "record": None,
                "expected": one.expected,
                "found": one.found or one.detail,
                "detail": one.detail,
            }
            for one in verdict.faults
        ],
        "signature": None,
        "identity": None,
        "timestamps": [],
        "ledger": [
            {"name": one.name, "events": one.events, "last": one.last} for one in verdict.ledgers
        ],
    }


def _signature(signature: Signature | None) -> dict[str, str] | None:
    if signature is None:
        return None
    return {
        "state": signature.state.value,
        "signer": signature.signer,
        "reason": signature.reason,
    }


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "kind": fault.kind.value,
        "file": fault.member,
        "offset": fault.offset,
        "record": fault.record_id,
        "expected": fault.expected,
        "found": fault.found or fault.detail,
        "detail": fault.detail,
    }


def _tell(verdict: Verdict, trust: Trust) -> None:
    click.echo(f"{verdict.word}\t{_shown(str(verdict.path))}\t{verdict.records} records")
    for fault in verdict.faults[:_SHOWN]:
        where = f" in {_shown(fault.member)}" if fault.member else ""
        at = f" at byte {fault.offset}" if fault.offset or fault.length else ""
        click.echo(f"  {fault.kind.value}{where}{at}: {_shown(fault.detail)}")
    if len(verdict.faults) > _SHOWN:
        click.echo(f"  and {len(verdict.faults) - _SHOWN} more; --json lists all")
    signature = verdict.signature
    if signature is None or (signature.state is SignatureState.NONE and not trust.expects_a_signer):
        return
    click.echo(f"  signature: {signature.state.value}; {_shown(signature.reason)}")
    if signature.identity is not Identity.NONE:
        click.echo(f"  signer: {signature.identity.value}, {_shown(signature.signer)}")
    for stamp in signature.stamps:
        time = f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC, " if stamp.time else ""
        click.echo(f"  time-stamp: {stamp.state.value}, {time}{_shown(stamp.authority)}")


def _ledger_word(verdict: LedgerVerdict) -> VerdictWord:
    return VerdictWord.DAMAGED if verdict.faults else VerdictWord.INTACT


def _tell_ledgers(verdict: LedgerVerdict) -> None:
    word, path = _ledger_word(verdict), _shown(str(verdict.path))
    click.echo(f"{word}\t{path}\t{verdict.events} events in {len(verdict.ledgers)} ledgers")
    for fault in verdict.faults[:_SHOWN]:
        where = f" in {_shown(fault.ledger)}" if fault.ledger else ""
        click.echo(f"  {fault.kind.value}{where}: {_shown(fault.detail)}")
    if len(verdict.faults) > _SHOWN:
        click.echo(f"  and {len(verdict.faults) - _SHOWN} more; --json lists all")


def _shown(text: str) -> str:
    """Take out what could steer a terminal: a file may name itself anything."""
    return "".join(
        letter
        if unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}
        else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
