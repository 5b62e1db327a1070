"""PostgreSQL's hash functions for numbers, over whole columns with numpy; equal bit by bit to the server's own.

`hashfloat8extended` and `hashint4extended` are Bob Jenkins' lookup3 (public domain) over 8 and 4 bytes with a 64-bit
seed, as PostgreSQL defines them in hashfn.c and hashfunc.c. Codes are not hashed here: there are few distinct ones, so
the server is asked. Whether a server agrees is asked once per audit (comparison.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Words = NDArray[np.uint32]
State = tuple[Words, Words, Words]

START = 0x9E3779B9 + 3923095
LOW, HALF = np.uint64(0xFFFF_FFFF), np.uint64(32)


def hash_float8(values: NDArray[np.float64], seed: int) -> Hashes:
    """`hashfloat8extended(value, seed)` of each value; that of a zero of either sign is the seed itself."""
    numbers = np.where(np.isnan(values), np.nan, values)  # one NaN for all
    words = numbers.view(np.uint64)
    a, b, c = (np.full(values.shape, word, np.uint32) for word in _seeded(8, np.array([seed], np.uint64)))
    a += (words & LOW).astype(np.uint32)
    b += (words >> HALF).astype(np.uint32)
    hashes = _final(a, b, c)
    hashes[values == 0] = seed
    return hashes


def hash_int4(keys: NDArray[np.int32], seed: int) -> Hashes:
    """`hashint4extended(key, seed)` of each key."""
    a, b, c = (np.full(keys.shape, word, np.uint32) for word in _seeded(4, np.array([seed], np.uint64)))
    a += keys.view(np.uint32)
    return _final(a, b, c)


def mixed(hashes: Hashes) -> Hashes:
    """`hashint4extended(0, hash)` of each: a row's hash from the XOR of its columns' hashes.

    Without it codes that change places between two rows would leave the sum over all rows as it was.
    """
    return _final(*_seeded(4, hashes))


def _seeded(length: int, seeds: Hashes) -> State:
    """The state before a key of so many bytes; a seed of 0 is none."""
    start = (START + length) & 0xFFFF_FFFF
    a = (seeds >> HALF).astype(np.uint32) + np.uint32(start)
    b = (seeds & LOW).astype(np.uint32) + np.uint32(start)
    c = np.full(seeds.shape, start, np.uint32)
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        for x, y, z, bits in ((a, b, c, first), (b, c, a, second), (c, a, b, third)):
            x -= z
            x ^= _turned(z, bits)
            z += y
    for word in (a, b, c):
        word[seeds == 0] = start
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> Hashes:
    """The state after the key, mixed in place for the last time."""
    for x, y, bits in ((c, b, 14), (a, c, 11), (b, a, 25), (c, b, 16), (a, c, 4), (b, a, 14), (c, b, 24)):
        x ^= y
        x -= _turned(y, bits)
    return (b.astype(np.uint64) << HALF) | c


def _turned(words: Words, bits: int) -> Words:
    """Rotated to the left."""
    return (words << np.uint32(bits)) | (words >> np.uint32(32 - bits))
