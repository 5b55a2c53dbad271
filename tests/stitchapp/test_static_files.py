"""The addresses of style sheets, scripts and pictures."""

import json

import pytest

from stitchapp.static_files import StaticFiles


def test_an_address_carries_the_file_s_digest_and_is_made_once(tmp_path, monkeypatch):
    (tmp_path / "staticfiles.json").write_text(
        json.dumps({"version": "1.1", "hash": "", "paths": {"css/base.css": "css/base.5f0c1d.css"}})
    )
    files = StaticFiles(location=tmp_path, base_url="/static/")
    assert files.url("css/base.css") == "/static/css/base.5f0c1d.css"
    monkeypatch.setattr(files, "stored_name", lambda name: pytest.fail("it was looked up again"))
    assert files.url("css/base.css") == "/static/css/base.5f0c1d.css"


def test_a_file_that_was_not_collected_has_no_address(tmp_path):
    (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "hash": "", "paths": {}}))
    files = StaticFiles(location=tmp_path, base_url="/static/")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"css/none\.css"):
            files.url("css/none.css")
