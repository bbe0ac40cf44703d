"""Flags of a location: alarms, status, vehicle signals, inputs, and the alarms of JT/T 1078.

Source: JT/T 808-2013 and -2019, message 0x0200, alarm and status words and additional items 0x25
and 0x2A; JT/T 1078-2016, additional items 0x14 to 0x18.
"""

from typing import Final

from wuxin.protocols.jt808.values import U16, U32, U64, Bits

ALARM: Final = Bits(
    U32,
    {
        0: "emergency", 1: "overspeed", 2: "fatigue", 3: "danger_warning", 4: "gnss_fault",
        5: "gnss_antenna_open", 6: "gnss_antenna_short", 7: "main_power_low",
        8: "main_power_lost", 9: "display_fault", 10: "tts_fault", 11: "camera_fault",
        12: "ic_card_fault", 13: "overspeed_warning", 14: "fatigue_warning",
        15: "forbidden_driving", 16: "tyre_pressure_warning", 17: "right_turn_blind_spot",
        18: "day_driving_too_long", 19: "parked_too_long", 20: "area_crossed",
        21: "route_crossed", 22: "segment_time", 23: "off_route", 24: "speed_sensor_fault",
        25: "fuel_abnormal", 26: "stolen", 27: "illegal_ignition", 28: "illegal_movement",
        29: "collision_warning", 30: "rollover_warning", 31: "illegal_door_opening",
    },
)  # fmt: skip
"""Alarm word of 0x0200; bits 15 to 17 have their names since 2019."""

STATUS: Final = Bits(
    U32,
    {
        0: "acc_on", 1: "positioned", 2: "south", 3: "west", 4: "out_of_service",
        5: "coordinates_encrypted", 6: "forward_collision_warning", 7: "lane_departure_warning",
        8: "load_bit_0", 9: "load_bit_1", 10: "oil_cut", 11: "power_cut", 12: "doors_locked",
        13: "door_1_open", 14: "door_2_open", 15: "door_3_open", 16: "door_4_open",
        17: "door_5_open", 18: "by_gps", 19: "by_beidou", 20: "by_glonass", 21: "by_galileo",
        22: "moving",
    },
)  # fmt: skip
"""Status word of 0x0200; 8 and 9 together: 0 empty, 1 half, 3 full; 22 since 2019."""

SIGNALS: Final = Bits(
    U32,
    {
        0: "low_beam", 1: "high_beam", 2: "right_turn", 3: "left_turn", 4: "brake", 5: "reverse",
        6: "fog_light", 7: "side_light", 8: "horn", 9: "air_conditioner", 10: "neutral",
        11: "retarder", 12: "abs", 13: "heater", 14: "clutch",
    },
)  # fmt: skip
"""Additional item 0x25."""

INPUTS: Final = Bits(U16, {0: "deep_sleep", 1: "sleep"})
"""Additional item 0x2A."""

VIDEO_ALARM: Final = Bits(
    U32,
    {
        0: "video_signal_lost", 1: "video_signal_blocked", 2: "storage_fault",
        3: "other_video_fault", 4: "overloaded", 5: "abnormal_driving",
        6: "alarm_recording_full",
    },
)  # fmt: skip
"""Additional item 0x14 of JT/T 1078."""

CHANNELS: Final = Bits(U32, {bit: f"channel_{bit + 1}" for bit in range(32)})
"""Additional items 0x15 and 0x16 of JT/T 1078."""

STORES: Final = Bits(
    U16,
    {bit: f"main_{bit + 1}" for bit in range(12)}
    | {bit: f"backup_{bit - 11}" for bit in range(12, 16)},
)
"""Additional item 0x17 of JT/T 1078."""

ABNORMAL: Final = Bits(U16, {0: "fatigue", 1: "phone_call", 2: "smoking"})
"""First word of additional item 0x18 of JT/T 1078; a byte with the degree of fatigue follows."""

ALL_ALARMS: Final = Bits(
    U64,
    ALARM.names | {32 + bit: name for bit, name in VIDEO_ALARM.names.items()},
)
"""Alarm condition of JT/T 1078's queries: the word of 0x0200, with the video alarms above it."""
