"""Mutations without guidance, for a quick run: what fuzzers do to bytes, from a fixed seed."""

import random
from collections.abc import Iterator, Sequence

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def mutations(
    inputs: Sequence[bytes], count: int, seed: int, longest: int = 100_000
) -> Iterator[bytes]:
    """Yield so many inputs, each made of one or two of those given."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(inputs))
        for _ in range(chance.randint(1, 4)):
            _change(data, chance, inputs)
        yield bytes(data[:longest])


def _change(data: bytearray, chance: random.Random, inputs: Sequence[bytes]) -> None:
    at, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    match chance.randint(0, 6):
        case 0 if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1 if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
        case 2:
            del data[at : min(end, at + 64)]
        case 3:
            data[at:at] = data[at : min(end, at + 64)] * chance.randint(1, 3)
        case 4:
            number = chance.choice(_NUMBERS).to_bytes(chance.choice((4, 8)), "little")
            size = chance.choice((1, 2, 4))
            data[at : at + size] = number[:size]
        case 5:
            other = chance.choice(inputs)
            begin = chance.randint(0, len(other))
            data[at:at] = other[begin : begin + chance.randint(1, 64)]
        case _:
            del data[end:]
