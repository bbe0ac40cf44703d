"""Parameters of a terminal: set, queried, answered; and the command 0x8105.

Source: JT/T 808-2013 and -2019, messages 0x8103 to 0x8106 and 0x0104; JT/T 1078-2016 for 0x0075 to
0x007C.
"""

from typing import Any, Final

from wuxin.protocols.jt808.layout import Cursor, Group, Kind, Malformed, Several, ended
from wuxin.protocols.jt808.session import EMPTY, PLATE_COLOUR
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Number, Raw, Text
from wuxin.terms.errors import BadInput

_T: Final = Text()

PARAMETERS: Final[dict[int, tuple[str, Kind]]] = {
    0x0001: ("heartbeat_interval_s", U32), 0x0002: ("tcp_timeout_s", U32),
    0x0003: ("tcp_retries", U32), 0x0004: ("udp_timeout_s", U32), 0x0005: ("udp_retries", U32),
    0x0006: ("sms_timeout_s", U32), 0x0007: ("sms_retries", U32), 0x0010: ("main_apn", _T),
    0x0011: ("main_dial_user", _T), 0x0012: ("main_dial_password", _T),
    0x0013: ("main_server", _T), 0x0014: ("backup_apn", _T), 0x0015: ("backup_dial_user", _T),
    0x0016: ("backup_dial_password", _T), 0x0017: ("backup_server", _T),
    0x0018: ("server_tcp_port", U32), 0x0019: ("server_udp_port", U32),
    0x001A: ("ic_card_server", _T), 0x001B: ("ic_card_tcp_port", U32),
    0x001C: ("ic_card_udp_port", U32), 0x001D: ("ic_card_backup_server", _T),
    0x0020: ("report_strategy", Choice({0: "by_time", 1: "by_distance", 2: "by_both"}, U32)),
    0x0021: ("report_scheme", Choice({0: "by_acc", 1: "by_login_and_acc"}, U32)),
    0x0022: ("report_interval_no_driver_s", U32), 0x0023: ("slave_apn", _T),
    0x0024: ("slave_dial_user", _T), 0x0025: ("slave_dial_password", _T),
    0x0026: ("slave_server", _T), 0x0027: ("report_interval_asleep_s", U32),
    0x0028: ("report_interval_emergency_s", U32), 0x0029: ("report_interval_s", U32),
    0x002C: ("report_distance_m", U32), 0x002D: ("report_distance_no_driver_m", U32),
    0x002E: ("report_distance_asleep_m", U32), 0x002F: ("report_distance_emergency_m", U32),
    0x0030: ("corner_angle_deg", U32), 0x0031: ("fence_radius_m", U16),
    0x0032: ("forbidden_driving_hours", Raw(4)), 0x0040: ("platform_phone", _T),
    0x0041: ("reset_phone", _T), 0x0042: ("factory_reset_phone", _T),
    0x0043: ("platform_sms_phone", _T), 0x0044: ("alarm_sms_phone", _T),
    0x0045: ("answering", Choice({0: "automatic", 1: "automatic_if_acc_on"}, U32)),
    0x0046: ("longest_call_s", U32), 0x0047: ("longest_calls_month_s", U32),
    0x0048: ("listening_phone", _T), 0x0049: ("privileged_sms_phone", _T),
    0x0050: ("alarm_mask", U32), 0x0051: ("alarm_sms_switch", U32),
    0x0052: ("alarm_photo_switch", U32), 0x0053: ("alarm_photo_store", U32),
    0x0054: ("key_alarms", U32), 0x0055: ("highest_speed_kmh", U32),
    0x0056: ("overspeed_duration_s", U32), 0x0057: ("continuous_driving_limit_s", U32),
    0x0058: ("day_driving_limit_s", U32), 0x0059: ("shortest_rest_s", U32),
    0x005A: ("longest_parking_s", U32),
    0x005B: ("overspeed_warning_margin_kmh", Number(2, scale=10)),
    0x005C: ("fatigue_warning_margin_s", U16), 0x005D: ("collision_alarm", U16),
    0x005E: ("rollover_angle_deg", U16), 0x0064: ("timed_photo", U32),
    0x0065: ("distance_photo", U32), 0x0070: ("image_quality", U32), 0x0071: ("brightness", U32),
    0x0072: ("contrast", U32), 0x0073: ("saturation", U32), 0x0074: ("chroma", U32),
    0x0075: ("video_encoding", Raw()), 0x0076: ("video_channels", Raw()),
    0x0077: ("video_channel_encoding", Raw()), 0x0079: ("video_alarm_recording", Raw()),
    0x007A: ("video_alarm_mask", U32), 0x007B: ("image_analysis_alarm", Raw()),
    0x007C: ("terminal_wake_up", Raw()), 0x0080: ("odometer_km", Number(4, scale=10)),
    0x0081: ("province_id", U16), 0x0082: ("city_id", U16), 0x0083: ("plate", _T),
    0x0084: ("plate_colour", PLATE_COLOUR), 0x0090: ("gnss_mode", U8),
    0x0091: ("gnss_baud_rate", U8), 0x0092: ("gnss_output_rate", U8),
    0x0093: ("gnss_sampling_s", U32), 0x0094: ("gnss_upload_mode", U8),
    0x0095: ("gnss_upload_setting", U32), 0x0100: ("can1_sampling_ms", U32),
    0x0101: ("can1_upload_s", U16), 0x0102: ("can2_sampling_ms", U32),
    0x0103: ("can2_upload_s", U16), 0x0110: ("can_single_id", Raw(8)),
}  # fmt: skip
"""Parameter id to its name, with the unit behind it, and kind."""

_IDS: Final = {name: number for number, (name, _) in PARAMETERS.items()}


class _Parameter:
    """One parameter: id, length, value; an unknown one keeps its bytes."""

    def read(self, c: Cursor) -> dict[str, Any]:
        """The id, its name and the value."""
        number = int(U32.read(c))
        name, kind = parameter(number)
        inner = c.inner(int(U8.read(c)), f"parameter {number:#06x}")
        try:
            value = kind.read(inner)
            ended(inner)
        except Malformed as wrong:
            raise Malformed(f"parameter {number:#06x} ({name}): {wrong}", wrong.at) from None
        return {"id": f"{number:#06x}", "name": name, "value": value}

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of a parameter given by ``id`` or ``name``."""
        try:
            number = int(value["id"], 16) if "id" in value else _IDS[value["name"]]
            raw = parameter(number)[1].write(value["value"], version)
        except (KeyError, TypeError, ValueError):
            raise BadInput(f"{value!r} is not a parameter with its id or name and value") from None
        return U32.write(number, version) + U8.write(len(raw), version) + raw


def parameter(number: int) -> tuple[str, Kind]:
    """The name and kind of a parameter; ``unknown`` and its bytes where the standard has none."""
    return PARAMETERS.get(number, ("unknown", Raw()))


_LIST: Final = Several(U8, _Parameter())
_COMMAND: Final = Choice(
    {
        1: "wireless_upgrade", 2: "connect_to_server", 3: "power_off", 4: "reset",
        5: "factory_reset", 6: "close_data_link", 7: "close_all_links",
    }
)  # fmt: skip

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0104: (
        "parameters_answer",
        Group(("reply_serial", U16), ("parameters", _LIST)),
    ),
    0x8103: ("set_parameters", Group(("parameters", _LIST))),
    0x8104: ("query_all_parameters", EMPTY),
    0x8105: ("terminal_control", Group(("command", _COMMAND), ("arguments", Text()))),
    0x8106: ("query_parameters", Group(("ids", Several(U8, U32)))),
}
"""Message id to the standard's name in English and the layout of its body."""
