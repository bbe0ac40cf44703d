"""A certificate authority of a test, for servers of 127.0.0.1 and for devices."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates and writes them as PEM files into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = self._called("test authority")
        basic = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(*[False] * 5, True, True, False, False)  # noqa: FBT003 - 9 flags
        made = self._built(self._name, self._key).add_extension(basic, critical=True)
        self.path = folder / "authority.crt"
        signed = made.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return a certificate for a name (and 127.0.0.1), and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = self._built(self._called(name), key).add_extension(
            x509.SubjectAlternativeName([here]), critical=False
        )
        stem = name.replace(":", "-")
        certificate, secret = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        signed = made.sign(self._key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def broker(self, user: str) -> str:
        """Return what Mosquitto is set to that asks for certificates and knows devices by them.

        A device may publish below its own name; ``user`` may do everything.
        """
        certificate, key = self.issue("broker")
        rights = self.folder / "rights"
        rights.write_text(f"user {user}\ntopic readwrite #\npattern write devices/%u/#\n")
        return (
            f"cafile {self.path}\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous false\n"
            f"require_certificate true\nuse_identity_as_username true\nacl_file {rights}\n"
        )

    def trusting(self, *shown: Path) -> ssl.SSLContext:
        """Return a client's context that trusts this authority, and shows a certificate if any."""
        context = ssl.create_default_context(cafile=str(self.path))
        if shown:
            context.load_cert_chain(*shown)
        return context

    def _built(self, who: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now, hour = datetime.now(UTC), timedelta(hours=1)
        number = x509.random_serial_number()
        built = x509.CertificateBuilder(self._name, who, key.public_key(), number)
        return built.not_valid_before(now - hour).not_valid_after(now + hour)

    @staticmethod
    def _called(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
