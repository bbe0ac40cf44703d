"""The names in the certificate that a peer showed in TLS, and what they open.

Source: RFC 5280 §4.1.2.6 (subject), §4.2.1.6 (subject alternative name); OCPP 2.0.1 Part 2 A00.
"""

from typing import Any

from wuxin.terms.ports import Gate, Trust


def shown(transport: Any) -> frozenset[str] | None:
    """The names that TLS has checked of a peer: common names, and all alternative ones.

    None where it showed no certificate, or where nobody asked for one.
    """
    tls = transport.get_extra_info("ssl_object")
    found = tls.getpeercert() if tls is not None else None
    if not found:
        return None
    common = {
        value for part in found.get("subject", ()) for kind, value in part if kind == "commonName"
    }
    also = {value for _, value in found.get("subjectAltName", ()) if isinstance(value, str)}
    return frozenset(common | also)


class Certified:
    """A gate for a peer with a certificate: it speaks for whom that names, and for nobody else.

    A password is not asked for, and does not help under another name: one that was found out is
    of no use to who has somebody else's certificate.
    """

    def __init__(self, gate: Gate, names: frozenset[str]) -> None:
        self._gate, self._names = gate, names

    def admits(self, device: str, secret: str) -> Trust | None:
        """``CERTIFICATE`` for a device of the certificate that may speak; None for any other."""
        del secret
        return None if self.code(device) is None else Trust.CERTIFICATE

    def code(self, device: str) -> str | None:
        """The code of a device that the certificate names, if it may speak at all."""
        return self._gate.code(device) if device in self._names else None


def gate_of(gate: Gate, transport: Any) -> Gate:
    """The gate for one peer: narrowed to its certificate, if it showed one."""
    names = shown(transport)
    return gate if names is None else Certified(gate, names)
