"""What a file of sources says; see :mod:`wuxin.listen` for one that is whole."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from wuxin.listen.doors import Listed, cards
from wuxin.protocols import decoders
from wuxin.terms.errors import BadInput

PORTAL: Final = "portal"
"""Where to listen, for what is posted to the portal's own address."""

LISTENED: Final = ("tcp", "udp", "ws", "http", "https", "mqtt", "mqtts")
_SERVED: Final = frozenset({"tcp", "udp", "ws", "http", "https"})
ASKED: Final = {
    "modbus_map": ("modbus",), "sunspec": ("modbus",), "mtconnect": ("http", "https"),
    "opcua": ("opc.tcp",), "icar": ("http", "https"),
}  # fmt: skip
"""Protocols in which we ask, with the schemes of their devices' endpoints."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class Watched(msgspec.Struct, forbid_unknown_fields=True):
    """A node of OPC UA: its id, and our names for it and its unit."""

    node: str
    name: str = ""
    unit: str = ""


class Mounted(msgspec.Struct, forbid_unknown_fields=True):
    """A device: its id, on what and since when it is mounted, how it is known, where it is asked.

    ``public_key`` is PEM. Without a ``thing`` it is only asked, as an agent or a gateway that
    tells of other devices.
    """

    id: _Name
    thing: str = ""
    since: str = "1970-01-02"
    password: str = ""
    public_key: str = ""
    endpoint: str = ""
    user: str = ""
    security: str = ""
    table: tuple[dict[str, Any], ...] = ()
    items: tuple[Watched, ...] = ()


class Described(msgspec.Struct, forbid_unknown_fields=True):
    """A source of the file."""

    name: _Name
    pack: _Name
    protocol: _Name
    listen: str | list[str] = ""
    timezone: str = "UTC"
    strangers: bool = False
    datum: str = "WGS-84"
    kinds: dict[str, str] = {}
    indicators: dict[str, str] = {}
    thing: list[dict[str, Any]] = []
    geofences: dict[str, Any] = {}
    topic: str = ""
    topic_device: int | None = None
    device: list[Mounted] = []
    tls_certificate: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    card: list[Listed] = []
    any_card: bool = False
    period_s: _Seconds = 60.0
    table: tuple[dict[str, Any], ...] = ()
    input_registers: bool = False
    before: dict[str, str] = {}

    @property
    def places(self) -> list[SplitResult]:
        """Where to listen, the brokers to listen to, and ``portal:`` for its own address.

        Raises:
            BadInput: an address is none.
        """
        said = [self.listen] if isinstance(self.listen, str) else self.listen
        return [self._place(place) for place in said if place]

    @property
    def asked(self) -> list[Mounted]:
        """The devices that are asked."""
        return [device for device in self.device if device.endpoint]

    def check(self) -> None:
        """Find out whether all of it can be meant.

        Raises:
            BadInput: it cannot; names the source and the place.
            NotFound: no such protocol is installed, or devices cannot connect by it.
        """
        decoders.find(self.protocol)
        if (self.card or self.any_card) and self.protocol != "ocpp":
            raise self._wrong("cards are for protocol ocpp")
        cards(self.name, self.card, any_card=self.any_card)
        served = [place.scheme for place in self.places if place.scheme in _SERVED]
        if self.tls_ca and served and (not self.tls_certificate or "udp" in served):
            raise self._wrong("tls_ca needs tls_certificate, and tcp://, ws:// or https://")
        if "https" in served and not self.tls_certificate:
            raise self._wrong("https:// needs tls_certificate and tls_key")
        if not self.places and not self.asked:
            raise self._wrong("listen is missing, and no device has an endpoint: nothing is heard")
        for device in self.device:
            if not (device.thing or device.endpoint):
                raise self._wrong(f"device {device.id!r} has neither a thing nor an endpoint")
            if device.endpoint:
                self.endpoint(device)

    def endpoint(self, device: Mounted) -> SplitResult:
        """Where a device is asked.

        Raises:
            BadInput: that is no address, or nobody asks in this protocol.
        """
        schemes = ASKED.get(self.protocol, ())
        if not schemes:
            known = ", ".join(ASKED)
            raise self._wrong(f"devices are not asked in {self.protocol}; they are in {known}")
        said = urlsplit(device.endpoint)
        try:
            is_address = said.scheme in schemes and said.hostname and said.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            example = f"{schemes[0]}://192.0.2.7" + {"modbus": ":502/1"}.get(schemes[0], "")
            raise self._wrong(f"{device.endpoint!r} is no endpoint; write {example}")
        return said

    def _place(self, place: str) -> SplitResult:
        if place == PORTAL:
            return urlsplit("portal:")
        said = urlsplit(place)
        try:
            port = said.port
        except ValueError as wrong:
            raise self._wrong(f"{place!r}: {wrong}") from None
        if said.scheme not in LISTENED or not said.hostname or port is None:
            raise self._wrong(f"{place!r} is no address; write tcp://127.0.0.1:7611, or {PORTAL}")
        if said.scheme in {"tcp", "udp"}:
            decoders.sessions(self.protocol)
        hosted = decoders.host(self.protocol) is not None
        if said.scheme.startswith("mqtt") and not (self.topic or hosted):
            raise self._wrong("topic is missing, such as devices/#")
        if said.scheme == "ws" and self.protocol != "ocpp":
            raise self._wrong("ws:// is for protocol ocpp")
        return said

    def _wrong(self, what: str) -> BadInput:
        return BadInput(f"source {self.name!r}: {what}")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    source: list[Described]


def read(path: Path) -> list[Described]:
    """The sources of a file.

    Raises:
        BadInput: it cannot be read or says what cannot be meant; names the file and the place.
        NotFound: a protocol is not installed.
    """
    try:
        said = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, ValueError, msgspec.ValidationError) as wrong:
        raise BadInput(f"{path.name}: {wrong}") from None
    names = [source.name for source in said.source]
    for source in said.source:
        if names.count(source.name) > 1:
            raise BadInput(f"{path.name}: source {source.name!r} stands there twice")
        source.check()
    return said.source
