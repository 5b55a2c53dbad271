"""`/notifications/public/v1/api/custom-emails`: the custom notification list (connect-api.md 2.11, 3.16).

An address that a program adds gets one mail with a link, as one that a person adds, and nothing more until whoever
reads it has confirmed.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router

from accounts.errors import DomainError
from accounts.forms.addresses import AddressField
from integrations.connect.notification_schemas import (
    CustomEmail,
    CustomEmailChange,
    CustomEmailChanged,
    CustomEmailCreate,
    CustomEmailRefused,
    CustomEmailRefusedValue,
    EmailStatus,
)
from integrations.connect.responses import Refusal, timestamp
from integrations.connect.schemas import PlainError, parse_timestamp
from integrations.models import NotificationAddress
from integrations.services.notification_addresses import (
    AddressGone,
    add_address,
    delete_address,
    disable_address,
    enable_address,
)
from stitchapp.server_address import server_address

PATH = "notifications/public/v1/api/custom-emails"
router = Router(tags=["Custom email notifications"])
INVALID_ADDRESS = {"email_address": "Required. Must be valid email address format."}
UNKNOWN = Refusal(404, {"status": "NOT FOUND"})


def refusal(message: str | dict[str, str], *, code: str = "invalid_body") -> Refusal:
    """Build the error of these endpoints (envelope F of connect-api.md 1.9)."""
    return Refusal(400, {"error": {"message": message}}, code=code)


BODY_REFUSALS = {
    (PATH, "POST"): refusal(INVALID_ADDRESS),
    (f"{PATH}/<int:address_id>", "PUT"): Refusal(400, {"disabled_at": None}),
}


def shown(address: NotificationAddress, client_id: int) -> dict[str, Any]:
    """Return an address of the list as the API shows it."""
    return {
        "id": address.pk,
        "client_id": client_id,
        "email_address": address.email,
        "created_at": timestamp(address.created_at),
        "disabled_at": timestamp(address.disabled_at),
    }


@router.get(
    "custom-emails",
    response={200: list[CustomEmail], 401: PlainError},
    summary="List addresses",
    url_name="custom-emails",
)
def custom_email_list(request: HttpRequest):
    """The addresses of the list, disabled ones too."""
    addresses = request.account.notification_addresses.order_by("pk")
    return [shown(address, request.account.client_id) for address in addresses]


@router.post(
    "custom-emails",
    response={200: CustomEmail, 400: CustomEmailRefused, 401: PlainError},
    summary="Add an address",
    url_name="custom-emails",
)
def custom_email_create(request: HttpRequest, body: CustomEmailCreate):
    """It is sent a link first, and mail once somebody there has confirmed. An account has at most ten addresses."""
    try:
        email = AddressField().clean(body.email_address)
    except ValidationError as error:
        raise refusal(INVALID_ADDRESS) from error
    try:
        address = add_address(
            account=request.account,
            actor=request.api_key.owner,
            email=email,
            server=server_address(request),
            api_key=request.api_key,
        )
    except DomainError as error:
        raise refusal(error.message, code=error.code) from error
    return shown(address, request.account.client_id)


@router.put(
    "custom-emails/{int:address_id}",
    response={
        200: CustomEmailChanged,
        400: CustomEmailRefusedValue,
        401: PlainError,
        404: EmailStatus | PlainError,
    },
    summary="Disable or enable an address",
    url_name="custom-email",
)
def custom_email_update(request: HttpRequest, address_id: int, body: CustomEmailChange):
    """Any time disables the address at once; null sends it mail again."""
    address = request.account.notification_addresses.filter(pk=address_id).first()
    if address is None:
        raise UNKNOWN
    try:
        moment = parse_timestamp(body.disabled_at)
    except ValueError as error:
        raise Refusal(400, {"disabled_at": body.disabled_at}) from error
    who = {"address": address, "actor": request.api_key.owner, "api_key": request.api_key}
    try:
        if moment is None:
            enable_address(**who)
        else:
            disable_address(disabled_at=moment, **who)
    except AddressGone as error:  # deleted by another request, between the two statements
        raise UNKNOWN from error
    return {"disabled_at": timestamp(moment)}


@router.delete(
    "custom-emails/{int:address_id}",
    response={200: list[int], 401: PlainError, 404: PlainError},
    summary="Delete an address",
    url_name="custom-email",
)
def custom_email_delete(request: HttpRequest, address_id: int):
    """The number of addresses deleted, in a list: one, or none for an address that the account does not have."""
    address = request.account.notification_addresses.filter(pk=address_id).first()
    if address is None:
        return [0]
    delete_address(address=address, actor=request.api_key.owner, api_key=request.api_key)
    return [1]
