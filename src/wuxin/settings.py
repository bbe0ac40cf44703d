"""Every knob of Wuxin: its type, its default, and the reason for it.

A value comes from the environment (``WUXIN_PORT=9000``), else from ``wuxin.toml`` in the working
directory (``port = 9000``), else it is the default. ``wuxin settings`` prints them all.
"""

import io
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from rich.console import Console
from rich.table import Table

from wuxin.terms import names
from wuxin.terms.errors import BadInput

PREFIX: Final = "WUXIN_"
FILE: Final = "wuxin.toml"
_DATABASES: Final = ("sqlite", "postgresql")
_PASSWORD: Final = re.compile(r"(://[^:/@]*:).*(@)")

Port = Annotated[int, Field(ge=0, le=65535)]
Hours = Annotated[int, Field(ge=1, le=168)]
Speed = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(BaseSettings):
    """All settings of one process; :func:`load` reads them, nothing changes them afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(
        default=Path("wuxin-home"),
        description="Folder of journal, book, history and evidence log: one folder is one backup.",
    )
    tenant: str = Field(
        default="demo-bank",
        description="Whose records: the bank's short name; it is part of every identity.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; beyond loopback Wuxin asks for TLS and accounts.",
    )
    port: Port = Field(
        default=8080,
        description="Port to listen on; above 1023, so that no root is needed; 0 takes a free one.",
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM chain for HTTPS; off by default, since loopback needs none."
    )
    tls_key: Path | None = Field(
        default=None,
        description="Private key of that certificate (PEM); given together or not at all.",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="The book's database, postgresql://user:password@host/name, one for each home, "
        "which remembers it (book.url); empty is SQLite in the home, no server.",
    )
    vouch_every_s: float = Field(
        default=3600.0,
        ge=1,
        description="How often witnesses and the timestamp authority are asked; idle logs are not.",
    )
    vouch_witnesses: str = Field(
        default="",
        description="Witnesses of the log, comma-separated, each 'URL KEY'; none: nobody is asked.",
    )
    vouch_quorum: int = Field(
        default=0, ge=0, le=64, description="How many of them must cosign for a round to hold."
    )
    vouch_timestamps: str = Field(
        default="", description="Address of an RFC 3161 timestamp authority; empty: none is asked."
    )
    vouch_chain: str = Field(
        default="",
        description="Where 32 bytes of each checkpoint go, as 'ADAPTER:WHERE'; empty: nowhere.",
    )
    pledge_registry: Path | None = Field(
        default=None,
        description="Settings file (TOML) of the way to a registry of pledges that several banks "
        "keep; none: other banks are not asked whether they hold the goods, too.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least that is logged; DEBUG names every batch."
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="text for people at a terminal, json (one object a line) for collectors.",
    )
    session_hours: Hours = Field(
        default=8,
        description="How long a sign-in lasts: one working day, then the password again.",
    )
    replay_speed: Speed = Field(
        default=604_800.0,
        description="Seconds of recorded time per second: a week, half a year in half a minute; "
        "0 does not wait.",
    )
    tile_url: str = Field(
        default="",
        description="Map tiles ({z}, {x}, {y}); empty draws on a plain grid, so that no place is "
        "told to a map service.",
    )
    notify_private: bool = Field(
        default=False,
        description="Whether webhooks may call private addresses and ones without TLS; off, so "
        "that no subscription reaches into the bank's own net.",
    )
    smtp_host: str = Field(
        default="", description="SMTP server for e-mail to subscribers; empty sends none."
    )
    smtp_port: Port = Field(default=587, description="Its port: 587 is that for submission.")
    smtp_starttls: bool = Field(
        default=True, description="Whether the connection to it must turn to TLS before mail goes."
    )
    smtp_user: str = Field(default="", description="Name at the SMTP server; empty: none is asked.")
    smtp_password: SecretStr = Field(
        default=SecretStr(""), description="Password of that name; best given by the environment."
    )
    smtp_sender: str = Field(
        default="wuxin@localhost", description="From whom e-mail to subscribers comes."
    )
    batch_rows: Count = Field(
        default=10_000,
        description="Recorded rows per journal entry: one sync and one evidence leaf for each.",
    )
    language: Literal["zh-CN", "en"] = Field(
        default="zh-CN", description="Language of the screens until a person chooses another."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over defaults, and no other source."""
        return EnvSettingsSource(settings_cls), TomlConfigSettingsSource(settings_cls)

    @field_validator("tls_certificate", "tls_key", "pledge_registry", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("tenant")
    @classmethod
    def _tenant(cls, value: str) -> str:
        try:
            return names.tenant(value)
        except BadInput as wrong:
            raise ValueError(str(wrong)) from None

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        scheme = re.split(r"[+:]", value.get_secret_value(), maxsplit=1)[0]
        if value and ("://" not in value.get_secret_value() or scheme not in _DATABASES):
            raise ValueError("it begins with sqlite:// or postgresql:// (or +driver before ://)")
        return value

    @field_validator("tile_url")
    @classmethod
    def _tiles(cls, value: str) -> str:
        parts = ("{z}", "{x}", "{y}")
        web = value.startswith(("http://", "https://"))
        if value and not (web and all(part in value for part in parts)):
            raise ValueError("it begins with http:// or https:// and has {z}, {x} and {y}")
        return value

    @model_validator(mode="after")
    def _pair(self) -> "Settings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are given together or not at all")
        return self


def load() -> Settings:
    """The settings as environment, ``wuxin.toml`` and defaults give them.

    Raises:
        BadInput: a value is wrong or a key unknown; one line that names variable or file and key.
    """
    written = _written()
    try:
        return Settings()
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        raise BadInput(_sentence(first, written)) from None


def describe() -> str:
    """All settings as a table: name, value, default, where the value comes from, and the reason.

    Passwords in it are masked; variables ``WUXIN_*`` that are no setting are named below it.

    Raises:
        BadInput: see :func:`load`.
    """
    settings, written = load(), _written()
    table = Table("name", "value", "default", "from", "reason", box=None, pad_edge=False)
    for name, field in Settings.model_fields.items():
        value, default = (_shown(v) for v in (getattr(settings, name), field.default))
        table.add_row(name, value, default, _origin(name, written), field.description)
    table.columns[0].no_wrap = table.columns[3].no_wrap = True
    out = io.StringIO()
    width = max(160, shutil.get_terminal_size((160, 24)).columns)
    console = Console(file=out, width=width, color_system=None, markup=False, highlight=False)
    console.print(table)
    known = {PREFIX.lower() + name for name in Settings.model_fields}
    strange = [v for v in sorted(os.environ) if v.upper().startswith(PREFIX)]
    for variable in strange:
        if variable.lower() not in known:
            console.print(f"note: {variable} is in the environment but is no setting")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _written() -> dict[str, Any]:
    """What ``wuxin.toml`` says; nothing where there is none."""
    try:
        return tomllib.loads(Path(FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as wrong:
        raise BadInput(f"{FILE} cannot be read: {wrong}") from None


def _origin(name: str, written: dict[str, Any]) -> str:
    """Where a setting's value comes from, in the words a person would look for."""
    variable = PREFIX + name.upper()
    if variable in {v.upper() for v in os.environ}:
        return variable
    return FILE if name in written else "default"


def _sentence(error: Any, written: dict[str, Any]) -> str:
    """One line for pydantic's first error: the place, what is wrong, and the value if no secret."""
    what = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        pair = {_origin(name, written) for name in ("tls_certificate", "tls_key")} - {"default"}
        return f"{' and '.join(sorted(pair))}: {what}"
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{FILE}: there is no setting {name!r}; there are {', '.join(Settings.model_fields)}"
    origin = _origin(name, written)
    place = origin if origin.startswith(PREFIX) else f"{FILE}: {name}"
    variables = {v.upper(): value for v, value in os.environ.items()}
    value = variables.get(origin, written.get(name))
    secret = Settings.model_fields[name].annotation is SecretStr
    return f"{place} is wrong: {what}" if secret else f"{place} = {value!r} is wrong: {what}"


def _shown(value: Any) -> str:
    """A value as it is printed: nothing as a dash, secrets masked, whole numbers without .0."""
    if isinstance(value, SecretStr):
        bare = value.get_secret_value()
        value = _PASSWORD.sub(r"\1…\2", bare).split("?", maxsplit=1)[0]
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) else f"{value:.0f}"
    return str(value) if value not in (None, "") else "—"
