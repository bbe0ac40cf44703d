"""Settings come from the environment, the file, or the default, and each says which and why."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from wuxin.settings import Settings, describe, load
from wuxin.terms.errors import BadInput


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with nothing of Wuxin's in the environment."""
    for variable in os.environ:
        if variable.upper().startswith("WUXIN_"):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def row(name: str) -> str:
    """The line of a setting in the table."""
    return next(line for line in describe().splitlines() if line.startswith(f"{name} "))


def test_without_anything_the_defaults_hold() -> None:
    found = load()
    assert (found.host, found.port, found.tenant) == ("127.0.0.1", 8080, "demo-bank")
    assert (found.tls_certificate, found.tls_key) == (None, None)
    assert not found.database_url
    assert found.home == Path("wuxin-home")


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (somewhere / "wuxin.toml").write_text('port = 9000\ntenant = "river-bank"\n')
    monkeypatch.setenv("WUXIN_PORT", "9001")
    monkeypatch.setenv("wuxin_log_level", "debug")
    found = load()
    assert (found.port, found.tenant, found.log_level) == (9001, "river-bank", "DEBUG")
    assert row("port").split()[1:4] == ["9001", "8080", "WUXIN_PORT"]
    assert row("tenant").split()[1:4] == ["river-bank", "demo-bank", "wuxin.toml"]
    assert row("log_level").split()[1:4] == ["DEBUG", "INFO", "WUXIN_LOG_LEVEL"]
    assert row("host").split()[1:4] == ["127.0.0.1", "127.0.0.1", "default"]


def test_every_setting_has_its_reason_in_the_table() -> None:
    told = " ".join(describe().split())
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.split()[0] in told
        assert row(name)


def test_settings_do_not_change_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("WUXIN_PORT", "http", "WUXIN_PORT = 'http' is wrong: "),
        ("WUXIN_PORT", "65536", "WUXIN_PORT = '65536' is wrong: "),
        ("WUXIN_PORT", "tcp://10.0.0.1:8080", "WUXIN_PORT = 'tcp://10.0.0.1:8080' is wrong: "),
        ("WUXIN_TENANT", "Big Bank", "WUXIN_TENANT = 'Big Bank' is wrong: "),
        ("WUXIN_HOST", "", "WUXIN_HOST = '' is wrong: "),
        ("WUXIN_LOG_LEVEL", "loud", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("WUXIN_LOG_FORMAT", "xml", "'text' or 'json'"),
        ("WUXIN_SESSION_HOURS", "0", "greater than or equal to 1"),
        ("WUXIN_REPLAY_SPEED", "nan", "WUXIN_REPLAY_SPEED = 'nan' is wrong: "),
        ("WUXIN_BATCH_ROWS", "0", "greater than or equal to 1"),
        ("WUXIN_TILE_URL", "https://tiles", r"has \{z\}, \{x\} and \{y\}"),
        ("WUXIN_LANGUAGE", "de", "'zh-CN' or 'en'"),
        ("WUXIN_TLS_KEY", "key.pem", "WUXIN_TLS_KEY: .* together or not at all"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=why) as refused:
        load()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('port = "http"', r"^wuxin\.toml: port = 'http' is wrong: "),
        ("prot = 8080", r"^wuxin\.toml: there is no setting 'prot'; there are home, tenant, "),
        ("[web]\nport = 1", r"^wuxin\.toml: there is no setting 'web'"),
        ("port 8080", r"^wuxin\.toml cannot be read: .*line 1"),
        ('tls_certificate = "c"', r"^wuxin\.toml: .*together"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_key(somewhere: Path, text: str, why: str) -> None:
    (somewhere / "wuxin.toml").write_text(text)
    with pytest.raises(BadInput, match=why) as refused:
        load()
    assert "\n" not in str(refused.value)


def test_a_password_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUXIN_DATABASE_URL", "postgresql+psycopg://w:pass@w0rd@db/book?password=x1")
    found = load()
    assert found.database_url.get_secret_value().endswith("password=x1")
    told = describe() + repr(found)
    assert "postgresql+psycopg://w:…@db/book" in told
    assert not any(secret in told for secret in ("pass@", "w0rd", "x1"))
    monkeypatch.setenv("WUXIN_DATABASE_URL", "mysql://w:pass@db/book")
    with pytest.raises(BadInput, match=r"^WUXIN_DATABASE_URL is wrong: it begins with") as refused:
        load()
    assert "pass" not in str(refused.value)


def test_a_variable_that_is_no_setting_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUXIN_PROT", "9000")
    assert load().port == 8080
    assert "note: WUXIN_PROT is in the environment but is no setting" in describe()


@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    name=st.sampled_from([*Settings.model_fields]),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
def test_any_value_is_taken_or_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv(f"WUXIN_{name.upper()}", value)
        try:
            load()
        except BadInput as refused:
            assert f"WUXIN_{name.upper()}" in str(refused)  # noqa: PT017 - either way is right
        else:
            assert describe()
