"""Units by their common codes, as trade documents write them: KGM is a kilogram.

Only codes of quantities that are measured; packagings and counts of pieces beyond the plain one
are not units.

Source: UN/CEFACT Recommendation 20, codes for units of measure used in international trade.
"""

from typing import Final

UNITS: Final = {
    # mass
    "KGM": "kg", "GRM": "g", "MGM": "mg", "MC": "ug", "TNE": "t", "LBR": "lb", "PN": "lb",
    "ONZ": "oz",
    # length, area and volume
    "MTR": "m", "CMT": "cm", "MMT": "mm", "KMT": "km", "DMT": "dm", "4H": "um", "FOT": "ft",
    "INH": "inch", "MTK": "m**2", "CMK": "cm**2", "HAR": "ha", "MTQ": "m**3", "CMQ": "cm**3",
    "LTR": "L", "MLT": "mL", "DLT": "dL", "CLT": "cL", "HLT": "hL", "GLL": "gallon",
    # time and frequency
    "SEC": "s", "C26": "ms", "MIN": "min", "HUR": "h", "DAY": "day", "HTZ": "Hz", "KHZ": "kHz",
    "MHZ": "MHz", "RPM": "rpm",
    # temperature, humidity, density and concentration
    "CEL": "degC", "KEL": "K", "FAH": "degF", "P1": "%", "A93": "g/m**3", "KMQ": "kg/m**3",
    "GL": "g/L", "M1": "mg/L", "GP": "mg/m**3", "59": "ppm", "C34": "mol", "C35": "mol/dm**3",
    "C36": "mol/m**3", "D74": "kg/mol", "NA": "mg/kg",
    # motion, force and pressure
    "MTS": "m/s", "KMH": "km/h", "KNT": "knot", "MSK": "m/s**2", "NEW": "N", "NU": "N*m",
    "PAL": "Pa", "KPA": "kPa", "A97": "hPa", "BAR": "bar", "MBR": "mbar", "MPA": "MPa",
    "C65": "Pa*s", "S4": "m**2/s", "MQH": "m**3/h", "MQS": "m**3/s", "L2": "L/min", "KGS": "kg/s",
    # angle
    "DD": "degree", "C81": "rad", "D27": "sr", "2A": "rad/s", "2B": "rad/s**2",
    # energy and electricity
    "JOU": "J", "KJO": "kJ", "3B": "MJ", "WTT": "W", "KWT": "kW", "MAW": "MW", "WHR": "Wh",
    "KWH": "kWh", "MWH": "MWh", "AMP": "A", "4K": "mA", "VLT": "V", "2Z": "mV", "KVT": "kV",
    "OHM": "ohm", "FAR": "F", "COU": "C", "SIE": "S", "D10": "S/m", "H61": "mS/cm",
    "G42": "uS/cm", "C61": "ohm*m", "A41": "A/m**2", "D50": "V/m", "D33": "T", "81": "H",
    "WEB": "Wb", "D54": "W/m**2", "D46": "V*A",
    # light, sound and radiation
    "LUX": "lux", "LUM": "lm", "CDL": "cd", "A24": "cd/m**2", "2N": "dB", "BQL": "Bq",
    "A95": "Gy", "D13": "Sv", "P65": "Sv/s", "P70": "Sv/h", "P71": "mSv/h", "P72": "uSv/h",
    # pure numbers
    "C62": "1", "EA": "1", "H87": "1",
    # memory
    "AD": "byte", "4L": "MB",
}  # fmt: skip
"""Unit text as :mod:`wuxin.terms.units` reads it, by common code."""
