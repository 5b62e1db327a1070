"""Every setting of the platform: one typed object, read once from the environment (`EUROSTAT_…`) at the door.

Here belong names, types, defaults, what each setting means, and where its value comes from: the environment, else `.env` of
the working folder, else what its home was filled from, else the default. What a value must look like is in
setting_values.py. What a room needs is handed to it. Secrets have the type `SecretStr`, so that no print, log or
traceback shows them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from eurostat_assets import environment, setting_values
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.model.checks import ABOUT
from eurostat_assets.model.codes import dataset_code

EUROSTAT_API = "https://ec.europa.eu/eurostat/api/dissemination"

SOURCE_FILE = "source.env"

OTHER_VARIABLES = frozenset(
    {
        "EUROSTAT_DAEMON_MEMORY",
        "EUROSTAT_METRICS_PORT",
        "EUROSTAT_PGADMIN_IMAGE",
        "EUROSTAT_POSTGRES_IMAGE",
        "EUROSTAT_POSTGRES_MEMORY",
        "EUROSTAT_POSTGRES_PORT",
        "EUROSTAT_PYTHON_IMAGE",
        "EUROSTAT_STARTED_AS",
        "EUROSTAT_STARTED_BY",
    }
)
"""Names that begin like a setting: STARTED_… say who started a process of a platform, the others are the compose file's."""

LARGEST = 10**9
"""Of any number but observations: as seconds, 31 years."""


def _or_empty(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: check(text) if text else text


_KINDS: Mapping[str, Callable[[str], str]] = {
    "theme": setting_values.theme_pattern,
    "theme_subtree": setting_values.folder_of_contents,
    "indexes": setting_values.indexes,
    "store_url": _or_empty(setting_values.store),
    "web_hosts": setting_values.host,
    "alarm_email": setting_values.email,
    "alarm_sender": _or_empty(setting_values.email),
}
"""What the text of a setting, or each of its texts, is checked by."""

_DATABASE_ADDRESS = re.compile(r"postgres(ql)?://([^%\s]|%(?!00)[0-9A-Fa-f]{2})*")

Codes = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The platform's settings; the field descriptions are the documentation (`eurostat-assets settings` prints them)."""

    model_config = SettingsConfigDict(
        env_prefix="EUROSTAT_",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where values come from, the first that has one counts: the one place that says so."""
        del dotenv_settings, file_secret_settings
        env_file = _Variables(settings_cls, environment.of_file())
        return init_settings, env_settings, env_file, _HomesOwn(settings_cls)

    # What is mirrored, and from where
    api_url: str = Field(default=EUROSTAT_API, description="Base address of Eurostat's dissemination API.")
    language: Literal["en", "fr", "de"] = Field(default="en", description="Language of titles and labels.")
    theme: str = Field(default="HLTH", description="Datasets whose code contains this text are mirrored.")
    theme_subtree: str = Field(
        default="", description="Also mirror this folder of the table of contents, e.g. `hlth`."
    )
    theme_include: Codes = Field(default=(), description="Dataset codes to mirror as well (comma-separated).")
    theme_exclude: Codes = Field(default=(), description="Dataset codes never to mirror (comma-separated).")

    # Where it rests
    home: Path = Field(
        default=Path(".eurostat/mirror"), description="Folder of this mirror: files, embedded database, logs."
    )
    store_url: str = Field(
        default="",
        description="Where raw and Parquet files rest: a folder or any fsspec URL (s3://…). Empty: `<home>/store`.",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="A PostgreSQL of your own (libpq URL). Empty: the embedded server under `<home>`.",
    )
    database_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the embedded server. 0: any free one, kept."
    )

    disk_reserve: float = Field(
        default=1,
        ge=0,
        description="Gigabytes that a load leaves free on every disk it writes to (at most a twentieth of the disk).",
    )
    ballast: int = Field(
        default=256,
        ge=0,
        description="Megabytes (at most a hundredth of what is free) that the embedded server keeps in a file, to give up"
        " when its disk is full.",
    )

    # How tables are stored
    codes: Literal["text", "smallint"] = Field(
        default="text",
        description="Codes as text, or as smallint behind a view: a third less disk, slower to read.",
    )
    indexes: str = Field(
        default="brin",
        description="`none`, `brin`, or columns for btrees as well: `brin, geo, geo+time_period`.",
    )
    keep_releases: int = Field(
        default=0, ge=0, description="Earlier releases kept per dataset, in schema `eurostat_releases`."
    )
    keep_dependents: bool = Field(
        default=False,
        description="When a dimension goes that a view needs: keep its column, with nulls; else refuse.",
    )

    # What readers may do (applied by `up`, `demo` and `db init`)
    reader_connections: int = Field(
        default=50, ge=0, description="Connections that eurostat_reader may have at once. 0: no limit."
    )
    reader_statement_timeout: float = Field(
        default=3600,
        ge=0,
        le=86400 * 20,
        description="Seconds a query of eurostat_reader may take. 0: no limit.",
    )
    reader_idle_in_transaction_timeout: float = Field(
        default=600,
        ge=0,
        le=86400 * 20,
        description="Seconds eurostat_reader may do nothing within a transaction, which keeps its locks. 0: no limit.",
    )
    reader_transaction_timeout: float = Field(
        default=4 * 3600,
        ge=0,
        le=86400 * 20,
        description="Seconds a transaction of eurostat_reader may last (PostgreSQL 17 and later). 0: no limit.",
    )
    reader_temporary_files: float = Field(
        default=2,
        ge=0,
        le=2000,
        description="Gigabytes of temporary files a session of eurostat_reader may fill. 0: no limit.",
    )
    end_blocking_sessions_after: float = Field(
        default=0,
        ge=0,
        description="Seconds after which a publication ends the sessions in its way, idle ones first. 0: never.",
    )

    # Concurrency and rate limits
    parallel_downloads: int = Field(default=4, ge=1, le=16, description="Simultaneous requests to Eurostat.")
    parallel_runs: int = Field(
        default=6,
        ge=1,
        le=64,
        description="Datasets worked on at the same time: those that download, and some that are read or published.",
    )
    connect_timeout: float = Field(
        default=15, gt=0, description="Seconds to wait for a connection to Eurostat."
    )
    read_timeout: float = Field(
        default=300, gt=0, description="Seconds to wait for the next bytes of an answer."
    )
    download_deadline: float = Field(
        default=3600, gt=0, description="Seconds a single download may take in all."
    )
    attempts: int = Field(default=4, ge=1, description="Tries of a download before its partition fails.")
    request_pace: float = Field(
        default=0.1, ge=0, description="Seconds between two requests to Eurostat, over all processes here."
    )

    # How much of an answer is believed
    largest_unannounced: int = Field(
        default=256,
        ge=1,
        description="Megabytes of text (MiB) a body may have, however few observations Eurostat announces of it.",
    )
    bytes_per_observation: int = Field(
        default=512, ge=64, description="Bytes of text beyond that, for each observation that is announced."
    )
    days_ahead: float = Field(
        default=2,
        gt=0,
        description="Days a release may be dated in the future; more, and it is not believed.",
    )

    # How it is kept fresh
    poll_interval: int = Field(
        default=300, ge=1, description="Seconds between two looks at Eurostat's RSS feed."
    )
    request_interval: int = Field(
        default=30, ge=1, description="Seconds between two looks for datasets that are due."
    )
    sweep_cron: str = Field(
        default="20 11,23 * * *", description="When to compare the whole inventory; Brussels time."
    )
    feed_trusted: float = Field(
        default=6 * 86400,
        gt=0,
        description="Sweep if the feed, which covers seven days, has not been read for this many seconds.",
    )
    blind_sweep_interval: int = Field(
        default=900, ge=1, description="Seconds between two sweeps while the feed cannot be read."
    )
    retry_after: float = Field(
        default=600, gt=0, description="Seconds until a failed dataset is tried again; doubled each time."
    )
    preparing_wait: float = Field(
        default=300,
        gt=0,
        description="Seconds, at most, until Eurostat is asked again for what it is preparing.",
    )
    preparing_patience: float = Field(
        default=3 * 3600,
        ge=0,
        description="Seconds of such waits before a dataset is taken as SDMX-CSV instead.",
    )
    catalogue_may_shrink: float = Field(
        default=0.1, ge=0, le=1, description="Share of the theme that may vanish at once and be believed."
    )
    largest_dataset: int = Field(
        default=0, ge=0, description="Datasets of more observations are not mirrored. 0: no limit."
    )

    # What is held back
    rows_may_shrink: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a dataset's rows that may vanish in a release; more, and it is held back.",
    )
    rows_may_grow: float = Field(
        default=5, ge=1, description="How many times its rows a dataset may have in the next release."
    )
    share_may_change: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Change of the share of missing or flagged observations, as well.",
    )
    notable_change: float = Field(
        default=0.2, ge=0, description="Change of rows, as a share, that is published with a warning."
    )
    odd_periods: float = Field(
        default=0.05, ge=0, le=1, description="Share of rows whose period may be none (such as 2020-W99)."
    )
    checks_relaxed: Codes = Field(
        default=(),
        description="Checks that only warn, by dataset: `HLTH_X:row_count_plausible,HLTH_Y:*`.",
    )

    # How it is audited
    audit_cron: str = Field(
        default="40 4 * * *", description="When every table is looked at for changes by hand; Brussels time."
    )
    deep_audit_cron: str = Field(
        default="10 2 * * 0", description="When every table is compared with its Parquet file by checksum."
    )

    # Alarms
    alarm_webhook: SecretStr = Field(
        default=SecretStr(""),
        description="Where alarms are POSTed as JSON: an incoming webhook of Slack, Teams, Mattermost.",
    )
    alarm_email: Codes = Field(
        default=(), description="E-mail addresses that get alarms (comma-separated); needs EUROSTAT_SMTP_URL."
    )
    alarm_sender: str = Field(default="", description="From whom alarms come; empty: the first recipient.")
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="Mail server: smtp://host:25, smtp+starttls://user:password@host:587 or smtps://…",
    )
    alarm_interval: int = Field(
        default=60, ge=1, description="Seconds between two looks for what is wrong with the mirror."
    )
    alarm_after_failures: int = Field(
        default=2, ge=1, description="Failures in a row, of a dataset, source or sensor, that raise an alarm."
    )
    alarm_feed_silence: float = Field(
        default=3 * 3600, gt=0, description="Seconds without a good look at the feed that raise an alarm."
    )
    alarm_sweep_silence: float = Field(
        default=30 * 3600, gt=0, description="Seconds without a good sweep that raise an alarm."
    )
    alarm_daemon_silence: float = Field(
        default=180,
        gt=0,
        description="Seconds without a sign of life of Dagster's daemon that raise an alarm.",
    )
    alarm_lag: float = Field(
        default=24 * 3600, gt=0, description="Seconds a dataset may be behind its source without an alarm."
    )
    alarm_disk_free: float = Field(
        default=5, ge=0, description="Gigabytes that have to be free on every disk in use."
    )

    # How it is shown
    webserver_port: int = Field(
        default=3000, ge=1, le=65535, description="Port of the Dagster UI, on loopback."
    )
    web_hosts: Codes = Field(
        default=(),
        description="Host names of UI and metrics besides those of loopback, e.g. a proxy's (comma-separated).",
    )
    web_read_only: bool = Field(
        default=False, description="The UI shows everything and changes nothing; the terminal does both."
    )
    web_password_file: Path | None = Field(
        default=None,
        description="File with user name and hashed password of UI and metrics, made by `eurostat-assets web-password`.",
    )

    @field_validator(
        "theme_include", "theme_exclude", "checks_relaxed", "alarm_email", "web_hosts", mode="before"
    )
    @classmethod
    def _split_codes(cls, value: object) -> object:
        return (
            tuple(code.strip() for code in value.split(",") if code.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("theme_include", "theme_exclude")
    @classmethod
    def _dataset_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(dataset_code, value))

    @field_validator("checks_relaxed")
    @classmethod
    def _dataset_and_check(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            dataset, _, check = one.partition(":")
            if not dataset.strip() or not check.strip():
                raise ValueError(f"{one!r} is not of the form DATASET:check or DATASET:*")
            dataset_code(dataset)
            if check.strip() not in {"*", *ABOUT}:
                raise ValueError(f"{one!r}: there is no such check, but {', '.join(ABOUT)}; * is all of them")
        return value

    @field_validator("sweep_cron", "audit_cron", "deep_audit_cron")
    @classmethod
    def _cron(cls, value: str, info: ValidationInfo) -> str:
        # Its check takes a second to import, and the defaults need none.
        return value if value == _default(cls, info) else setting_values.cron(value)

    @field_validator(*_KINDS)
    @classmethod
    def _kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Check a text, or each of several, by its kind."""
        check = _KINDS[info.field_name or ""]
        return tuple(map(check, value)) if isinstance(value, tuple) else check(value)

    @field_validator("api_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        return setting_values.address(value, "http", "https").rstrip("/")

    @field_validator("alarm_webhook", "smtp_url")
    @classmethod
    def _alarm_address(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        schemes = ("smtp", "smtps", "smtp+starttls") if info.field_name == "smtp_url" else ("http", "https")
        if value.get_secret_value():
            setting_values.address(value.get_secret_value(), *schemes)
        return value

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value()
        # Not what is wrong with it in detail: libpq would repeat parts of it, and with them the password.
        if address and not _DATABASE_ADDRESS.fullmatch(address):
            raise ValueError(
                "it is not an address such as postgresql://user:password@host:5432/database, where a character that is"
                " none of letters, digits and - . _ ~ is written as its percent code in user and password"
            )
        try:
            _ = urlsplit(address).port
        except ValueError:
            raise ValueError("it has to name one host, and a port from 1 to 65535") from None
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _printable(cls, value: object) -> object:
        if isinstance(value, str) and not value.isprintable():
            raise ValueError("it has a character that is none to be read, such as a line feed or a tabulator")
        return value

    @field_validator("*")
    @classmethod
    def _not_for_ever(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what overflows where it is used, as a time or in the database."""
        largest = 2**62 if info.field_name == "largest_dataset" else LARGEST
        if isinstance(value, int | float) and value > largest:
            raise ValueError(f"it is more than {largest:,}")
        return value

    @field_validator("home", "web_password_file", mode="before")
    @classmethod
    def _empty_path(cls, value: object, info: ValidationInfo) -> object:
        """An empty one is none: it would be the working folder."""
        return value or _default(cls, info)

    @field_validator("home")
    @classmethod
    def _one_spelling(cls, value: Path) -> Path:
        """One home has one name, whatever links and relative paths lead to it."""
        home = setting_values.folder(value)
        if home == Path(home.anchor):
            raise ValueError(
                f"{str(value)!r} is the root of the file system: it has to be a folder of its own"
            )
        return home

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that contradict each other."""
        if both := sorted(set(self.theme_include) & set(self.theme_exclude)):
            raise ValueError(f"EUROSTAT_THEME_INCLUDE and EUROSTAT_THEME_EXCLUDE both name {', '.join(both)}")
        if not (self.theme or self.theme_subtree or self.theme_include):
            raise ValueError(
                "nothing is to be mirrored: one of EUROSTAT_THEME, EUROSTAT_THEME_SUBTREE and EUROSTAT_THEME_INCLUDE "
                "has to say what"
            )
        for name in ("connect_timeout", "read_timeout"):
            if getattr(self, name) > self.download_deadline:
                raise ValueError(
                    f"EUROSTAT_{name.upper()} is longer than EUROSTAT_DOWNLOAD_DEADLINE, the time of a whole download"
                )
        if self.alarm_email and not self.smtp_url.get_secret_value():
            raise ValueError("EUROSTAT_ALARM_EMAIL needs EUROSTAT_SMTP_URL, the mail server that sends them")
        if self.database_port == self.webserver_port:
            raise ValueError("EUROSTAT_DATABASE_PORT and EUROSTAT_WEBSERVER_PORT are the same port")
        return self

    @property
    def store(self) -> str:
        """Address under which the raw and Parquet files rest."""
        return self.store_url or str(self.home / "store")

    @property
    def scratch(self) -> Path:
        """Local folder for files that are being made; on the store's own disk when the store is local."""
        return self.home / "scratch"

    def table(self) -> list[tuple[str, str, str, str]]:
        """(environment variable, value in force, default, meaning) of every setting; secrets masked."""
        rows: list[tuple[str, str, str, str]] = []
        for name, field in type(self).model_fields.items():
            variable = f"EUROSTAT_{name.upper()}"
            rows.append(
                (variable, _shown(getattr(self, name)), _shown(field.default), field.description or "")
            )
        return rows


class _Variables(EnvSettingsSource):
    """Values from variables that are not those of the process' environment."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


class _HomesOwn(PydanticBaseSettingsSource):
    """What a home keeps about itself: where its data come from, if that is not Eurostat (`remember_source`)."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Required by the base class; whole sources are read at once below."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        home = self.current_state.get("home") or self.settings_cls.model_fields["home"].default
        try:
            text = (environment.place(home) / SOURCE_FILE).read_text()
        except (
            OSError,
            ValueError,
            TypeError,
        ):  # there is none; what is wrong with the home, its own check says
            return {}
        address = text.strip().removeprefix("EUROSTAT_API_URL=")
        return {"api_url": address} if address != text.strip() else {}


def load() -> Settings:
    """Return the settings of this process, after undoing what Dagster may have written over its environment.

    Raises pydantic's `ValidationError`, which names the variable and what it should have been, and
    `environment.UnreadableFile`.
    """
    environment.restore()
    return Settings()


def unknown_variables(names: Iterable[str]) -> dict[str, str | None]:
    """Return those names that begin like a setting and are none, each with the setting that it resembles most."""
    known = {f"EUROSTAT_{name.upper()}" for name in Settings.model_fields}
    strange = sorted(
        name
        for name in names
        if name.upper().startswith("EUROSTAT_") and name.upper() not in known | OTHER_VARIABLES
    )
    return {name: next(iter(get_close_matches(name.upper(), known, n=1)), None) for name in strange}


def remember_source(knobs: Settings) -> None:
    """Note in a home that its data do not come from Eurostat itself, so that later commands need only be told the home."""
    knobs.home.mkdir(parents=True, exist_ok=True)
    (knobs.home / SOURCE_FILE).write_text(f"EUROSTAT_API_URL={knobs.api_url}\n")


def _default(cls: type[Settings], info: ValidationInfo) -> Any:
    return cls.model_fields[info.field_name or ""].default


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(secret)" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return os.path.relpath(value) if value.is_relative_to(Path.cwd()) else str(value)
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # as its default is written
    return without_secrets(str(value))
