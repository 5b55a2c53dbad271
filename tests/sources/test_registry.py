"""The registry reads declarations again when they change, and leaves out what it cannot use."""

import pytest

from integrations.services.table_names import WITH_SCHEMA
from integrations.sources.registry import (
    declaration_faults,
    find_source_type,
    looked_up_once,
    source_types,
)
from tests.sources.declaring import declare, declare_synthetic, synthetic_declaration


@pytest.fixture
def folder(settings, tmp_path):
    settings.SOURCES_DIR = tmp_path / "sources"
    settings.TAPS_DIR = tmp_path / "taps"
    return settings.SOURCES_DIR


def test_ships_its_types_without_a_fault(folder):
    names = [found.name for found in source_types()]
    assert names[0] == "import_api"
    assert set(names) == {
        "import_api",
        "platform.csv-files",
        "platform.github",
        "platform.hp-mysql",
        "platform.hp-postgres",
        "platform.rest-api",
        "platform.s3-files",
    }
    assert declaration_faults() == ()
    assert all(found.why and found.is_shipped for found in source_types()[1:])


def test_a_block_that_looks_up_once_sees_new_files_only_afterwards(folder):
    with looked_up_once():
        write(folder)
        assert find_source_type("platform.synthetic") is None
    assert find_source_type("platform.synthetic") is not None


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "synthetic.toml").write_text(synthetic_declaration())


def test_the_choice_of_table_names_is_not_for_the_tap(folder):
    for name in ("platform.hp-postgres", "platform.hp-mysql"):
        [choice] = [each for each in find_source_type(name).properties if each.name == WITH_SCHEMA]
        assert choice.config_key == ""


def test_an_alias_finds_the_type_under_its_own_name(folder):
    found = find_source_type("platform.postgres")
    assert (found.name, found.protocol, found.tap) == (
        "platform.postgres",
        "platform.hp-postgres",
        "tap-postgres",
    )
    assert find_source_type("platform.nothing") is None


def test_tells_from_the_disk_what_is_installed(folder):
    found = find_source_type("platform.github")
    assert not found.is_installed
    assert found.install_command == "manage.py install_source github"
    program = found.folder / "bin" / "tap-github"
    program.parent.mkdir(parents=True)
    program.touch()
    assert found.is_installed
    assert found.unavailable_reason == ""


def test_files_need_a_folder_that_the_operator_names(folder, settings, tmp_path):
    found = find_source_type("platform.csv-files")
    settings.SOURCE_FILES_DIR = None
    assert "SOURCE_FILES_DIR" in found.unavailable_reason
    settings.SOURCE_FILES_DIR = tmp_path
    assert found.unavailable_reason.startswith("Its tap is not installed")


def test_every_tap_type_has_the_common_properties(folder):
    for found in source_types()[1:]:
        assert {"anchor_time", "cron_expression", "frequency_in_minutes", "image_version"} <= set(
            found.by_name
        )
        assert ("start_date" in found.by_name) == (found.default_start_date is not None)


def test_a_declaration_is_read_again_when_its_file_changes(folder):
    assert find_source_type("platform.synthetic") is None
    found = declare_synthetic(folder)
    assert found.is_installed
    assert not found.is_shipped
    assert found.protocol == "platform.synthetic"
    path = folder / "synthetic.toml"
    path.write_text(path.read_text().replace('"Synthetic"', '"Made up"'))
    assert find_source_type("platform.synthetic").label == "Made up"
    path.unlink()
    assert find_source_type("platform.synthetic") is None


def test_nothing_is_read_twice_while_nothing_changes(folder, monkeypatch):
    from integrations.sources import registry

    declare_synthetic(folder)
    monkeypatch.setattr(registry, "read_declaration", lambda *words, **more: pytest.fail("read again"))
    assert find_source_type("platform.synthetic") is not None


def faulty(change: str, to: str) -> str:
    text = synthetic_declaration("platform.faulty")
    assert change in text
    return text.replace(change, to, 1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name = ", "the file is no TOML"),
        (b"\xff\xfe", "the file is no UTF-8 text"),
        (b"#" * 300_000, "larger than 262,144 bytes"),
        ('label = "x"', "name is missing"),
        (faulty('"platform.faulty"', '"Faulty"'), "name is 'Faulty', which is not of its form"),
        (faulty('"platform.faulty"', '"import_api"'), "name is 'import_api', which is not of its form"),
        (faulty('"platform.faulty"', '"platform.github"'), "belongs to another declaration (GitHub)"),
        (faulty("category", "categroy"), "categroy is not known"),
        (faulty('label = "Synthetic"', "label = 3"), "label must be a text"),
        (
            faulty("[capabilities]", "[capabilities]\ndiscovery = 1"),
            "capabilities.discovery must be true or false",
        ),
        (faulty('"password"', '"start_date"'), "'start_date' is one that every type has"),
        (faulty('name = "rows"', 'name = "password"'), "'password' is declared twice"),
        (
            faulty('name = "rows"', 'name = "rows"\njson_schema = "txt"'),
            "property rows: json_schema is 'txt'",
        ),
        (
            faulty('name = "rows"', 'name = "rows"\njson_schema = { type = "string", pattern = "(" }'),
            "property rows: json_schema is no usable JSON Schema",
        ),
        (faulty('name = "rows"', 'name = "rows"\nas = "date"'), "property rows: as is 'date'; give one of"),
        (faulty("program = [", 'program = ["tap", '), "tap.program must begin with the whole path"),
        (faulty("program", "# program"), "tap.package is missing"),
    ],
)
def test_says_what_is_wrong_with_a_declaration_and_keeps_the_rest(folder, caplog, text, fault):
    declare_synthetic(folder)
    path = folder / "faulty.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert find_source_type("platform.synthetic") is not None
    assert find_source_type("platform.faulty") is None
    [found] = declaration_faults()
    assert found.path == str(path)
    assert fault in found.message
    assert "source.declaration_skipped" in [record.message for record in caplog.records]


def test_two_declarations_share_a_tap_only_if_they_mean_the_same_package(folder):
    text = synthetic_declaration("platform.other").replace("program", "#")
    text = text.replace(
        "[tap]", '[tap]\nname = "tap-github"\npackage = "other"\nversion = "4.0.0"\nexecutable = "x"'
    )
    with pytest.raises(AssertionError):
        declare(text, name="platform.other", folder=folder)
    assert "installed from another package by GitHub" in declaration_faults()[0].message


def test_a_dangling_link_and_a_folder_are_told_as_faults(folder):
    folder.mkdir()
    (folder / "dangling.toml").symlink_to(folder / "nowhere")
    (folder / "folder.toml").mkdir()
    assert len(declaration_faults()) == 2
