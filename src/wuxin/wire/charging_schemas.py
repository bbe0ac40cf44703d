"""OCPP: whether a call fits the schema of its action, as the library `ocpp` brings them."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

from ocpp.messages import get_validator

_FOLDERS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


@cache
def _schemas(version: str) -> frozenset[str]:
    folder = files("ocpp") / _FOLDERS[version] / "schemas"
    return frozenset(each.name.removesuffix(".json") for each in folder.iterdir())


def misfit(action: str, payload: Any, *, version: str) -> tuple[str, str] | None:
    """Why a call is none of the version: an error code of OCPP-J and a sentence; none if it fits.

    Source: OCPP-J 1.6 §4.2.3; 2.0.1 Part 4 §4.3 (error codes, the first of which is misspelt).
    """
    schema = action if version == "1.6" else f"{action}Request"
    if schema not in _schemas(version) or action.endswith(("Response", "Request")):
        return "NotImplemented", f"OCPP {version} has no action {action[:50]!r}"
    wrong = next(get_validator(2, action, version).iter_errors(payload), None)
    if wrong is None:
        return None
    code = "FormationViolation" if version == "1.6" else "FormatViolation"
    return code, " ".join(wrong.message.split())[:200]
