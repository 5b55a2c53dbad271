"""Sources that a tap reads, over the API: their card, their form, their schedule and their refusals (I15)."""

import secrets
from ipaddress import ip_network

import pytest

from integrations.models import Integration, Job
from integrations.sources.registry import find_source_type
from tests.factories import make_job, make_stream

TYPE = "platform.synthetic"
STEPS = ["form", "discover_schema", "field_selection", "fully_configured"]


@pytest.fixture(autouse=True)
def declared(synthetic_type):
    """The type of these sources."""


@pytest.fixture
def create(call):
    def send(**properties):
        body = {"type": TYPE, "display_name": "Made up", "properties": properties}
        return call("POST", "/v4/sources", body)

    return send


def standing(card):
    """Return the number, the name and the given properties of the step that a card stands at."""
    given = {item["name"] for step in card["steps"] for item in step["properties"] if item["provided"]}
    return card["current_step"], card["current_step_type"], given


def test_the_card_of_a_type_tells_its_form(call):
    card = call("GET", f"/v4/source-types/{TYPE}").json()
    assert [step["type"] for step in card["steps"]] == STEPS
    assert standing(card) == (1, "form", set())
    by_name = {item["name"]: item for item in card["steps"][0]["properties"]}
    assert by_name["password"] == {
        "name": "password",
        "is_required": True,
        "is_credential": True,
        "system_provided": False,
        "property_type": "user_provided",
        "json_schema": {"type": "string"},
        "provided": False,
        "tap_mutable": False,
    }
    assert by_name["image_version"]["property_type"] == "read_only"
    assert by_name["cron_expression"]["json_schema"] is None
    assert card["details"]["access"] is True
    assert TYPE in {card["type"] for card in call("GET", "/v4/source-types").json()}


def test_a_source_is_saved_as_far_as_it_goes_and_checked_when_its_form_is_complete(call, create):
    source = create(rows="5").json()
    assert standing(source["report_card"]) == (1, "form", {"rows", "image_version"})
    assert (source["check_job_name"], source["schedule"]) == (None, None)
    password = secrets.token_urlsafe()
    path = f"/v4/sources/{source['id']}"
    answer = call("PUT", path, {"properties": {"password": password}})
    source = answer.json()
    assert standing(source["report_card"]) == (2, "discover_schema", {"rows", "password", "image_version"})
    assert source["check_job_name"] == Job.objects.get().name
    assert source["properties"] == {"rows": "5", "image_version": "0.latest", "product": "pipeline"}
    for text in (answer.content, call("GET", "/v4/sources").content):
        assert password.encode() not in text
    check = call("GET", f"{path}/last-connection-check").json()
    assert (check["name"], check["status"]) == (source["check_job_name"], "running")
    call("PUT", path, {"display_name": "Other"})
    assert Job.objects.count() == 1  # only properties start a check (8.1 no. 30)


def test_P3_a_refused_property_names_itself_and_stores_nothing(create):
    answer = create(password="", rows=["a", 1], image_version="2", nothing="x")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, "InvalidProperties")
    assert body["data"]["message"] == "properties do not match schema"
    assert body["data"]["bad_properties"] == ["image_version", "nothing", "password", "rows"]
    assert standing(body["data"]["report_card"]) == (1, "form", set())
    assert not Integration.objects.exists()


@pytest.mark.parametrize(
    ("expression", "plan", "error", "message"),
    [
        (
            "* * * * * *",
            "advanced",
            "InvalidCronExpression",
            'cron_expression "* * * * * *" is invalid: Support for specifying both a day-of-week AND a '
            "day-of-month parameter is not implemented.",
        ),
        (
            "0 0 12 ? * MON-FRI",
            "standard",
            "AccessDenied",
            "access to cron_expression based scheduling is not permitted",
        ),
    ],
)
def test_a_cron_expression_is_refused_in_the_documented_words(
    create, account, expression, plan, error, message
):
    account.plan.advanced_scheduling = plan == "advanced"
    account.plan.save(update_fields=["advanced_scheduling"])
    answer = create(password="x", cron_expression=expression)
    assert (answer.status_code, answer.json()) == (400, {"error": error, "data": {"message": message}})


def test_what_is_not_installed_is_listed_and_cannot_be_created(call):
    name = "platform.hp-postgres"
    assert call("GET", f"/v4/source-types/{name}").json()["details"]["access"] is False
    answer = call("POST", "/v4/sources", {"type": name, "display_name": "Shop"})
    words = f"you do not have access to source type ({name})"
    assert (answer.status_code, answer.json()) == (400, {"error": "AccessDenied", "data": {"message": words}})


@pytest.mark.parametrize(
    ("properties", "schedule"),
    [
        ({"frequency_in_minutes": "60"}, {"type": "interval", "unit": "minute", "interval": 60.0}),
        (
            {"cron_expression": "0 0 12 ? * MON-FRI *"},
            {"type": "cron", "cron_expression": "0 0 12 ? * MON-FRI *"},
        ),
    ],
)
def test_the_schedule_is_told_once_the_source_is_fully_configured(call, create, properties, schedule):
    source = create(password=secrets.token_urlsafe(), **properties).json()
    path = f"/v4/sources/{source['id']}"
    integration = Integration.objects.get()
    Job.objects.all().delete()
    make_job(integration, mode="check")
    make_stream(integration, "orders")
    Integration.objects.update(step="field_selection")
    chosen = [{"breadcrumb": [], "metadata": {"selected": True}}]
    body = {"streams": [{"tap_stream_id": "shop-public-orders", "metadata": chosen}]}
    assert call("PUT", f"{path}/streams/metadata", body).json() == {"status": 200}
    source = call("GET", path).json()
    assert standing(source["report_card"])[:2] == (4, "fully_configured")
    told = source["schedule"]
    assert told.pop("next_fire_time").endswith("Z")
    assert told == schedule
    assert source["properties"]["anchor_time"].endswith("Z")
    assert call("PUT", path, {"paused_at": "2019-06-01T00:00:00Z"}).json()["schedule"] is None


def test_another_receiver_and_a_forbidden_address_name_themselves_in_the_header(call, settings):
    """The body is the documented one; why a property is bad stands beside it (I15)."""
    given = {"host": "192.0.2.1", "port": "5432", "user": "reader", "dbname": "shop", "password": "made up"}
    body = {"type": "platform.hp-postgres", "display_name": "Shop", "properties": given}
    settings.TAPS_DIR = settings.SOURCES_DIR.parent / "taps"
    program = find_source_type("platform.hp-postgres").folder / "bin" / "tap-postgres"
    program.parent.mkdir(parents=True)
    program.touch()
    path = f"/v4/sources/{call('POST', '/v4/sources', body).json()['id']}"
    moved = call("PUT", path, {"properties": {"host": "192.0.2.2"}})
    assert (moved.status_code, moved["X-Error-Code"]) == (400, "credentials_needed")
    assert moved.json()["data"]["bad_properties"] == ["password"]
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8")]
    inside = call("PUT", path, {"properties": {"host": "10.0.0.1", "password": "made up"}})
    assert (inside.status_code, inside["X-Error-Code"]) == (400, "address_refused")
    assert inside.json()["data"]["bad_properties"] == ["host"]
    wrong = call("PUT", path, {"properties": {"port": "many"}})
    assert (wrong.status_code, wrong["X-Error-Code"]) == (400, "invalid_properties")
    assert Integration.objects.get().properties["host"] == "192.0.2.1"
