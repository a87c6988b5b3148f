"""Drawing samples and giving units out: pure functions of ids and a seed, to be done again."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence


def draw(
    item_ids: Sequence[str], size: int, seed: int, strata: Mapping[str, str] | None = None
) -> list[str]:
    """Draw a sample, the same for the same ids, size, seed and strata.

    With strata every value gets its share by largest remainder.

    :param size: 0, or more than there are, takes all
    """
    population = sorted(item_ids)
    number = size if 0 < size < len(population) else len(population)
    source = random.Random(seed)  # noqa: S311  # a sample to be drawn again, no secret
    if strata is None:
        drawn = source.sample(population, number)
    else:
        drawn = []
        for value, share in sorted(_shares(population, strata, number).items()):
            layer = [item_id for item_id in population if strata.get(item_id, "") == value]
            drawn += source.sample(layer, share)
        source.shuffle(drawn)
    return drawn


def _shares(population: Sequence[str], strata: Mapping[str, str], number: int) -> dict[str, int]:
    sizes = Counter(strata.get(item_id, "") for item_id in population)
    exact = {value: number * size / len(population) for value, size in sizes.items()}
    shares = {value: int(share) for value, share in exact.items()}
    rest = number - sum(shares.values())
    by_remainder = sorted(exact, key=lambda value: (shares[value] - exact[value], value))
    for value in by_remainder[:rest]:
        shares[value] += 1
    return shares


def assign(
    units: Sequence[str],
    coders: Sequence[str],
    per_unit: int,
    seed: int,
    spared: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, list[str]]:
    """Give every unit `per_unit` coders so that loads differ by one at most, and pairs vary.

    Each coder meets their units in an order of their own, so that tiredness does not fall on
    the same ones.

    :param spared: by coder, units they are not to be given; loads may then differ by more, and
        a unit may have fewer coders than asked (`short_of_coders`)
    """
    refused = spared or {}
    none: frozenset[str] = frozenset()
    source = random.Random(seed + 1)  # noqa: S311  # to be assigned again, no secret
    loads = dict.fromkeys(coders, 0)
    given: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        able = [coder for coder in coders if unit not in refused.get(coder, none)]
        ranked = sorted(able, key=lambda coder: (loads[coder], source.random()))
        for coder in ranked[:per_unit]:
            loads[coder] += 1
            given[coder].append(unit)
    for held in given.values():
        source.shuffle(held)
    return dict(given)


def repeated(held: Sequence[str], percent: int, seed: int) -> list[tuple[str, bool]]:
    """Return a coder's units in their order with hidden repeats among those of the second half.

    A repeat stands at least half the list behind its first time.

    :param percent: how many of the units come again
    :returns: units, each with whether it is a repeat
    """
    half = len(held) // 2
    source = random.Random(seed)  # noqa: S311  # to be drawn again, no secret
    number = min(half, round(len(held) * percent / 100))
    chosen = sorted(source.sample(range(half), number))
    tail: dict[int, list[str]] = defaultdict(list)
    for place in chosen:
        tail[source.randint(place + half, len(held))].append(held[place])
    ordered: list[tuple[str, bool]] = []
    for place in range(len(held) + 1):
        ordered += [(unit, True) for unit in tail[place]]
        if place < len(held):
            ordered.append((held[place], False))
    return ordered
