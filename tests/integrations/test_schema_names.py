"""Names of integrations and of their schemas (app.md 9.3, decision D34)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.services.schema_names import (
    SCHEMA_NAME,
    InvalidDisplayName,
    InvalidSchemaName,
    NameTaken,
    choose_schema_name,
    clean_display_name,
    derive_schema_name,
    require_free_display_name,
)
from tests.factories import make_account, make_integration, make_member


@pytest.mark.parametrize(
    ("display_name", "schema_name"),
    [
        ("Customer Records", "customer_records"),
        ("Import API", "import_api"),
        ("Import API tokens example", "import_api_tokens_example"),
        ("test iapi", "test_iapi"),
        ("Recurly Stitch", "recurly_stitch"),
        ("DISPLAY_NAME!!!", "display_name"),
        ("####", ""),
        ("- _ -", ""),
        ("Bike Fleet (Lyon)", "bike_fleet_lyon"),
        ("orders-eu v2.1", "orders_eu_v21"),
        ("Café Sales", "cafe_sales"),
        ("3rd party", "_3rd_party"),
        ("Sales (2020) !", "sales_2020"),
        ("a – b", "a_b"),
        ("my__own", "my__own"),
        ("株式会社", ""),
    ],
)
def test_T11_T17_the_display_name_makes_the_schema_name(display_name, schema_name):
    assert derive_schema_name(display_name) == schema_name


@given(st.text(min_size=1, max_size=49))
def test_whatever_is_derived_is_a_usable_name_or_nothing(display_name):
    derived = derive_schema_name(display_name)
    assert derived == "" or SCHEMA_NAME.fullmatch(derived) or len(derived) > 49
    assert derive_schema_name(derived) == derived


@pytest.mark.parametrize("name", ["line\nbreak", "bell\x07", "right\u202eleft", "", "   ", "x" * 256])
def test_A4_a_display_name_is_one_printable_line(name):
    with pytest.raises(InvalidDisplayName):
        clean_display_name(name)


def test_blanks_around_a_display_name_do_not_count():
    assert clean_display_name("  Customer\u00a0Records ") == "Customer Records"


BAD_FORM = (
    "The name field must be under 50 characters, and can only contain lowercase letters, numbers, "
    "underscores, or dollar signs. It must begin with a letter or an underscore."
)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Upper", "1st", "a-b", "a b", "", "x" * 50, "é", "a\n"])
def test_a_schema_name_of_the_wrong_form_is_refused(name):
    with pytest.raises(InvalidSchemaName) as refusal:
        choose_schema_name(account=make_account(), display_name="Orders", schema_name=name)
    assert (refusal.value.message, refusal.value.field) == (BAD_FORM, "schema_name")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a", "_a", "a$1", "x" * 49])
def test_a_schema_name_of_the_right_form_is_taken_as_it_is(name):
    assert choose_schema_name(account=make_account(), display_name="Orders", schema_name=name) == name


@pytest.mark.django_db
def test_a_derived_name_past_49_characters_is_refused_not_cut():
    account = make_account()
    assert choose_schema_name(account=account, display_name="x" * 49) == "x" * 49
    with pytest.raises(InvalidSchemaName) as refusal:
        choose_schema_name(account=account, display_name="x" * 50)
    assert (refusal.value.message, refusal.value.field) == (BAD_FORM, "display_name")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["pg_catalog", "information_schema", "main", "temp", "system", "public", "_stitchapp"]
)
def test_names_that_the_warehouse_keeps_for_itself_are_refused(name):
    with pytest.raises(InvalidSchemaName):
        choose_schema_name(account=make_account(), display_name=name)
    with pytest.raises(InvalidSchemaName):
        choose_schema_name(account=make_account(), display_name="Orders", schema_name=name)


@pytest.mark.django_db
def test_nothing_usable_left():
    with pytest.raises(InvalidDisplayName) as refusal:
        choose_schema_name(account=make_account(), display_name="####")
    assert refusal.value.message == "invalid name after deriving it from display_name (#### -> )"


@pytest.mark.django_db
def test_names_are_unique_in_the_account_among_live_integrations():
    account, other = make_account(), make_account()
    make_member(account)
    taken = make_integration(account, display_name="Customer Records", schema_name="customer_records")
    with pytest.raises(NameTaken) as refusal:
        choose_schema_name(account=account, display_name="Customer-Records")
    assert refusal.value.message == (
        "non-unique name after deriving it from display_name (Customer-Records -> customer_records)"
    )
    with pytest.raises(NameTaken) as refusal:
        choose_schema_name(account=account, display_name="Other", schema_name="customer_records")
    assert (refusal.value.message, refusal.value.field) == (
        "non-unique name (customer_records)",
        "schema_name",
    )
    with pytest.raises(NameTaken) as refusal:
        require_free_display_name(account=account, display_name="CUSTOMER RECORDS")
    assert refusal.value.message == "non-unique name (CUSTOMER RECORDS)"
    require_free_display_name(account=account, display_name="customer records", integration=taken)
    assert choose_schema_name(account=other, display_name="Customer Records") == "customer_records"
    taken.deleted_at = taken.created_at
    taken.save(update_fields=["deleted_at"])
    assert choose_schema_name(account=account, display_name="Customer Records") == "customer_records"
    require_free_display_name(account=account, display_name="Customer Records")
