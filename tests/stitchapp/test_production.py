"""What holds when the product runs as shipped, outside the local mode (promises S1, S2, S3, S8)."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def production(data_dir, **changes):
    """Return the environment of a production process: nothing of the test run's own settings in it."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CREDENTIAL_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "pipeline.example.com",
        "EMAIL_URL": "file:",
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "stitchapp.settings",
    } | changes
    return {name: value for name, value in environment.items() if value is not None}


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_S1_the_deployment_check_finds_nothing(tmp_path):
    done = run("manage.py", "check", "--deploy", "--fail-level", "DEBUG", **production(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "System check identified no issues (0 silenced)."


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"SECRET_KEY": None}, "Set SECRET_KEY (or SECRET_KEY_FILE): it is required and has no default."),
        ({"CREDENTIAL_KEY": None}, "Set CREDENTIAL_KEY (or CREDENTIAL_KEY_FILE): it is required"),
        ({"ALLOWED_HOSTS": None}, "Set ALLOWED_HOSTS (or ALLOWED_HOSTS_FILE): it is required"),
        ({"EMAIL_URL": None}, "Set EMAIL_URL (or EMAIL_URL_FILE): it is required"),
        ({"SECRET_KEY": "x" * 49}, "SECRET_KEY is too short: use at least 50 random characters."),
        ({"CREDENTIAL_KEY": "x" * 49}, "CREDENTIAL_KEY is too short: use at least 50 random characters."),
        (
            {"DESTINATION_FORBIDDEN_ADDRESSES": "10.0.0.0/8,inside"},
            "DESTINATION_FORBIDDEN_ADDRESSES must be addresses or ranges like 10.0.0.0/8: 'inside'",
        ),
        ({"DEVELOPMENT": "true"}, "DEVELOPMENT=true needs LOCAL_MODE=true"),
    ],
)
def test_S1_it_does_not_start_with_defaults(tmp_path, changes, complaint):
    done = run("-c", "import stitchapp.settings", **production(tmp_path, **changes))
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://mail", 25), ("smtps://mail", 465), ("smtp+tls://mail", 587), ("smtps://mail:2465", 2465)],
)
def test_mail_goes_to_the_usual_port_of_its_protocol(tmp_path, url, port):
    words = "import stitchapp.settings as s; print(s.EMAIL_PORT)"
    done = run("-c", words, **production(tmp_path, EMAIL_URL=url))
    assert done.stdout.strip() == str(port), done.stderr


def test_a_slash_after_the_public_address_does_no_harm(tmp_path):
    words = "import stitchapp.settings as s; print(s.PUBLIC_URL, s.CSRF_TRUSTED_ORIGINS)"
    done = run("-c", words, **production(tmp_path, PUBLIC_URL="https://pipeline.example.com/"))
    assert done.stdout.strip() == "https://pipeline.example.com ['https://pipeline.example.com']", done.stderr


def test_S1_a_secret_may_come_from_a_file_and_is_never_made_up(tmp_path):
    file = tmp_path / "key"
    file.write_text(secrets.token_urlsafe(50))
    environment = production(tmp_path, SECRET_KEY=None, SECRET_KEY_FILE=str(file))
    assert run("-c", "import stitchapp.settings", **environment).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    done = run("-m", "tests.stitchapp.production_probe", **production(tmp_path_factory.mktemp("production")))
    assert done.returncode == 0, done.stderr
    return {visit["label"]: visit for visit in map(json.loads, done.stdout.splitlines())}


def test_S2_cookies_are_bound_to_this_host_and_out_of_reach_of_scripts(visits):
    seen = {}
    for visit in visits.values():
        for name, cookie in visit["cookies"].items():
            if cookie["max-age"] != 0:
                seen[name] = cookie
    assert set(seen) == {"__Host-session", "__Host-csrf"}
    for cookie in seen.values():
        assert cookie["secure"] is True
        assert cookie["httponly"] is True
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_S2_every_answer_over_https_sets_strict_transport(visits):
    secure = [visit for label, visit in visits.items() if label.startswith(("https", "sign", "style"))]
    assert len(secure) > 40
    for visit in secure:
        seconds = int(visit["headers"]["strict-transport-security"].split(";")[0].partition("=")[2])
        assert seconds >= 31_536_000
        assert visit["headers"]["x-content-type-options"] == "nosniff"
        assert "unsafe" not in visit["headers"]["content-security-policy"]
        assert visit["status"] != 500, visit


def test_S2_static_files_too(visits):
    assert visits["stylesheet"]["status"] == 200
    assert "immutable" in visits["stylesheet"]["headers"]["cache-control"]


def test_S3_pages_redirect_to_https(visits):
    pages = [visit for label, visit in visits.items() if label.startswith("http page")]
    pages = [visit for visit in pages if not visit["label"].endswith(("healthz", "readyz"))]
    assert len(pages) > 30
    for visit in pages:
        assert visit["status"] == 301, visit["label"]
        assert visit["headers"]["location"].startswith("https://pipeline.example.com/")


def test_S3_api_routes_are_refused_over_plain_http_and_never_redirected(visits):
    for visit in visits.values():
        if visit["label"].startswith("http api"):
            assert visit["status"] not in (301, 302, 307, 308), visit["label"]
    for label in ("plain connect", "plain import"):
        assert visits[label]["status"] == 403
        assert "location" not in visits[label]["headers"]


def test_S3_no_path_of_a_program_is_redirected(tmp_path):
    """Not even one that leads nowhere: the secret beside it was sent in clear already."""
    words = (
        "import re, stitchapp.settings as s, stitchapp.errors as e;"
        "paths = [prefix.strip('/') for prefix in e.API_PREFIXES];"
        "paths += [f'{path}/x' for path in paths];"
        "print([p for p in paths if not any(re.search(r, p) for r in s.SECURE_REDIRECT_EXEMPT)])"
    )
    done = run("-c", words, **production(tmp_path))
    assert done.stdout.strip() == "[]", done.stderr


def test_S8_a_stranger_cannot_claim_https(visits):
    for label in ("plain connect forged", "plain import forged"):
        assert visits[label]["status"] == 403


def test_S9_no_answer_names_a_path_or_a_query(visits):
    for visit in visits.values():
        for telling in ("Traceback", "SELECT ", str(ROOT)):
            assert telling not in visit["body"], visit["label"]
