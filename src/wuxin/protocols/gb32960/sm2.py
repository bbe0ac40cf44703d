"""Verifying SM2 signatures, which `cryptography` does not: public values only, no secrets.

It is arithmetic with whole numbers, some milliseconds for a signature; nothing here has to be
constant in time, since all it handles is public.

Source: GB/T 32918.1 (curve), GB/T 32918.2-2016 §5.5 and §7 (verification), GB/T 32918.5-2017
(parameters of the recommended curve); GM/T 0009-2012 §10 for the signer's usual name.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SM3, Hash

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SIGNER: Final = b"1234567812345678"

_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
Point = tuple[int, int, int]
"""Jacobian coordinates: x/z², y/z³; z is 0 at infinity."""


def public_point(key: bytes) -> tuple[int, int] | None:
    """The point of a public key: DER with SM2's name, or 64 bytes of x and y, or 04 before them.

    None if it is no such key or not on the curve.
    """
    raw = key.removeprefix(_SPKI)
    if len(raw) == 65 and raw[0] == 4:
        raw = raw[1:]
    if len(raw) != 64:
        return None
    x, y = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    on_curve = max(x, y) < P and (y * y - (x * x * x + A * x + B)) % P == 0
    return (x, y) if on_curve else None


def verify(data: bytes, signature: tuple[int, int], *, public: tuple[int, int]) -> bool:
    """Whether a signature (r, s) belongs to these bytes and this point.

    Source: GB/T 32918.2-2016 §7.1.
    """
    r, s = signature
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N and t):
        return False
    name = (8 * len(SIGNER)).to_bytes(2, "big") + SIGNER
    numbers = b"".join(part.to_bytes(32, "big") for part in (A, B, *G, *public))
    digest = int.from_bytes(_sm3(_sm3(name + numbers) + data), "big")
    x, _, z = _combined(s, t, public=public)
    if z == 0:
        return False
    return (digest + x * pow(z, -2, P) % P) % N == r


def _sm3(data: bytes) -> bytes:
    state = Hash(SM3())
    state.update(data)
    return state.finalize()


def _combined(s: int, t: int, *, public: tuple[int, int]) -> Point:
    """s·G + t·public, both from the highest bit down in one pass."""
    base, other = (*G, 1), (*public, 1)
    steps = {(1, 0): base, (0, 1): other, (1, 1): _added(base, other)}
    total: Point = (1, 1, 0)
    for bit in range(255, -1, -1):
        total = _doubled(total)
        step = steps.get((s >> bit & 1, t >> bit & 1))
        if step is not None:
            total = _added(total, step)
    return total


def _doubled(point: Point) -> Point:
    x, y, z = point
    if z == 0 or y == 0:
        return (1, 1, 0)
    yy, zz = y * y % P, z * z % P
    slope = 3 * (x - zz) * (x + zz) % P  # 3x² + a·z⁴, as a is -3
    middle = 4 * x * yy % P
    new_x = (slope * slope - 2 * middle) % P
    return (new_x, (slope * (middle - new_x) - 8 * yy * yy) % P, 2 * y * z % P)


def _added(one: Point, two: Point) -> Point:
    (x1, y1, z1), (x2, y2, z2) = one, two
    if z1 == 0:
        return two
    if z2 == 0:
        return one
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    h, slope = (u2 - u1) % P, (s2 - s1) % P
    if h == 0:
        return _doubled(one) if slope == 0 else (1, 1, 0)
    hh = h * h % P
    hhh, middle = h * hh % P, u1 * hh % P
    x = (slope * slope - hhh - 2 * middle) % P
    return (x, (slope * (middle - x) - s1 * hhh) % P, h * z1 * z2 % P)
