"""JSON as its standard has it, for the small members of a document."""

from __future__ import annotations

import json
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure, NotJson


def parse_strictly(text: bytes) -> Any:
    """JSON as its standard has it: UTF-8, no NaN, no member twice. Raises `NotJson`, `BadStructure`."""
    try:
        document = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_members, parse_constant=_refuse_constant
        )
        if b"\\ud" in text.lower():  # half a surrogate pair is JSON, but not text that anything could store
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except (UnicodeDecodeError, UnicodeEncodeError) as bad:
        raise NotJson(f"not UTF-8 ({bad.reason}): the body is damaged or not JSON") from bad
    except json.JSONDecodeError as bad:
        excerpt = bad.doc[max(0, bad.pos - 30) : bad.pos + 30]
        raise NotJson(f"{bad.msg} at {excerpt!r}: the body is cut off, damaged or not JSON") from bad
    except ValueError as bad:  # an integer of more digits than Python converts
        raise NotJson(str(bad)) from bad
    except RecursionError as bad:
        raise NotJson("nested deeper than any JSON-stat document") from bad


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise BadStructure("occurs twice, and it cannot be known which is meant", member=twice)
    return members


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} is not JSON")
