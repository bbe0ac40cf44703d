"""Messages of a session: general responses, register, authenticate, heartbeat, attributes.

Source: JT/T 808-2013 and -2019, messages 0x0001 to 0x0108, 0x8001 to 0x8108, 0x8204, 0x0A00
and 0x8A00.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from wuxin.protocols.jt808.layout import Cursor, Group, Several, Sized, v2013, v2019
from wuxin.protocols.jt808.values import (
    U8,
    U16,
    U32,
    Bits,
    Choice,
    Digits,
    Moment,
    Raw,
    Text,
)  # fmt: skip
from wuxin.terms.errors import BadInput

RESULT: Final = Choice(
    {0: "success", 1: "failure", 2: "message_wrong", 3: "not_supported", 4: "alarm_confirmed"}
)
PLATE_COLOUR: Final = Choice(
    {0: "no_plate", 1: "blue", 2: "yellow", 3: "black", 4: "white", 5: "green", 9: "other"}
)
GENERAL: Final = Group(("reply_serial", U16), ("reply_id", U16), ("result", RESULT))
EMPTY: Final = Group()


def _registration(*, manufacturer: int, model: int, terminal: int) -> Group:
    return Group(
        ("province_id", U16),
        ("city_id", U16),
        ("manufacturer_id", Text(manufacturer)),
        ("terminal_model", Text(model)),
        ("terminal_id", Text(terminal)),
        ("plate_colour", PLATE_COLOUR),
        ("plate", Text()),
    )


class _Register:
    """The registration, whose sizes tell the editions apart.

    Terminals of 2011 send a model of 8 bytes under the header of 2013; where the plate begins
    decides, since 20 bytes of model leave at least 37 bytes.
    """

    _EDITIONS: Final = {
        "2011": _registration(manufacturer=5, model=8, terminal=7),
        "2013": _registration(manufacturer=5, model=20, terminal=7),
        "2019": _registration(manufacturer=11, model=30, terminal=30),
    }
    _SHORTEST_2013: Final = 37

    def read(self, c: Cursor) -> dict[str, Any]:
        """The fields, with the edition that they are laid out in."""
        old = c.version == "2013" and c.left < self._SHORTEST_2013
        edition = "2011" if old else c.version
        return {"edition": edition, **self._EDITIONS[edition].read(c)}

    def write(self, value: Any, version: str) -> bytes:
        """The bytes in the edition that is named, or else the one of the header."""
        if not isinstance(value, Mapping):
            raise BadInput(f"{value!r} is not a set of named fields")
        edition = value.get("edition", version)
        if edition not in self._EDITIONS or (edition == "2019") != (version == "2019"):
            raise BadInput(f"there is no edition {edition!r} under a header of {version}")
        rest = {name: field for name, field in value.items() if name != "edition"}
        return self._EDITIONS[edition].write(rest, version)


class _Rsa(Group):
    """An RSA public key {e, n}."""

    def __init__(self) -> None:
        super().__init__(("e", U32), ("n", Raw(128)))


RESEND: Final = Group(
    ("original_serial", U16),
    ("parts", Several(U8, U16), v2013),
    ("parts", Several(U16, U16), v2019),
)
_ATTRIBUTES: Final = Group(
    (
        "terminal_type",
        Bits(
            U16,
            {
                0: "passenger_vehicle", 1: "dangerous_goods", 2: "freight_vehicle", 3: "taxi",
                6: "disk_recording", 7: "split_machine", 8: "trailer",
            },
        ),
    ),
    ("manufacturer_id", Text(5)),
    ("terminal_model", Text(20), v2013),
    ("terminal_model", Text(30), v2019),
    ("terminal_id", Text(7), v2013),
    ("terminal_id", Text(30), v2019),
    ("iccid", Digits(10)),
    ("hardware_version", Sized(U8, Text())),
    ("firmware_version", Sized(U8, Text())),
    ("gnss", Bits(U8, {0: "gps", 1: "beidou", 2: "glonass", 3: "galileo"})),
    (
        "network",
        Bits(
            U8,
            {0: "gprs", 1: "cdma", 2: "td_scdma", 3: "wcdma", 4: "cdma2000", 5: "td_lte",
             7: "other"},
        ),
    ),
)  # fmt: skip
_UPGRADE_TYPE: Final = Choice({0: "terminal", 12: "ic_card_reader", 52: "gnss_module"})


def _succeeded(fields: Mapping[str, Any], _: str) -> bool:
    return fields.get("result") in {"success", 0}


_REGISTERED: Final = Choice(
    {
        0: "success", 1: "vehicle_already_registered", 2: "no_such_vehicle",
        3: "terminal_already_registered", 4: "no_such_terminal",
    }
)  # fmt: skip
_SERVER_TIME: Final = Moment(UTC)  # the one time of the protocol that is not in GMT+8

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0001: ("terminal_general_response", GENERAL),
    0x0002: ("heartbeat", EMPTY),
    0x0003: ("logout", EMPTY),
    0x0004: ("query_server_time", EMPTY),
    0x0005: ("terminal_resend_request", RESEND),
    0x0100: ("register", _Register()),
    0x0102: (
        "authenticate",
        Group(
            ("auth_code", Text(), v2013),
            ("auth_code", Sized(U8, Text()), v2019),
            ("imei", Text(15), v2019),
            ("software_version", Text(20), v2019),
        ),
    ),
    0x0107: ("attributes", _ATTRIBUTES),
    0x0108: (
        "upgrade_result",
        Group(
            ("upgrade_type", _UPGRADE_TYPE),
            ("result", Choice({0: "success", 1: "failure", 2: "cancelled"})),
        ),
    ),
    0x0A00: ("terminal_rsa_key", _Rsa()),
    0x8001: ("platform_general_response", GENERAL),
    0x8003: ("platform_resend_request", RESEND),
    0x8004: ("server_time", Group(("server_time", _SERVER_TIME))),
    0x8100: (
        "register_answer",
        Group(
            ("reply_serial", U16), ("result", _REGISTERED), ("auth_code", Text(), _succeeded)
        ),
    ),
    0x8107: ("query_attributes", EMPTY),
    0x8108: (
        "upgrade_package",
        Group(
            ("upgrade_type", _UPGRADE_TYPE),
            ("manufacturer_id", Text(5)),
            ("version", Sized(U8, Text())),
            ("data", Sized(U32, Raw())),
        ),
    ),
    0x8204: ("link_check", EMPTY),
    0x8A00: ("platform_rsa_key", _Rsa()),
}  # fmt: skip
"""Message id to the standard's name in English and the layout of its body."""
