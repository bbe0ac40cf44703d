"""Certificates for trying out on one machine: an authority of one's own, and papers from it.

In production the parties' certificates come from an authority that they agree on; there are two,
so that an owner's certificate is of no use on the line between the nodes.
"""

import datetime as dt
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wuxin.joint.channel import Papers
from wuxin.terms.clock import to_datetime
from wuxin.terms.durable import private_file, write_files
from wuxin.terms.errors import BadInput

_LIFE = dt.timedelta(days=30)


class Authority(NamedTuple):
    """An authority's certificate and its private key (ECDSA P-256)."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """Its certificate, to be handed to everybody."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def authority(name: str, *, now: int) -> Authority:
    """A new authority, valid for 30 days from ``now`` (ns)."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = _called(name)
    made = _builder(called, called, key=key, now=now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return Authority(made.sign(key, hashes.SHA256()), key)


def papers(folder: Path, name: str, *, issued_by: Authority, now: int, label: str = "") -> Papers:
    """Issue a certificate to a party, and write it and its key to a folder.

    Args:
        folder: of the party alone; the key in it is readable by its owner only.
        name: the party's name, which the certificate bears.
        issued_by: the authority.
        now: ns.
        label: what the files' names begin with.

    Raises:
        BadInput: there is a key already, and it is of another kind.
    """
    names = (folder / f"{label}{each}.pem" for each in ("certificate", "key", "authority"))
    found = Papers(*names)
    key = serialization.load_pem_private_key(private_file(found.key, _fresh_key), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadInput(f"{found.key} holds a key of another kind")
    also: list[x509.GeneralName] = [
        x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]  # fmt: skip
    made = (
        _builder(_called(name), issued_by.certificate.subject, key=key, now=now)
        .add_extension(x509.SubjectAlternativeName(also), critical=False)
        .sign(issued_by.key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    write_files({found.certificate: pem, found.authority: issued_by.pem})
    return found


def _fresh_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, *, key: ec.EllipticCurvePrivateKey, now: int
) -> x509.CertificateBuilder:
    begins = to_datetime(now) - dt.timedelta(minutes=5)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + _LIFE)
    )
