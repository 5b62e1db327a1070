"""The production set-up is valid and its one image gets everything it needs."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import yaml
from psycopg2.extensions import make_dsn, parse_dsn

from eurostat_assets.postgres.roles import LOADER

ROOT = Path(__file__).resolve().parents[1]


def test_compose_file_is_valid_to_docker(tmp_path):
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("the docker compose client is not installed")
    for name in ("postgres_password", "loader_password", "pgadmin_password"):
        (tmp_path / name).write_text("x")
    checked = subprocess.run(
        ["docker", "compose", "--profile", "admin", "config", "-q"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_ports_are_published_on_loopback_only_and_no_password_stands_in_the_file():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        environment = service.get("environment", {})
        assert not any("PASSWORD" in key and not key.endswith("_FILE") for key in environment), name


def test_only_the_service_that_makes_the_roles_has_the_superusers_password_and_name():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert {name for name, one in services.items() if "postgres_password" in one.get("secrets", [])} == {
        "postgres",
        "init",
    }
    ours = {name: one for name, one in services.items() if one["image"].startswith("eurostat-assets")}
    assert {"init", "code", "webserver", "daemon", "watchdog", "metrics"} == ours.keys()
    for name, service in ours.items():
        user = "eurostat" if name == "init" else LOADER
        environment = service["environment"]
        assert urlsplit(environment["EUROSTAT_DATABASE_URL"]).username == user, name
        assert environment["DAGSTER_PG_USERNAME"] == user, name
        assert "loader_password" in service["secrets"], name


def test_up_can_wait_for_every_service():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert {name for name, one in services.items() if "healthcheck" not in one} == {"init", "watchdog"}
    # A check that is disabled, rather than absent, is one that `docker compose up --wait` fails for.
    assert not [name for name, one in services.items() if "disable" in one.get("healthcheck", {})]


def test_containers_and_checkout_call_the_code_location_the_same():
    names = {
        next(iter(yaml.safe_load(path.read_text())["load_from"][0].values()))["location_name"]
        for path in (ROOT / "workspace.yaml", ROOT / "deploy" / "workspace.yaml")
    }
    assert names == {"eurostat_assets"}


@pytest.mark.parametrize("name", ["postgres_password", "loader_password"])
def test_the_password_of_the_secret_file_reaches_whatever_connects(tmp_path, database, name):
    entrypoint = ROOT / "deploy" / "entrypoint.sh"
    assert os.access(entrypoint, os.X_OK)
    secret, program = r"a:b\c", "import sys, psycopg2; psycopg2.connect(sys.argv[1])"
    (tmp_path / "secret").write_text(secret)
    script = entrypoint.read_text().replace(f"/run/secrets/{name}", str(tmp_path / "secret"))
    place = parse_dsn(database) | {"user": "compose_reader"}
    del place["password"]
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE ROLE compose_reader LOGIN PASSWORD %s", (secret,))
        try:
            # With the empty password that Dagster's settings hold, and with none.
            for dsn in (make_dsn(**place, password=""), make_dsn(**place)):
                connected = subprocess.run(
                    ["sh", "-c", script, "entrypoint", sys.executable, "-c", program, dsn],
                    env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
                    capture_output=True,
                    text=True,
                )
                assert connected.returncode == 0, connected.stderr
        finally:
            connection.cursor().execute("DROP ROLE compose_reader")
    assert (tmp_path / ".pgpass").stat().st_mode & 0o777 == 0o600


def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_no_container_can_write_to_its_image_gain_a_privilege_or_take_all_memory():
    for name, service in compose()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] > 0, name
        assert service["mem_limit"], name
        assert service["read_only"] is (name != "pgadmin"), name
        assert "/tmp" in service.get("tmpfs", []) or name == "pgadmin", name


def test_our_own_containers_run_as_a_user_without_any_capability():
    dockerfile = (ROOT / "Dockerfile").read_text()
    own = [one for one in compose()["services"].values() if one["image"].startswith("eurostat-assets")]
    assert len(own) == 6
    for service in own:
        assert service["user"] == "10001:10001"
        assert "cap_add" not in service
        assert "privileged" not in service
    assert "--uid 10001" in dockerfile
    assert "--gid 10001" in dockerfile


def test_every_foreign_image_can_be_pinned_by_its_digest():
    text = (ROOT / "docker-compose.yml").read_text()
    foreign = [
        one["image"]
        for one in compose()["services"].values()
        if not one["image"].startswith("eurostat-assets")
    ]
    assert all(image.startswith("${EUROSTAT_") for image in foreign)
    assert "${EUROSTAT_PYTHON_IMAGE:-" in text
    assert "FROM python" not in (ROOT / "Dockerfile").read_text()
    assert "sha256:" not in text  # one that nobody has seen would be worse than none


def test_prometheus_in_the_same_network_may_ask_the_metrics():
    hosts = compose()["services"]["metrics"]["environment"]["EUROSTAT_WEB_HOSTS"]
    assert hosts.split(",")[0] == "metrics"
    assert compose()["services"]["metrics"]["environment"]["EUROSTAT_DATABASE_URL"]


def test_every_setting_can_be_given_in_a_file_that_does_not_say_where_the_mirror_is():
    """The environment counts more than the file, so that no line of the file leads to another home or database."""
    for name in ("init", "code", "webserver", "daemon", "watchdog", "metrics"):
        service = compose()["services"][name]
        assert service["env_file"] == [{"path": "compose.env", "required": False}], name
        assert {"EUROSTAT_HOME", "EUROSTAT_DATABASE_URL", "DAGSTER_PG_HOST"} <= service[
            "environment"
        ].keys(), name
