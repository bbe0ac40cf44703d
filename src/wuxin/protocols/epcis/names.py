"""Names in EPCIS documents: namespaces and their prefixes, and the terms of the vocabulary.

One name has three written forms: a bare word in JSON (``receiving``), a URN in XML
(``urn:epcglobal:cbv:bizstep:receiving``) and a web URI (``https://ref.gs1.org/cbv/BizStep-…``).
Here the bare word stands for all of them. A name of somebody else's is ``{namespace}name``.

Source: CBV 2.0 §7 (standard vocabularies), §8.8 (Web URIs); EPCIS 2.0 §10 (JSON-LD).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from wuxin.protocols.octets import BadFrame

Context = Mapping[str, str]
"""Namespaces by their prefixes."""

CBV: Final = "https://ref.gs1.org/cbv/"
GS1: Final = "https://gs1.org/voc/"
STANDARD: Final = {
    "cbv": CBV, "gs1": GS1, "epcis": "https://ref.gs1.org/epcis/",
    "cbvmda": "urn:epcglobal:cbv:mda", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}  # fmt: skip
"""The prefixes that need not be declared."""

PREFIXES: Final = 100
"""The most prefixes that a document may declare."""

NAMESPACE: Final = 300
"""The most characters of a namespace: short prefixes must not make a large document of a small one.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TERMS: Final = {
    "bizStep": _words(
        "accepting arriving assembling collecting commissioning consigning creating_class_instance"
        " cycle_counting decommissioning departing destroying disassembling dispensing encoding"
        " entering_exiting holding inspecting installing killing loading other packing picking"
        " receiving removing repackaging repairing replacing reserving retail_selling shipping"
        " staging_outbound stock_taking stocking storing transporting unloading unpacking"
        " void_shipping sensor_reporting sampling"
    ),
    "disposition": _words(
        "active container_closed damaged destroyed dispensed disposed encoded expired in_progress"
        " in_transit inactive no_pedigree_match non_sellable_other partially_dispensed recalled"
        " reserved retail_sold returned sellable_accessible sellable_not_accessible stolen unknown"
        " available completeness_verified completeness_inferred conformant container_open"
        " mismatch_instance mismatch_class mismatch_quantity needs_replacement non_conformant"
        " unavailable"
    ),
    "transaction": _words(
        "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"
    ),
    "party": frozenset(("owning_party", "possessing_party", "location")),
    "reason": frozenset(("did_not_occur", "incorrect_data")),
    "component": _words(
        "x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting"
        " northing latitude longitude altitude"
    ),
    "measurement": _words(
        "AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude"
        " AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration"
        " AngularMomentum AngularVelocity Area Capacitance Conductance Conductivity Count Density"
        " Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity ElectricCharge"
        " ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force"
        " Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum"
        " Luminance LuminousFlux LuminousIntensity MagneticFlux MagneticFluxDensity"
        " MagneticVectorPotential Mass MassConcentration MassFlowRate MassPerAreaTime"
        " MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure"
        " RadiantFlux RadiantIntensity RelativeHumidity Resistance Resistivity SolidAngle"
        " SpecificVolume Speed SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume"
        " VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber"
    ),
    "exception": frozenset(("ALARM_CONDITION", "ERROR_CONDITION")),
}
"""The standard words of each vocabulary."""

WEB: Final = {
    "bizStep": CBV + "BizStep-", "disposition": CBV + "Disp-", "transaction": CBV + "BTT-",
    "party": CBV + "SDT-", "reason": CBV + "ER-", "component": CBV + "Comp-",
    "measurement": GS1, "exception": GS1,
}  # fmt: skip
"""What stands before a standard word in its web URI."""

_URN: Final = {
    "bizStep": "urn:epcglobal:cbv:bizstep:", "disposition": "urn:epcglobal:cbv:disp:",
    "transaction": "urn:epcglobal:cbv:btt:", "party": "urn:epcglobal:cbv:sdt:",
    "reason": "urn:epcglobal:cbv:er:",
}  # fmt: skip
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_NAME: Final = re.compile(r"(.*[/#:])([^/#:]+)")


def context_of(said: Any) -> dict[str, str]:
    """The prefixes that a JSON-LD context declares, the standard ones included; others are ignored.

    Raises:
        BadFrame: it declares too many, or too long ones.
    """
    found: dict[str, str] = dict(STANDARD)
    for part in said if isinstance(said, list) else [said]:
        if not isinstance(part, dict):
            continue
        for prefix, namespace in part.items():
            meant = namespace.get("@id") if isinstance(namespace, dict) else namespace
            if isinstance(meant, str) and not prefix.startswith("@"):
                found[prefix] = meant
    return bounded(found)


def bounded(context: dict[str, str]) -> dict[str, str]:
    """The prefixes themselves.

    Raises:
        BadFrame: there are too many, or a namespace is too long.
    """
    if len(context) > PREFIXES:
        raise BadFrame(f"more than {PREFIXES} prefixes are declared", "$.@context")
    if any(len(namespace) > NAMESPACE for namespace in context.values()):
        raise BadFrame(f"a namespace is longer than {NAMESPACE} characters", "$.@context")
    return context


def expanded(text: str, context: Context) -> str:
    """A URI written with a declared prefix, in full; any other text as it is."""
    prefix, colon, rest = text.partition(":")
    if colon and prefix in context and not rest.startswith("//"):
        return context[prefix] + rest
    return text


def extension(name: str, context: Context) -> str | None:
    """The name of somebody's extension as ``{namespace}name``; None where it is a bare word.

    One whose prefix is not declared stays as it is written.
    """
    if name.startswith("{"):
        return name
    prefix, colon, rest = name.partition(":")
    if not (colon and prefix and rest):
        return None
    if prefix in context and not rest.startswith("//"):
        return f"{{{context[prefix]}}}{rest}"
    parted = _NAME.fullmatch(name) if rest.startswith("//") else None
    return f"{{{parted[1]}}}{parted[2]}" if parted else name


def full_uri(value: Any, at: str, *, context: Context) -> str:
    """A URI in full.

    Raises:
        BadFrame: it is no URI.
    """
    if isinstance(value, str):
        text = expanded(value.strip(), context)
        if _URI.fullmatch(text):
            return text
    raise BadFrame(f"{str(value)[:80]!r} is not a URI", at)


def term(value: Any, vocabulary: str, *, at: str, context: Context) -> str:
    """A word of a standard vocabulary, bare, or somebody else's as a URI.

    Raises:
        BadFrame: it is neither.
    """
    if isinstance(value, str):
        text = expanded(value.strip(), context)
        for start in (WEB[vocabulary], _URN.get(vocabulary)):
            if start and text.startswith(start):
                text = text.removeprefix(start)
                return text if text in TERMS[vocabulary] else start + text
        if text in TERMS[vocabulary] or _URI.fullmatch(text):
            return text
    raise BadFrame(f"{str(value)[:80]!r} is neither a standard word nor a URI", at)
