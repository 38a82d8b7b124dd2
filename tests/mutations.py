"""Files damaged as disks, networks and people damage them."""

import numpy as np


def _truncated(content, generator):
    return content[: generator.integers(1, len(content))]


def _bits(content, generator):
    changed = bytearray(content)
    for place in generator.integers(len(content), size=generator.integers(1, 60)):
        changed[place] ^= 1 << generator.integers(8)
    return bytes(changed)


def _block(content, generator):
    """The ends of a block of up to a tenth of a file."""
    length = generator.integers(1, max(2, len(content) // 10))
    first = generator.integers(len(content))
    return first, min(len(content), first + length)


def _zeroed(content, generator):
    for _ in range(generator.integers(1, 4)):
        first, end = _block(content, generator)
        content = content[:first] + bytes(end - first) + content[end:]
    return content


def _doubled(content, generator):
    first, end = _block(content, generator)
    return content[:end] + content[first:]


def _header(content, generator):
    changed = bytearray(content)
    reach = min(600, len(content))
    for place in generator.integers(reach, size=generator.integers(1, 20)):
        changed[place] = generator.integers(256)
    return bytes(changed)


def _pieces(content, generator):
    for _ in range(generator.integers(1, 4)):
        first, end = _block(content, generator)
        content = content[:first] + content[end:]
    return content


def _front(content, generator):
    return content[generator.integers(1, len(content)) :]


MUTATIONS = {
    "truncated": _truncated,
    "bits": _bits,
    "zeroed blocks": _zeroed,
    "doubled blocks": _doubled,
    "header": _header,
    "pieces missing": _pieces,
    "front missing": _front,
}


def mutants(contents, count, seed=0):
    """Yields `(key, mutation, bytes)`: files of all kinds in turns, damaged in all ways in turns.

    Args:
        contents: dict of a key to the bytes of a good file.
        count: int, how many.
        seed: int.
    """
    generator = np.random.default_rng(seed)
    keys, names = list(contents), list(MUTATIONS)
    for i in range(count):
        # All pairs of the two, for the numbers of both share no factor or are shifted by a round.
        key, name = keys[i % len(keys)], names[(i + i // len(keys)) % len(names)]
        yield key, name, MUTATIONS[name](contents[key], generator)
