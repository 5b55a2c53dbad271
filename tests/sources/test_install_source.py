"""`manage.py install_source`: whole or not at all, in an environment of its own that knows nothing of the product."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.snippets import SOURCE_DECLARATION
from integrations.sources import installing
from integrations.sources.checks import check_declarations
from integrations.sources.property_values import bad_properties, config_for_tap, is_complete
from integrations.sources.taps import tap_command, tap_environment
from tests.sources.declaring import declare

SECRETS = ("SECRET_KEY", "CREDENTIAL_KEY", "DATABASE_URL", "EMAIL_URL")
TELLS_ITS_ENVIRONMENT = "import os, sys\ndef main():\n    print(dict(os.environ), sys.argv[1:])\n"


def make_wheel(
    folder: Path,
    code: str = TELLS_ITS_ENVIRONMENT,
    *,
    version: str = "1.0",
    program: str = "tap-tiny",
    package: str = "tap_tiny",
) -> None:
    """Write a wheel with one program, as pip expects it."""
    folder.mkdir(exist_ok=True)
    facts = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{package}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{package}.py", code)
        wheel.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        wheel.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{facts}/entry_points.txt", f"[console_scripts]\n{program} = {package}:main\n")
        wheel.writestr(f"{facts}/RECORD", "")


def tiny(folder: Path, version: str = "1.0"):
    text = (
        'name = "platform.tiny"\nlabel = "Tiny"\n[tap]\npackage = "tap-tiny"\n'
        f'version = "{version}"\nexecutable = "tap-tiny"\n'
    )
    return declare(text, name="platform.tiny", folder=folder)


@pytest.fixture
def wheels(settings, tmp_path, monkeypatch):
    """An operator's folder with one declared tap, whose wheel lies in a folder: no index is asked."""
    settings.SOURCES_DIR, settings.TAPS_DIR = tmp_path / "sources", tmp_path / "taps"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    for name in SECRETS:
        monkeypatch.setenv(name, "never to be passed on")
    return tmp_path / "wheels"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("install_source", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_installs_lists_upgrades_and_removes(wheels, settings):
    make_wheel(wheels)
    found = tiny(settings.SOURCES_DIR)
    assert "not installed" in run("--list")
    assert "is installed in" in run("tiny")
    assert found.is_installed
    assert "was installed already" in run("platform.tiny")
    assert not list(settings.TAPS_DIR.glob(f"{installing.PARTIAL}*"))
    moved = settings.TAPS_DIR.rename(
        settings.TAPS_DIR.with_name("elsewhere")
    )  # a backup that was restored there
    settings.TAPS_DIR = moved
    said = subprocess.run(tap_command(found), env=tap_environment(found), capture_output=True, text=True)
    assert said.returncode == 0
    assert "never to be passed on" not in said.stdout
    make_wheel(wheels, version="2.0")
    newer = tiny(settings.SOURCES_DIR, "2.0")
    assert not newer.is_installed
    run("--upgrade", "tiny")
    assert [path.name for path in installing.installed_versions(newer)] == ["tiny-2.0"]
    run("--remove", "tiny")
    assert not newer.is_installed


@pytest.mark.parametrize(
    ("code", "program", "why"),
    [
        (
            "def main():\n    raise SystemExit('cannot find my library')\n",
            "tap-tiny",
            "cannot find my library",
        ),
        (
            TELLS_ITS_ENVIRONMENT,
            "tap-other",
            "has no program tap-tiny. Programs of that kind in it: tap-other",
        ),
        (None, "", "pip could not install the tap"),
    ],
)
def test_nothing_is_left_of_what_does_not_work(wheels, settings, code, program, why):
    wheels.mkdir()
    if code is not None:
        make_wheel(wheels, code, program=program)
    found = tiny(settings.SOURCES_DIR)
    with pytest.raises(CommandError, match="Tiny was not installed") as refused:
        run("tiny")
    assert why in str(refused.value)
    assert not found.is_installed
    assert [path.name for path in settings.TAPS_DIR.iterdir()] == [".lock"]


def test_a_killed_installation_is_cleared_by_the_next(wheels, settings):
    found = tiny(settings.SOURCES_DIR)
    left = settings.TAPS_DIR / f"{installing.PARTIAL}killed" / "bin"
    left.mkdir(parents=True)
    assert not found.is_installed
    with installing.only_one():
        assert not left.exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "Name a source type"),
        (("nothing",), "There is no source type nothing"),
        (("import_api",), "needs no tap"),
        (("--remove", "tiny"), "is not installed"),
    ],
)
def test_says_what_it_cannot_do(wheels, settings, words, why):
    tiny(settings.SOURCES_DIR)
    with pytest.raises(CommandError, match=why):
        run(*words)


def test_a_broken_declaration_is_told_by_the_list_and_by_check(wheels, settings):
    settings.SOURCES_DIR.mkdir()
    path = settings.SOURCES_DIR / "broken.toml"
    path.write_text('name = "broken')
    assert f"{path} is left out" in run("--list")
    [warning] = check_declarations()
    assert (warning.id, str(path) in warning.msg) == ("sources.W001", True)


WEATHER = """
import argparse, json, sys
def main():
    parser = argparse.ArgumentParser()
    for word in ("config", "catalog", "state"):
        parser.add_argument("--" + word)
    parser.add_argument("--discover", action="store_true")
    given = parser.parse_args()
    config = json.load(open(given.config))
    assert config["user_agent"] == "stitchapp" and config["paging"] == {"size": 500}
    schema = {"type": "object", "properties": {"station": {"type": "string"}}}
    if given.discover:
        print(json.dumps({"streams": [{"stream": "stations", "tap_stream_id": "stations", "schema": schema}]}))
        return
    print(json.dumps({"type": "SCHEMA", "stream": "stations", "schema": schema, "key_properties": ["station"]}))
    for station in config["stations"]:
        print(json.dumps({"type": "RECORD", "stream": "stations", "record": {"station": station}}))
"""


def test_the_guides_example_is_declared_installed_and_run_as_it_stands_there(wheels, settings, tmp_path):
    found = declare(SOURCE_DECLARATION, name="platform.weather", folder=settings.SOURCES_DIR)
    make_wheel(wheels, WEATHER, version="1.2.0", program="tap-weather", package="tap_weather")
    run("weather")
    given = {"api_key": "a key", "stations": "7, 9", "start_date": "2026-01-01T00:00:00Z"}
    assert bad_properties(found, given, {}) == []
    assert is_complete(found, given)
    (tmp_path / "config.json").write_text(json.dumps(config_for_tap(found, given, folder=tmp_path)))
    command = [*tap_command(found), "--config", str(tmp_path / "config.json")]
    for words, seen in ((["--discover"], "stations"), ([], '"station": "9"')):
        done = subprocess.run([*command, *words], env=tap_environment(found), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert seen in done.stdout
