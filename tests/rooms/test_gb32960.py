"""GB/T 32960.3: its vectors, signatures, answers, and that no bytes bring the decoder down."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.rooms.frames import bytes_of, holds, load, mutated, named, proper, registered
from wuxin.protocols import gb32960
from wuxin.protocols.gb32960 import sm2

EDITIONS = (load("gb32960"), load("gb32960_2025"))
VECTORS = {kind: [v for edition in EDITIONS for v in edition[kind]] for kind in EDITIONS[0]}
VIN = "LWUXIN00000000001"
BODY = bytes.fromhex("1a060108371e0407d0")
FRAMES = [bytes.fromhex(bytes_of(vector).decode()) for vector in VECTORS["accept"]]
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: Encoding) -> bytes:
    return key.public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)


def signed(algorithm: int, parts: tuple[bytes, bytes], *, body: bytes = BODY) -> bytes:
    both = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return gb32960.encode(2, body + bytes((0xFF, algorithm)) + both, vin=VIN, version="2025")


def rsa_frame(body: bytes = BODY) -> bytes:
    return signed(2, (RSA.sign(BODY, padding.PKCS1v15(), SHA256()), b""), body=body)


def ec_frame() -> bytes:
    r, s = decode_dss_signature(EC.sign(BODY, ec.ECDSA(SHA256())))
    return signed(3, (r.to_bytes(32, "big"), s.to_bytes(32, "big")))


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_frame_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = gb32960.decode(bytes_of(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), json.dumps(answer, indent=1)
    assert gb32960.decode(bytes.fromhex(bytes_of(vector).decode())) == answer


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_frame_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = gb32960.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_bcc_is_the_exclusive_or_without_the_start_bytes() -> None:
    assert gb32960.bcc(bytes((1, 2, 4, 7, 0xF0))) == 0xF0
    frame = gb32960.encode(7, b"", vin=VIN, version="2016")
    assert frame[:4] == b"##\x07\xfe"
    assert frame[-1] == gb32960.bcc(frame[2:-1])


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_a_signature_is_checked_by_the_vehicles_key(form: Encoding) -> None:
    for frame, key in ((rsa_frame(), RSA), (ec_frame(), EC)):
        said = gb32960.decode(frame, public_key=public(key, form))["fields"]["signature"]
        assert said["check"] == "valid"
        assert "reason" not in said


def test_a_changed_report_is_refused_though_its_bcc_is_right() -> None:
    frame = rsa_frame(BODY[:-1] + b"\xd1")
    assert gb32960.decode(frame)["fields"]["signature"]["check"] == "unchecked"
    answer = gb32960.decode(frame, public_key=public(RSA, Encoding.PEM))
    assert answer["ok"] is False
    assert answer["at"] == "signature"


def test_another_vehicles_key_and_a_key_of_another_kind_are_refused() -> None:
    other = public(ec.generate_private_key(ec.SECP256R1()), Encoding.DER)
    assert not gb32960.decode(ec_frame(), public_key=other)["ok"]
    assert not gb32960.decode(rsa_frame(), public_key=other)["ok"]


def test_a_report_without_signature_is_refused_where_the_vehicle_has_a_key() -> None:
    frame = gb32960.encode(2, BODY, vin=VIN, version="2025")
    assert gb32960.decode(frame)["fields"]["signature"] is None
    assert not gb32960.decode(frame, public_key=public(RSA, Encoding.PEM))["ok"]


def test_a_key_that_cannot_be_read_leaves_the_signature_unchecked() -> None:
    for key in (b"no key", b"-----BEGIN PUBLIC KEY-----=-----END PUBLIC KEY-----", b""):
        said = gb32960.decode(rsa_frame(), public_key=key)["fields"]["signature"]
        assert said["check"] == "unchecked"
        assert said["reason"] == "the public key cannot be read"


# The standard's own example: GB/T 32918.5-2017 Annex A.
SM2_KEY = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SM2_R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
SM2_S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def test_the_standards_example_of_sm2_is_valid_and_its_neighbours_are_not() -> None:
    point = sm2.public_point(SM2_KEY)
    assert point is not None
    assert sm2.verify(b"message digest", (SM2_R, SM2_S), public=point)
    for data, r, s in (
        (b"message digesT", SM2_R, SM2_S),
        (b"message digest", SM2_R + 1, SM2_S),
        (b"message digest", SM2_S, SM2_R),
        (b"message digest", SM2_R + sm2.N, SM2_S),
        (b"message digest", 0, SM2_S),
        (b"message digest", SM2_R, sm2.N - SM2_R),
    ):
        assert not sm2.verify(data, (r, s), public=point)


def test_a_point_off_the_curve_is_no_key() -> None:
    assert sm2.public_point(b"\4" + SM2_KEY) == sm2.public_point(SM2_KEY)
    assert sm2.public_point(SM2_KEY[:-1] + b"\x14") is None
    assert sm2.public_point(SM2_KEY[:-1]) is None


# Key and signature of another program, OpenSSL 3.0 (`pkeyutl -sign -rawin -digest sm3`), over BODY.
OPENSSL_KEY = bytes.fromhex("""
    3059301306072a8648ce3d020106082a811ccf5501822d03420004e88fa2eb48396aad903f2103da3527da5a
    7a7a06e4964515eef0f2da4ae4845be684576eae60345c7cfec64897eb1b05670fce9be92673b1867a62d3dd
    e37493
""")
OPENSSL_SIGNATURE = bytes.fromhex("""
    30450221008ebb2f672ba2d3475f58e52949a0f5032c8d4946787543e3e259c15f3922ab430220106785a537
    4d678245f59ce61a6468074ddbe7d74dc074a287cad874f00695d6
""")


def sm2_frame(body: bytes = BODY) -> bytes:
    r, s = decode_dss_signature(OPENSSL_SIGNATURE)
    return signed(1, (r.to_bytes(32, "big"), s.to_bytes(32, "big")), body=body)


def test_an_sm2_signature_of_another_program_is_checked() -> None:
    said = gb32960.decode(sm2_frame(), public_key=OPENSSL_KEY)
    assert said["fields"]["signature"]["check"] == "valid"
    assert not gb32960.decode(sm2_frame(BODY[:-1] + b"\0"), public_key=OPENSSL_KEY)["ok"]
    assert not gb32960.decode(sm2_frame(), public_key=SM2_KEY)["ok"]
    assert not gb32960.decode(sm2_frame(), public_key=public(EC, Encoding.DER))["ok"]


def test_an_answer_keeps_the_head_and_the_time_and_no_more() -> None:
    for frame in FRAMES:
        asked = gb32960.decode(frame)
        if asked["fields"]["encryption"] != "none":
            continue
        answer = gb32960.decode(gb32960.platform_answer(frame))
        assert answer["ok"]
        assert answer["device"] == asked["device"]
        assert answer["message"] == asked["message"]
        assert answer["fields"]["response"] == "success"
    late = gb32960.platform_answer(FRAMES[0], response=3)
    assert gb32960.decode(late)["fields"]["response"] == "vin_repeated"
    assert late[24:-1] == FRAMES[0][24:30]


def repaired(data: bytes) -> bytes:
    """The frame with length and BCC made right, so that what is inside gets read."""
    inner = data[2:22] + max(len(data) - 25, 0).to_bytes(2, "big") + data[24:-1]
    return data[:2] + inner + bytes((gb32960.bcc(inner),))


def test_no_mutation_of_a_good_frame_raises() -> None:
    key = public(EC, Encoding.DER)
    good = [*FRAMES, rsa_frame(), ec_frame()]
    taken = 0
    for data in mutated(good, 3_000, seed=32960):
        proper(gb32960.decode(data), most=100_000)
    for number, data in enumerate(mutated(good, 7_000, seed=2025)):
        answer = gb32960.decode(repaired(data), public_key=None if number % 50 else key)
        proper(answer, most=100_000)
        taken += answer["ok"]
    assert 500 < taken < 6_500  # repaired frames get past the BCC


def test_the_largest_frame_is_read_in_bounds_and_a_larger_one_is_not() -> None:
    unit = BODY[:6] + b"\x80" + (65500).to_bytes(2, "big") + bytes(65500)
    frame = gb32960.encode(2, unit, vin=VIN, version="2016")
    assert gb32960.decode(frame)["ok"]
    assert gb32960.decode(frame.hex().encode())["ok"]
    assert not gb32960.decode(frame + bytes(100_000))["ok"]
    assert not gb32960.decode(b"ab" * 1_000_000)["ok"]


def test_a_frame_full_of_small_bodies_stays_in_bounds() -> None:
    vehicle = bytes.fromhex("0101010101900001e2400ed8277450010207d01465")
    for unit, version in ((b"\4\7\xd0" * 21_000, "2025"), (vehicle * 3_100, "2016")):
        answer = gb32960.decode(gb32960.encode(2, BODY[:6] + unit, vin=VIN, version=version))
        assert answer["ok"]
        proper(answer, most=4_000_000)


def test_an_invalid_insulation_is_no_reading_in_either_edition() -> None:
    for version, rest in (("2016", b"\0\0"), ("2025", b"")):
        unit = BODY[:6] + b"\1" + b"\xff" * 15 + b"\0" + b"\xff" * 2 + rest
        answer = gb32960.decode(gb32960.encode(2, unit, vin=VIN, version=version))
        assert answer["fields"]["bodies"][0]["insulation_resistance"] == "invalid"
        names = [reading["indicator"] for reading in answer["readings"]]
        assert names == (["accelerator_pedal", "brake_pedal"] if version == "2016" else [])


def leading(text: str) -> float:
    return round(float(text.split(maxsplit=1)[0]), 3)


@pytest.mark.shared
def test_samples_of_another_suite_mean_the_same(shared: Path) -> None:
    lines = (shared / "vectors/gb32960/rtm_con_samples.jsonl").read_text("utf-8").splitlines()
    refused = []
    for number, case in enumerate(map(json.loads, lines)):
        answer, wanted = gb32960.decode(case["frame"].encode()), case["expected"]
        if not answer["ok"]:
            refused.append((number, answer["error"]))
            continue
        assert answer["device"] == wanted["vin"]
        bodies = {body["name"]: body for body in answer["fields"].get("bodies", ())}
        for item in wanted["payload"].get("data_list", ()):
            compare(item, bodies)
    # What its program lets pass: a body of a reserved type with a length that is too large, a
    # wrong BCC, and bytes behind the signature.
    assert [number for number, _ in refused] == [28, 29, 31]
    assert "a body that the standard does not define needs" in refused[0][1]
    assert refused[1:] == [
        (29, "the BCC is E7 and must be 1C"),
        (31, "38 bytes are left in the data unit"),
    ]


def compare(item: dict[str, Any], bodies: dict[str, Any]) -> None:
    content = item["data_content"]
    if item["data_type"] == "whole_vehicle":
        names = {"vehicle_speed": "speed", "mileage_total": "mileage", "soc": "soc",
                 "voltage_total": "total_voltage", "current_total": "total_current"}  # fmt: skip
        for theirs, ours in names.items():
            got, text = bodies["vehicle"][ours], content[theirs]
            assert got == ("invalid" if "invalid" in text else leading(text)), (theirs, text)
    elif item["data_type"] == "emotor":
        for got, row in zip(bodies["motors"]["motors"], content, strict=True):
            for theirs, ours in {"speed": "speed", "torque": "torque"}.items():
                text = row[theirs]
                assert got[ours] == ("invalid" if "invalid" in text else leading(text)), row
    elif item["data_type"] == "cell_volts":
        for got, row in zip(bodies["cell_voltages"]["batteries"], content, strict=True):
            texts = row["cell_volts"]
            assert got["cell_voltages"] == [
                "invalid" if "invalid" in text else leading(text) for text in texts
            ]


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("gb32960") == gb32960.__name__
