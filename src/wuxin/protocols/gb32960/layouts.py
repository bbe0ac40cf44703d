"""The information bodies of GB/T 32960.3 as tables of fields, for both editions.

Source: GB/T 32960.3-2016 §7.2.3 tables 9 on, Annexes A, B; GB/T 32960.3-2025 §7.2.4 tables 10 to
26. Where 2025 differs: motors (no voltage and current, 4 bytes of torque), currents down to
-3000 A, engine (speed only), position (system of coordinates), no body of extremes.

The bodies of 2025 (03: table 17; 07, 08: 11 to 14; 30: 18 and 19; 31: 25; 32: 26) were compared
with four programs that quote these tables, and agree in places, sizes and units but for one: that
the highest temperature of the hydrogen (table 17) counts in tenths, as in 2016, is not confirmed
against the standard's text; two of them count it in whole degrees.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Field(NamedTuple):
    """One field of a body: ``value = raw * factor + offset``; with a unit it is a reading too.

    ``codes`` name single raw values; a coded field with the unit ``1`` is read as its raw number.
    ``marks`` says that the greatest two raw values mean abnormal and invalid.
    """

    name: str
    size: int
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""
    codes: Mapping[int, str] | None = None
    marks: bool = True


Layout = tuple[Field, ...]
"""Fields in the order of the wire."""

_ON_OFF: Final = {1: "working", 2: "disconnected"}
_VEHICLE: Final = (
    Field("vehicle_state", 1, unit="1", codes={1: "started", 2: "off", 3: "other"}),
    Field(
        "charge_state", 1, unit="1",
        codes={1: "parked_charging", 2: "driving_charging", 3: "not_charging", 4: "charged"},
    ),
    Field("running_mode", 1, codes={1: "electric", 2: "hybrid", 3: "fuel"}),
    Field("speed", 2, 0.1, unit="km/h"),
    Field("mileage", 4, 0.1, unit="km"),
    Field("total_voltage", 2, 0.1, unit="V"),
)  # fmt: skip

VEHICLE_2016: Final[Layout] = (
    *_VEHICLE,
    Field("total_current", 2, 0.1, -1000, "A"),
    Field("soc", 1, unit="%"),
    Field("dcdc_state", 1, codes=_ON_OFF),
    Field("gear", 1, marks=False),
    # 2016 names no marks here, but its range ends at 60000, and vehicles send FFFF for invalid.
    Field("insulation_resistance", 2, unit="kohm"),
    Field("accelerator_pedal", 1, unit="%"),
    Field("brake_pedal", 1, unit="%", codes={101: "pressed"}),
)
VEHICLE_2025: Final[Layout] = (
    *_VEHICLE,
    Field("total_current", 2, 0.1, -3000, "A"),
    Field("soc", 1, unit="%"),
    Field("dcdc_state", 1, codes=_ON_OFF),
    Field("gear", 1, marks=False),
    Field("insulation_resistance", 2, unit="kohm"),
)

_MOTOR_STATES: Final = {1: "consuming", 2: "generating", 3: "off", 4: "ready"}
MOTOR_2016: Final[Layout] = (
    Field("number", 1, marks=False),
    Field("state", 1, codes=_MOTOR_STATES),
    Field("controller_temperature", 1, 1, -40, "degC"),
    Field("speed", 2, 1, -20000, "rpm"),
    Field("torque", 2, 0.1, -2000, "N*m"),
    Field("temperature", 1, 1, -40, "degC"),
    Field("controller_voltage", 2, 0.1, unit="V"),
    Field("controller_current", 2, 0.1, -1000, "A"),
)
MOTOR_2025: Final[Layout] = (
    Field("number", 1, marks=False),
    Field("state", 1, codes=_MOTOR_STATES),
    Field("controller_temperature", 1, 1, -40, "degC"),
    Field("speed", 2, 1, -32000, "rpm"),
    Field("torque", 4, 0.1, -20000, "N*m"),
    Field("temperature", 1, 1, -40, "degC"),
)

FUEL_CELL_2016: Final[Layout] = (
    Field("voltage", 2, 0.1, unit="V"),
    Field("current", 2, 0.1, unit="A"),
    Field("hydrogen_consumption", 2, 0.01, unit="kg/(100*km)"),
)
HYDROGEN_2016: Final[Layout] = (
    Field("hydrogen_highest_temperature", 2, 0.1, -40, "degC"),
    Field("hydrogen_highest_temperature_probe", 1),
    Field("hydrogen_highest_concentration", 2, unit="mg/kg"),
    Field("hydrogen_highest_concentration_sensor", 1),
    Field("hydrogen_highest_pressure", 2, 0.1, unit="MPa"),
    Field("hydrogen_highest_pressure_sensor", 1),
    Field("high_voltage_dcdc_state", 1, codes=_ON_OFF),
)
HYDROGEN_2025: Final[Layout] = (
    Field("hydrogen_highest_temperature", 2, 0.1, -40, "degC"),
    Field("hydrogen_highest_temperature_probe", 1),
    Field("hydrogen_highest_concentration", 2, 0.0001, unit="%"),
    Field("hydrogen_highest_concentration_sensor", 1),
    Field("hydrogen_highest_pressure", 2, 0.1, unit="MPa"),
    Field("hydrogen_highest_pressure_sensor", 1),
    Field("high_voltage_dcdc_state", 1, codes=_ON_OFF),
    Field("hydrogen_left", 1, unit="%"),
    Field("high_voltage_dcdc_temperature", 1, 1, -40, "degC"),
)
STACK_2025: Final[Layout] = (
    Field("number", 1),
    Field("voltage", 2, 0.1, unit="V"),
    Field("current", 2, 0.1, unit="A"),
    Field("hydrogen_inlet_pressure", 2, 0.1, -100, "kPa"),
    Field("air_inlet_pressure", 2, 0.1, -100, "kPa"),
    Field("air_inlet_temperature", 1, 1, -40, "degC"),
)

ENGINE_2016: Final[Layout] = (
    Field("state", 1, codes={1: "started", 2: "off"}),
    Field("speed", 2, unit="rpm"),
    Field("fuel_consumption", 2, 0.01, unit="L/(100*km)"),
)
ENGINE_2025: Final[Layout] = (Field("speed", 2, unit="rpm"),)

PLACE: Final[Layout] = (Field("longitude", 4, 1e-6), Field("latitude", 4, 1e-6))
COORDINATES: Final = {1: "WGS-84", 2: "GCJ-02", 3: "other"}

EXTREMES_2016: Final[Layout] = (
    Field("highest_voltage_battery", 1),
    Field("highest_voltage_cell", 1),
    Field("highest_cell_voltage", 2, 0.001, unit="V"),
    Field("lowest_voltage_battery", 1),
    Field("lowest_voltage_cell", 1),
    Field("lowest_cell_voltage", 2, 0.001, unit="V"),
    Field("highest_temperature_battery", 1),
    Field("highest_temperature_probe", 1),
    Field("highest_temperature", 1, 1, -40, "degC"),
    Field("lowest_temperature_battery", 1),
    Field("lowest_temperature_probe", 1),
    Field("lowest_temperature", 1, 1, -40, "degC"),
)
CAPACITOR_EXTREMES_2025: Final[Layout] = (
    Field("highest_voltage_system", 1),
    Field("highest_voltage_cell", 2),
    Field("highest_cell_voltage", 2, 0.001, unit="V"),
    Field("lowest_voltage_system", 1),
    Field("lowest_voltage_cell", 2),
    Field("lowest_cell_voltage", 2, 0.001, unit="V"),
    Field("highest_temperature_system", 1),
    Field("highest_temperature_probe", 2),
    Field("highest_temperature", 1, 1, -40, "degC"),
    Field("lowest_temperature_system", 1),
    Field("lowest_temperature_probe", 2),
    Field("lowest_temperature", 1, 1, -40, "degC"),
)

CELLS_2016: Final[Layout] = (
    Field("number", 1),
    Field("voltage", 2, 0.1, unit="V"),
    Field("current", 2, 0.1, -1000, "A"),
    Field("cell_total", 2),
    Field("first_cell", 2),
)
CELLS_2025: Final[Layout] = (
    Field("number", 1),
    Field("voltage", 2, 0.1, unit="V"),
    Field("current", 2, 0.1, -3000, "A"),
)
CELL: Final = Field("cell_voltage", 2, 0.001, unit="V")
PROBE: Final = Field("temperature", 1, 1, -40, "degC")

ALARMS: Final = (
    "temperature_difference", "battery_high_temperature", "pack_overvoltage", "pack_undervoltage",
    "soc_low", "cell_overvoltage", "cell_undervoltage", "soc_high", "soc_jump", "pack_mismatch",
    "cell_inconsistency", "insulation", "dcdc_temperature", "brake_system", "dcdc_state",
    "motor_controller_temperature", "high_voltage_interlock", "motor_temperature", "overcharge",
    "motor_overspeed", "motor_overcurrent", "capacitor_overtemperature", "capacitor_overpressure",
    "battery_thermal_event", "hydrogen_leak", "hydrogen_pressure", "hydrogen_temperature",
    "stack_overtemperature",
)  # fmt: skip
"""The general alarms by bit; 2016 has the first 19."""

FAULTS: Final = ("battery_faults", "motor_faults", "engine_faults", "other_faults")
