"""What every table shares: names of constraints, aware times, enums as words."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from sqlalchemy import DateTime, Dialect, Enum, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from archive.clock import require_aware

Word = TypeVar("Word", bound=StrEnum)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, stored in UTC to the microsecond; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware time into UTC.

        :raises ValueError: the time is naive
        """
        if value is None:
            return None
        moment = require_aware(value).astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware time, in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def word(kind: type[Word], *, listed: bool = True) -> Enum:
    """A column of one enum's words, checked by the program, and if `listed` by the database too."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=listed,
        validate_strings=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


IDENTIFIER = String(36)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False):
    """Base of every table. `__logged__` tables change only together with an event."""

    metadata = MetaData(naming_convention=NAMING)
    __logged__: ClassVar[bool] = False
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime}
