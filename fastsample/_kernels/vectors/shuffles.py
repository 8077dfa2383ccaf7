"""How the lanes of vectors change places, for primitives that read and write memory in order."""

from llvmlite import ir

from .simd import LANES, lanes_at, undefined

# Without AVX-512 registers are halves of 128 bits, and what crosses from one to the other costs: an
# instruction that does so takes eight parts of Zen 1, two that don't take one each.
HALF = 128  # bits


def concatenated(builder, parts):
    """Vectors laid end to end; their number is a power of two."""
    while len(parts) > 1:
        lanes = lanes_at(*range(2 * parts[0].type.count))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(a, b, lanes) for a, b in pairs]
    return parts[0]


def parts_of(builder, value, n):
    """16 lanes as several vectors of n."""
    starts = range(0, LANES, n)
    return [builder.shuffle_vector(value, value, lanes_at(*range(k, k + n))) for k in starts]


def interleaved(builder, parts):
    """The first lane of each vector, then the second of each, and so on."""
    count = len(parts)
    if count == 1:
        return parts[0]
    if count == 3:
        parts = [*parts, undefined(parts[0].type.element)]
    whole = concatenated(builder, parts)
    lanes = lanes_at(*[k % count * LANES + k // count for k in range(count * LANES)])
    return builder.shuffle_vector(whole, whole, lanes)


def halves_of(builder, vecs, size):
    """Two or four vectors lane by lane, as vectors of `size` lanes, half a register each."""
    if len(vecs) == 4:
        parts = zip(*[halves_of(builder, pair, size) for pair in (vecs[:2], vecs[2:])], strict=True)
        return [part for two in parts for part in quads_of(builder, *two, size)]
    low = [k // 2 + k % 2 * size for k in range(size)]
    lanes = lanes_at(*low), lanes_at(*[k + size // 2 for k in low])
    found = []
    for at in range(0, vecs[0].type.count, size):
        some = lanes_at(*range(at, at + size))
        one, other = [builder.shuffle_vector(vec, vec, some) for vec in vecs]
        found += [builder.shuffle_vector(one, other, part) for part in lanes]
    return found


def quads_of(builder, one, other, size):
    """Two vectors of pairs as two of quads, a pair of each to a quad."""
    if size == 2:
        return one, other
    lanes = lanes_at(0, 1, size, size + 1), lanes_at(2, 3, size + 2, size + 3)
    return [builder.shuffle_vector(one, other, part) for part in lanes]


def pairs_apart(builder, first, second, size):
    """The first and the second elements of 16 pairs, of which the halves of registers take turns.

    `first` are the even ones, `second` the odd ones, each of `size` elements: no element of a pair
    leaves its half.
    """
    halves = [at + source for at in range(0, LANES, size) for source in (0, LANES)]
    lanes = [at + k for at in halves for k in range(0, size, 2)]
    parts = (lanes_at(*[k + side for k in lanes]) for side in (0, 1))
    return [builder.shuffle_vector(first, second, part) for part in parts]


def transposed(builder, rows):
    """4 x 4 blocks turned over: row k holds quads k, k + 4, ...; column k element k of each.

    Two elements of 64 bits are half a register: what interleaves them within halves takes one
    instruction, across halves three. (The cubic filter of 1024 x 1024 takes 0.95 of the time so.)
    """
    n, kind = rows[0].type.count, rows[0].type.element

    def interleaved(a, b, *picks):
        lanes = [block + k for block in range(0, n, 4) for k in picks]
        return builder.shuffle_vector(a, b, lanes_at(*lanes))

    if kind in (ir.DoubleType(), ir.IntType(64)):
        turns, order = ((0, n, 2, n + 2), (1, n + 1, 3, n + 3)), (0, 2, 1, 3)
    else:
        turns, order = ((0, n, 1, n + 1), (2, n + 2, 3, n + 3)), (0, 1, 2, 3)
    columns = []
    for turn in turns:
        upper, lower = interleaved(*rows[:2], *turn), interleaved(*rows[2:], *turn)
        columns.append(interleaved(upper, lower, 0, 1, n, n + 1))
        columns.append(interleaved(upper, lower, 2, 3, n + 2, n + 3))
    return [columns[k] for k in order]
