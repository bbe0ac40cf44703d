"""The code tables of HJ 212: systems, commands, data flags, and the units of common factors.

Source: HJ 212-2017 §6.3 (ST, flags), §6.6 (CN), Annex B (factors); units as in HJ 524-2009 and
HJ 525-2009. Numbers that only the edition of 2025 has are marked so; they come from programs that
quote it and are not confirmed against the standard's text.
"""

from typing import Final

SYSTEMS: Final = {
    "21": "surface_water_quality",
    "22": "ambient_air_quality",
    "23": "acoustic_environment",
    "24": "groundwater_quality",
    "25": "soil_quality",
    "26": "sea_water_quality",
    "27": "volatile_organic_compounds",
    "31": "air_pollution_source",
    "32": "surface_water_pollution_source",
    "33": "groundwater_pollution_source",
    "34": "marine_pollution_source",
    "35": "soil_pollution_source",
    "36": "noise_source",
    "37": "vibration_source",
    "38": "radioactive_source",
    "39": "construction_dust_source",
    "41": "electromagnetic_source",
    "44": "electricity_use",  # 2025
    "45": "working_condition",  # 2025
    "51": "flue_gas_process",
    "52": "sewage_process",
    "91": "system_interaction",
}
"""Names of ST, the system code."""

COMMANDS: Final = {
    "1000": "set_timeout_and_retries",
    "1001": "hardware_identity",  # 2025
    "1011": "field_time",
    "1012": "set_field_time",
    "1013": "field_time_calibration_request",
    "1014": "encryption_key",  # 2025
    "1061": "real_time_interval",
    "1062": "set_real_time_interval",
    "1063": "minute_interval",
    "1064": "set_minute_interval",
    "1072": "set_password",
    "2011": "real_time_data",
    "2012": "stop_real_time_data",
    "2013": "original_data",  # 2025
    "2021": "device_running_state",
    "2022": "stop_device_running_state",
    "2031": "day_history_data",
    "2041": "device_running_time_day_history",
    "2051": "minute_data",
    "2061": "hour_data",
    "2081": "collector_start_time",
    "3011": "zero_and_span_calibration",
    "3012": "immediate_sampling",
    "3013": "start_cleaning",
    "3014": "comparison_sampling",
    "3015": "sample_retention",
    "3016": "set_sampling_period",
    "3017": "sampling_period",
    "3018": "sampling_duration",
    "3019": "device_identity",
    "3020": "field_device_information",
    "3021": "set_field_device_parameter",
    "9011": "request_answer",
    "9012": "execution_result",
    "9013": "notification_answer",
    "9014": "data_answer",
    "9015": "heartbeat",  # 2025
}
"""Names of CN, the command code."""

FLAGS: Final = {
    "N": "normal",
    "F": "out_of_service",
    "M": "maintenance",
    "S": "entered_by_hand",
    "D": "fault",
    "C": "calibration",
    "T": "over_measuring_range",
    "B": "communication_failure",
}
"""Names of the data flags; only N says that a value was measured as it should be."""

KINDS: Final = ("Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax")
"""The fields of a factor that carry a measured value; Zs is converted to standard conditions."""

_MILLIGRAMS_A_LITRE: Final = (
    "w01006 w01009 w01012 w01017 w01018 w01019 w01020 w19001 w19002 w20116 w20121 w20122 w20123"
    " w20124 w20125 w20126 w21001 w21003 w21004 w21006 w21007 w21011 w21016 w21017 w21019 w21022"
    " w21038 w22001 w23002"
)
_MICROGRAMS_A_LITRE: Final = "w20111 w20115 w20117 w20119 w20120 w20127 w20128"

UNITS: Final = {
    "w00000": "L/s", "w01001": "1", "w01010": "degC", "w01014": "uS/cm",
    "a00000": "m**3/s", "a01001": "degC", "a01002": "%", "a01006": "kPa", "a01007": "m/s",
    "a01008": "degree", "a01011": "m/s", "a01012": "degC", "a01013": "kPa", "a01014": "%",
    "a01015": "degC", "a01016": "m**2", "a01017": "kPa", "a19001": "%",
    **dict.fromkeys(_MILLIGRAMS_A_LITRE.split(), "mg/L"),
    **dict.fromkeys(_MICROGRAMS_A_LITRE.split(), "ug/L"),
}  # fmt: skip
"""Units of factors whose unit is the same in every system.

Gases and particles are not here: sources report mg/m³, ambient stations often µg/m³, and the
frame does not say which; their unit belongs into the settings of the source.
"""
