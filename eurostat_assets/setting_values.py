"""What the text of a setting must look like for the platform to work with it: one function for each kind of value.

Each returns the value as it is kept, or raises ValueError with a sentence that says what it should be. Which setting has
which kind, and whether settings contradict each other, is in settings.py.
"""

from __future__ import annotations

import ipaddress
import re
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from eurostat_assets import environment

LONGEST_SHOWN = 80

_WORD = re.compile(r"[A-Za-z0-9_$.-]+", re.ASCII)
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_HOST = re.compile(
    r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.ASCII | re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?=:/)")
_WITHOUT_HOST = frozenset({"file", "local", "memory"})
_READ_ONLY = frozenset({"http", "https", "data", "github", "git", "zip", "tar", "libarchive"})


def cron(text: str) -> str:
    """Return a cron line of five fields that falls due at some time."""
    from dagster._utils.schedules import is_valid_cron_string

    try:
        valid = is_valid_cron_string(text)
    except Exception as error:
        raise ValueError(f"{_quoted(text)} is not a cron line: {error}") from error
    if not valid:
        raise ValueError(f"{_quoted(text)} is not a cron line of five fields, such as '20 11,23 * * *'")
    return text


def indexes(text: str) -> str:
    """Return which indexes a table gets: `none`, or `brin` and lists of columns."""
    words = [word.strip().lower() for word in text.split(",")]
    if "none" in words and len(words) > 1:
        raise ValueError(f"{_quoted(text)} asks for none and for some: write `none` alone")
    if wrong := [word for word in words if not all(map(_COLUMN.fullmatch, word.split("+")))]:
        raise ValueError(
            f"{_quoted(wrong[0])} is neither `none`, `brin` nor columns joined by +, as in `brin, geo, geo+time_period`"
        )
    return text


def theme_pattern(text: str) -> str:
    """Return a part of dataset codes, or a glob for them; empty for none."""
    if text and not re.fullmatch(r"[A-Za-z0-9_$*?\[\]!-]+", text, re.ASCII):
        raise ValueError(
            f"{_quoted(text)} is in no dataset code: they have letters, digits, _ - and $, a glob * and ? as well"
        )
    return text


def folder_of_contents(text: str) -> str:
    """Return the code of a folder of the table of contents, or a path of such codes; empty for none."""
    if text and not all(map(_WORD.fullmatch, text.strip("/ ").split("/"))):
        raise ValueError(
            f"{_quoted(text)} is not a folder of the table of contents, such as `hlth` or `data/popul/hlth`"
        )
    return text


def host(text: str) -> str:
    """Return a host name or an IP address, without scheme, port and path."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        if not _HOST.fullmatch(text) or len(text) > 253:
            raise ValueError(
                f"{_quoted(text)} is not the name of a host alone, such as mirror.example.org"
            ) from None
    return text


def email(text: str) -> str:
    """Return an address of e-mail, `ada@example.org` or `Ada <ada@example.org>`."""
    name, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    whole = text.strip() in (address, f"{name} <{address}>", f'"{name}" <{address}>')
    if not (
        whole
        and at
        and local.isascii()
        and re.fullmatch(r"[^\s@<>,;:\"]+", local)
        and _HOST.fullmatch(domain)
    ):
        raise ValueError(f"{_quoted(text)} is not an e-mail address, such as ada@example.org")
    return text


def address(text: str, *schemes: str) -> str:
    """Return a URL of one of these schemes with a host. An error does not repeat the text: it may hold a secret."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in schemes and parts.hostname and (parts.port or 1)
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", text):
        raise ValueError(
            f"it is not an address that begins with {' or '.join(f'{one}://' for one in schemes)}, and a host"
        )
    return text


def folder(text: str | Path) -> Path:
    """Return the one spelling of a folder that is there or can be made."""
    path = environment.place(text)
    try:
        nearest = next(one for one in (path, *path.parents) if one.exists())
    except OSError as error:
        raise ValueError(f"{_quoted(text)} cannot be a folder: {error.strerror}") from error
    if not nearest.is_dir():
        raise ValueError(f"{_quoted(text)} cannot be a folder: {nearest} is a file")
    return path


def store(text: str) -> str:
    """Return where files rest: the absolute path of a folder, or a URL that fsspec can write to."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return str(folder(text))
    if f"{scheme[0]}://" != text[: scheme.end() + 3]:
        raise ValueError(
            f"{_quoted(text)} is neither a folder nor an address, which would begin with {scheme[0]}://"
        )
    _check_writable(scheme[0].lower())
    if scheme[0].lower() not in _WITHOUT_HOST and not urlsplit(text).netloc:
        raise ValueError(f"{_quoted(text)} names no bucket or host after {scheme[0]}://")
    return text


def _check_writable(scheme: str) -> None:
    """Raise ValueError unless files can be written to addresses of this scheme with what is installed."""
    from fsspec.registry import get_filesystem_class, known_implementations, registry

    if scheme in _READ_ONLY:
        raise ValueError(f"{scheme}:// can be read only; files have to be written there, too")
    if scheme in registry:
        return
    known = known_implementations.get(scheme)
    if known is None:
        raise ValueError(
            f"fsspec knows no {scheme}://; s3://, gs://, abfs://, sftp:// and file:// are some that it does"
        )
    package = known["class"].partition(".")[0]
    if package == "fsspec":
        try:
            get_filesystem_class(scheme)
        except ImportError as error:
            raise ValueError(
                f"{scheme}:// needs more than is installed: {known.get('err', error)}"
            ) from error
    elif find_spec(package) is None:  # not imported: that takes seconds
        extra = "eurostat-assets[s3]" if scheme in ("s3", "s3a") else package
        raise ValueError(f"{scheme}:// needs the package {package}: pip install '{extra}'")


def _quoted(text: str | Path) -> str:
    """Return the text as it is repeated in a message: not whole, where it is long."""
    return repr(str(text) if len(str(text)) <= LONGEST_SHOWN else f"{str(text)[:LONGEST_SHOWN]}…")
