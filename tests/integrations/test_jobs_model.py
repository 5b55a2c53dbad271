"""What the database itself says about jobs, and how their outcome is read from their statuses."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.models import JobMode
from tests.factories import make_account, make_job, make_member, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    account = make_account()
    make_member(account)
    return make_source(account)


def test_J1_the_database_refuses_a_second_open_job_of_a_mode(source):
    make_job(source, completed_at=None)
    make_job(source, mode=JobMode.CHECK, completed_at=None)
    make_job(source)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_job(source, completed_at=None)


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        ("running", {"completed_at": None}),
        ("succeeded", {}),
        ("failed", {"tap_exit_status": 1}),
        ("failed", {"discovery_exit_status": 1, "tap_exit_status": None, "target_exit_status": None}),
        ("stopped", {"tap_exit_status": -15, "target_exit_status": None, "stop_asked_at": timezone.now()}),
        (
            "timed out",
            {"discovery_exit_status": None, "tap_exit_status": None, "target_exit_status": None},
        ),
    ],
)
def test_the_outcome_follows_from_the_statuses(source, outcome, fields):
    assert make_job(source, **fields).outcome == outcome


def test_set_up_that_is_not_finished_comes_before_a_pause(source):
    source.paused_at = timezone.now()
    assert source.status == "Paused"
    source.step = "field_selection"
    assert source.status == "Not Configured"
