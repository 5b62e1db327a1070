"""The house keeps its floors: imports run down only, and the rooms of floor 2 know neither Dagster nor each other."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import eurostat_assets

PACKAGE = Path(eurostat_assets.__file__).parent
FLOORS = {
    4: {
        "definitions",
        "defs",
        "cli",
        "guardian",
        "launcher",
        "code_server",
        "full_disks",
        "dagster_instance",
        "process_tree",
        "supervisor",
        "webserver",
        "logs",
        "processes",
        "firstload",
        "synchronise",
        "warmruns",
        "run_processes",
        "command_runs",
        "preloaded",
        "repairing",
    },
    3: {
        "access",
        "partitions",
        "run_tags",
        "source_asset",
        "unchanged",
        "assets",
        "checks",
        "sensors",
        "io_managers",
        "resources",
        "room",
        "jobs",
        "failures",
        "metadata",
        "descriptions",
        "fetching",
        "bulk_loading",
        "sweeping",
        "auditing",
        "watching",
        "measuring",
        "doctor",
        "ports",
        "dead_runs",
        "home_modes",
    },
    2: {
        "alarms",
        "metrics",
        "eurostat",
        "jsonstat",
        "postgres",
        "sandbox",
        "quality",
        "audit",
        "pictures",
        "report",
        "revisions",
    },
    1: {"settings"},
    0: {"loopback", "child_processes", "model", "environment", "setting_values", "web"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def arrows() -> set[tuple[str, str]]:
    """(room, room it imports) for every import inside the package."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "eurostat_assets" and len(parts) > 1 and parts[1] in FLOOR_OF:
                found.add((room_of(path), parts[1]))
    return {(room, other) for room, other in found if room != other}


def test_every_room_stands_on_a_floor():
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms <= FLOOR_OF.keys()


def test_no_arrow_runs_up():
    upward = {(a, b) for a, b in arrows() if a in FLOOR_OF and FLOOR_OF[b] > FLOOR_OF[a]}
    assert not upward


def test_rooms_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for room, other in arrows():
        graph.setdefault(room, set()).add(other)
    list(TopologicalSorter(graph).static_order())


def test_rooms_of_floor_2_know_neither_dagster_nor_each_other_nor_the_settings():
    for path in PACKAGE.rglob("*.py"):
        room = room_of(path)
        if FLOOR_OF.get(room) != 2:
            continue
        for name in imports(path):
            parts = name.split(".")
            assert not parts[0].startswith("dagster"), f"{path} imports {name}"
            may = {room, *FLOORS[0]}  # floor 0 knows nobody
            assert parts[0] != "eurostat_assets" or parts[1] in may, f"{path} imports {name}"
