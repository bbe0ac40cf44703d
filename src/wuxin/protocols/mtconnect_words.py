"""MTConnect: its units, and the words of its events that stand for a state, as numbers.

Source: ANSI/MTC1.4 Part 2 §8 (units) and Part 3 (event types), of versions 1.2 to 2.4.
"""

from typing import Final

UNITS: Final = {
    "AMPERE": "A", "CELSIUS": "degC", "CELCIUS": "degC", "CELSIUS/SECOND": "C/s", "COULOMB": "C",
    "COUNT": "1", "COUNT/SECOND": "1/s", "CUBIC_METER": "m**3", "CUBIC_MILLIMETER": "mm**3",
    "CUBIC_MILLIMETER/SECOND": "mm**3/s", "DECIBEL": "dB", "DEGREE": "degree",
    "DEGREE/SECOND": "degree/s", "DEGREE/SECOND^2": "degree/s**2", "GRAM": "g",
    "GRAM/CUBIC_METER": "g/m**3", "HERTZ": "Hz", "JOULE": "J", "KILOGRAM": "kg", "LITER": "L",
    "LITER/SECOND": "L/s", "METER": "m", "METER/SECOND": "m/s", "METER/SECOND^2": "m/s**2",
    "MICRO_RADIAN": "urad", "MILLIGRAM": "mg", "MILLILITER": "mL", "MILLIMETER": "mm",
    "MILLIMETER/REVOLUTION": "mm", "MILLIMETER/SECOND": "mm/s", "MILLIMETER/SECOND^2": "mm/s**2",
    "MILLIMETER_3D": "mm", "DEGREE_3D": "degree", "NEWTON": "N", "NEWTON_METER": "N*m",
    "OHM": "ohm", "PASCAL": "Pa", "PASCAL/SECOND": "Pa/s", "PASCAL_SECOND": "Pa*s",
    "PERCENT": "%", "PH": "1", "REVOLUTION/MINUTE": "rpm", "REVOLUTION/SECOND": "turn/s",
    "REVOLUTION/SECOND^2": "turn/s**2", "SECOND": "s", "SIEMENS/METER": "S/m",
    "SQUARE_MILLIMETER": "mm**2", "UNIT_VECTOR_3D": "1", "VOLT": "V", "VOLT_AMPERE": "VA",
    "VOLT_AMPERE_REACTIVE": "VA", "WATT": "W", "WATT_SECOND": "W*s", "KILOWATT": "kW",
    "AMPERE_HOUR": "A*h",
}  # fmt: skip
"""Units of the standard as they are written here; a unit that is not among them stays away."""

STATES: Final = {
    "Availability": ("UNAVAILABLE", "AVAILABLE"),
    "EmergencyStop": ("ARMED", "TRIGGERED"),
    "Execution": (
        "READY", "ACTIVE", "INTERRUPTED", "FEED_HOLD", "STOPPED", "OPTIONAL_STOP",
        "PROGRAM_STOPPED", "PROGRAM_COMPLETED", "WAIT", "PROGRAM_OPTIONAL_STOP",
    ),
    "ControllerMode": ("AUTOMATIC", "MANUAL", "MANUAL_DATA_INPUT", "SEMI_AUTOMATIC", "EDIT"),
    "DoorState": ("CLOSED", "OPEN", "UNLATCHED"),
    "PowerState": ("OFF", "ON"),
    "ActuatorState": ("INACTIVE", "ACTIVE"),
    "ChuckState": ("CLOSED", "OPEN", "UNLATCHED"),
    "FunctionalMode": ("PRODUCTION", "SETUP", "TEARDOWN", "MAINTENANCE", "PROCESS_DEVELOPMENT"),
}  # fmt: skip
"""Words of an event in their order here; the number of a word is its place."""

CONDITIONS: Final = {"Normal": 0.0, "Warning": 1.0, "Fault": 2.0}
"""Levels of a condition as numbers; Unavailable is none."""
