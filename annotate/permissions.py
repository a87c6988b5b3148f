"""Who may do what: one table, asked by every route, command and export."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from annotate.errors import NotAllowedError
from annotate.models import Role


class Act(StrEnum):
    """What a person can do in a project."""

    COUNT = "see numbers"
    """Lists without words of what was captured, counts, codes, agreement."""
    READ = "read"
    EXPORT = "export"
    CAPTURE = "capture"
    IMPORT = "import"
    TAG = "tag"
    NOTE = "write notes"
    SET_FIELD = "set fields"
    JUDGE_SAME = "judge items the same"
    SAVE_SEARCH = "save searches"
    REGISTER = "write in the registry"
    SWEEP = "record sweeps"
    SCREEN = "screen items"
    UNDO_OTHERS = "undo what others did to many items"
    CODE = "code"
    SEE_COOKIES = "see the cookies that captures were made with"
    MANAGE_CODING = "manage codebooks and rounds"
    CHANGE_PROJECT = "change the project"
    MANAGE_MEMBERS = "manage members"


# What shows a byte of a capture, a note, or a remark asks for READ or more.
_DATA_VIEWER: Final = frozenset({Act.COUNT})
_VIEWER: Final = _DATA_VIEWER | {Act.READ, Act.EXPORT}
_CODER: Final = _VIEWER | {
    Act.TAG,
    Act.NOTE,
    Act.SET_FIELD,
    Act.CAPTURE,
    Act.JUDGE_SAME,
    Act.SAVE_SEARCH,
    Act.REGISTER,
    Act.SWEEP,
    Act.SCREEN,
    Act.CODE,
}
_MANAGER: Final = _CODER | {
    Act.IMPORT,
    Act.CHANGE_PROJECT,
    Act.MANAGE_CODING,
    Act.SEE_COOKIES,
    Act.UNDO_OTHERS,
}
ACTS: Final[Mapping[Role, frozenset[Act]]] = {
    Role.DATA_VIEWER: _DATA_VIEWER,
    Role.VIEWER: _VIEWER,
    Role.CODER: _CODER,
    Role.MANAGER: _MANAGER,
    Role.OWNER: _MANAGER | {Act.MANAGE_MEMBERS},
}


def may(role: Role, act: Act) -> bool:
    """Tell whether the role allows the act."""
    return act in ACTS[role]


def require(role: Role, act: Act) -> None:
    """Let the act pass.

    :raises NotAllowedError: the role does not allow it
    """
    if not may(role, act):
        raise NotAllowedError(f"As {role.value} of this project you may not {act.value}.")
