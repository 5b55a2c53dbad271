"""What a source's form may say, where it is kept, and what its tap gets of it (connect-api.md 2.2, 3.6, 8.3)."""

import json
import secrets

import pytest

from integrations.models import Integration
from integrations.services.credentials import CredentialUnreadable
from integrations.services.source_properties import (
    BadProperties,
    SourceTypeGone,
    check_properties,
    provided,
    shown_properties,
    store_properties,
    tap_config,
    tap_home,
)
from integrations.sources.property_values import aws_profile, bad_properties
from integrations.sources.registry import find_source_type
from tests.factories import make_account, make_integration, make_member
from tests.sources.declaring import declare

POSTGRES = {"host": "db.example.com", "port": 5432, "user": "ann", "dbname": "shop"}


@pytest.fixture
def integration(db):
    account = make_account()
    make_member(account)
    return make_integration(account, type="platform.hp-postgres", step="form")


def test_values_become_text_and_the_tap_gets_its_own_types(integration):
    password = secrets.token_urlsafe()
    given = {**POSTGRES, "password": password, "ssl": "true", "filter_schemas": "public, sales"}
    given |= {"frequency_in_minutes": "60", "anchor_time": "2026-01-01T00:00:00Z"}
    changed = store_properties(integration=integration, given=given)
    assert set(changed) == set(given)
    stored = Integration.objects.get(pk=integration.pk)
    assert stored.properties["port"] == "5432"
    assert "password" not in stored.properties
    assert password not in stored.sealed_credentials
    assert provided(stored) == set(given)
    assert tap_config(stored) == {
        "host": "db.example.com",
        "port": 5432,
        "user": "ann",
        "database": "shop",
        "password": password,
        "ssl_enable": True,
        "ssl_mode": "require",
        "filter_schemas": ["public", "sales"],
    }


def test_credentials_and_schedule_stay_out_of_what_is_shown_and_configured(integration):
    password = secrets.token_urlsafe()
    store_properties(integration=integration, given={**POSTGRES, "password": password})
    shown = shown_properties(integration)
    assert password not in json.dumps(shown)
    assert "password" not in shown
    assert shown["image_version"] == "0.latest"
    assert shown["product"] == "pipeline"
    assert not {"image_version", "product", "frequency_in_minutes"} & set(tap_config(integration))


def test_the_same_value_again_changes_nothing(integration):
    given = {**POSTGRES, "password": secrets.token_urlsafe()}
    store_properties(integration=integration, given=given)
    sealed = integration.sealed_credentials
    assert store_properties(integration=integration, given=given) == []
    assert integration.sealed_credentials == sealed
    assert store_properties(integration=integration, given={"password": secrets.token_urlsafe()}) == [
        "password"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("host", "no host"),
        ("host", None),  # required: null cannot clear it
        ("port", "54x"),
        ("port", True),
        ("port", 1.5),
        ("ssl", "yes"),
        ("ssl", True),  # its schema says a string
        ("user", 7),
        ("user", "a\0b"),
        ("user", "\ud800"),
        ("user", "x" * 65_537),
        ("user", {"a": "b"}),
        ("nothing", "known"),
        ("image_version", "1.latest"),
        ("default_replication_method", "SOMETIMES"),
        ("frequency_in_minutes", "61"),
        ("anchor_time", "tomorrow"),
        ("cron_expression", ""),
        ("cron_expression", 5),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_stored(integration, name, value):
    with pytest.raises(BadProperties) as raised:
        store_properties(integration=integration, given={"dbname": "shop", name: value})
    assert raised.value.names == [name]
    assert integration.properties == {}
    assert Integration.objects.get(pk=integration.pk).properties == {}


def test_null_clears_an_optional_property_and_a_credential(integration):
    store_properties(
        integration=integration, given={"ssl": "true", "ssh_private_key": secrets.token_urlsafe()}
    )
    assert set(store_properties(integration=integration, given={"ssl": None, "ssh_private_key": None})) == {
        "ssl",
        "ssh_private_key",
    }
    assert provided(integration) == set()
    assert integration.sealed_credentials == ""


def test_what_is_fixed_after_its_first_value_stays(settings, tmp_path, db):
    settings.SOURCES_DIR = tmp_path
    text = (
        'name = "platform.fixed"\nlabel = "Fixed"\n[tap]\nprogram = ["/bin/true"]\n[[properties]]\n'
        'name = "prefix"\nproperty_type = "user_provided_immutable"\n'
    )
    fixed = declare(text, name="platform.fixed", folder=tmp_path)
    check_properties(fixed, {"prefix": "a"}, {})
    check_properties(fixed, {"prefix": "a"}, {"prefix": "a"})
    for value in ("b", None):
        with pytest.raises(BadProperties):
            check_properties(fixed, {"prefix": value}, {"prefix": "a"})


def test_lists_and_nested_keys(db):
    mysql = find_source_type("platform.hp-mysql")
    account = make_account()
    make_member(account)
    integration = make_integration(account, type=mysql.name)
    store_properties(integration=integration, given={"filter_dbs": ["a", "b"], "server_id": 3})
    assert tap_config(integration) == {"filter_dbs": "a,b", "server_id": "3", "port": "3306"}
    tunnel = make_integration(account, type="platform.hp-postgres")
    store_properties(
        integration=tunnel, given={"ssh": "true", "ssh_host": "jump.example.com", "ssh_port": "22"}
    )
    assert tap_config(tunnel)["ssh_tunnel"] == {"enable": True, "host": "jump.example.com", "port": 22}


FILES = [
    {"search_pattern": "orders/*.csv", "table_name": "orders", "key_properties": "id, line", "delimiter": "|"}
]


def test_files_are_those_of_the_accounts_own_folder(settings, tmp_path, db):
    settings.SOURCE_FILES_DIR = tmp_path
    account = make_account()
    make_member(account)
    integration = make_integration(account, type="platform.csv-files")
    store_properties(integration=integration, given={"tables": json.dumps(FILES)})
    config = tap_config(integration)
    assert config.pop("stream_maps") == find_source_type("platform.csv-files").config["stream_maps"]
    assert config == {
        "files": [
            {
                "path": f"{tmp_path}/{account.client_id}/orders/*.csv",
                "format": "csv",
                "table_name": "orders",
                "primary_keys": ["id", "line"],
                "delimiter": "|",
                "quotechar": '"',
                "drop_empty": False,
            }
        ]
    }


@pytest.mark.parametrize(
    "change",
    [
        {"search_pattern": "../other/*.csv"},
        {"search_pattern": "a/../../b.csv"},
        {"search_pattern": "/etc/passwd"},
        {"search_pattern": "file:///etc/passwd"},
        {"search_pattern": "zip::http://x/y"},
        {"search_pattern": ".hidden"},
        {"search_pattern": "a/.hidden/b.csv"},
        {"search_pattern": "a//b.csv"},
        {"search_pattern": "[a-b].csv"},
        {"search_pattern": ""},
        {"table_name": ""},
        {"delimiter": "tab"},
        {"format": "excel"},
        {"key_properties": ["id"]},
    ],
    ids=str,
)
def test_a_file_pattern_never_leaves_the_folder(change):
    csv = find_source_type("platform.csv-files")
    check_properties(csv, {"tables": json.dumps(FILES)}, {})
    with pytest.raises(BadProperties):
        check_properties(csv, {"tables": json.dumps([FILES[0] | change])}, {})


S3 = {
    "bucket": "shop.example",
    "search_prefix": "exports/2026",
    "tables": json.dumps(FILES),
    "aws_access_key_id": "made-up-key",
    "aws_secret_access_key": "made up".replace(" ", "/"),
}


def test_a_bucket_is_read_with_keys_that_stand_in_the_taps_home_alone(db):
    account = make_account()
    make_member(account)
    integration = make_integration(account, type="platform.s3-files")
    store_properties(integration=integration, given=S3 | {"endpoint_url": "https://minio.example.com:9000"})
    config = tap_config(integration)
    assert [table["path"] for table in config["files"]] == ["s3://shop.example/exports/2026/orders/*.csv"]
    assert S3["aws_secret_access_key"] not in json.dumps(config)
    assert tap_home(integration) == {
        ".aws/config": """[default]
endpoint_url = https://minio.example.com:9000
region = us-east-1
aws_access_key_id = made-up-key
aws_secret_access_key = made/up
s3 =
    addressing_style = path
response_checksum_validation = when_required
"""
    }
    assert tap_home(make_integration(account, type="platform.csv-files")) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": "shop/../other"},
        {"bucket": "Shop"},
        {"search_prefix": "../other"},
        {"search_prefix": "/etc"},
        {"region": "eu\ncredential_process = sh"},
        {"endpoint_url": "https://x\ncredential_process = sh"},
        {"aws_access_key_id": "a\ncredential_process = sh"},
        {"aws_secret_access_key": "a\ncredential_process = sh"},
        {"aws_secret_access_key": "a\n"},
        {"aws_access_key_id": "a\x1b"},
    ],
    ids=str,
)
def test_no_value_begins_a_line_of_its_own_in_the_taps_home(change):
    s3 = find_source_type("platform.s3-files")
    check_properties(s3, S3, {})
    try:
        check_properties(s3, S3 | change, {})
    except BadProperties:
        return
    with pytest.raises(ValueError, match=r"_"):
        aws_profile(s3, S3 | change)


@pytest.mark.parametrize(
    ("path", "is_good"),
    [
        ("/orders", True),
        ("", True),
        ("?table=orders", True),
        ("@evil.example.com/", False),
        (".evil.example.com/", False),
        (":8443/", False),
        ("orders", False),
        ("\\u0040evil.example.com/", False),
    ],
)
def test_no_path_of_a_rest_api_makes_another_host_of_its_address(path, is_good):
    rest = find_source_type("platform.rest-api")
    streams = '[{"name": "customers", "path": "/customers"},\n {"name": "orders", "path" : "PATH"}]'
    streams = streams.replace("PATH", path)
    assert bad_properties(rest, {"streams": streams}, {}) == ([] if is_good else ["streams"])


def test_another_cipher_key_and_another_row_do_not_open_the_credentials(integration, settings):
    store_properties(integration=integration, given={"password": secrets.token_urlsafe()})
    other = make_integration(integration.account, type="platform.hp-postgres")
    other.sealed_credentials = integration.sealed_credentials
    with pytest.raises(CredentialUnreadable):
        tap_config(other)
    settings.CREDENTIAL_KEY = secrets.token_urlsafe(50)
    with pytest.raises(CredentialUnreadable):
        tap_config(integration)
    assert "password" not in provided(integration)


def test_a_type_whose_declaration_is_gone_is_said(db):
    account = make_account()
    make_member(account)
    integration = make_integration(account, type="platform.gone", properties={"host": "a"})
    with pytest.raises(SourceTypeGone):
        tap_config(integration)
    assert shown_properties(integration)["host"] == "a"
