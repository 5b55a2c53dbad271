"""`/notifications/public/v1/api/hooks`: post-load hooks (connect-api.md 2.12, 3.16).

The answer that makes a hook has one key beside the published ones: the secret that signs its messages, shown this once.
"""

from types import NoneType
from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.errors import DomainError, PlanRequired
from integrations.connect.notification_schemas import (
    Hook as HookShape,
)
from integrations.connect.notification_schemas import (
    HookBodyRefused,
    HookChange,
    HookCreate,
    HookCreated,
    HookList,
    HookRefused,
    HookUnknown,
)
from integrations.connect.responses import Refusal, timestamp
from integrations.connect.schemas import PlainError
from integrations.models import Hook
from integrations.services.hooks import HookLimitReached, create_hook, delete_hook, disable_hook, enable_hook

PATH = "notifications/public/v1/api/hooks"
POST_LOAD = "post_load"
router = Router(tags=["Post-load hooks"])
UNKNOWN = Refusal(400, {"error": "NotFound"})
NO_DESTINATION = "destination_id is no destination of this account."


def invalid_body(message: str, **more: str) -> Refusal:
    """Build the error for a body; the published one with its keys in their order."""
    return Refusal(400, {"data": {"message": message} | more, "error": "InvalidBody"})


BODY_REFUSALS = {
    (PATH, "POST"): invalid_body("Invalid POST body"),
    (f"{PATH}/<int:hook_id>", "PUT"): invalid_body("PUT body must only contain boolean 'enable' key"),
}


def shown(hook: Hook, client_id: int) -> dict[str, Any]:
    """Return a hook as the API shows it."""
    return {
        "id": hook.pk,
        "client_id": client_id,
        "type": POST_LOAD,
        "version": 1,
        "destination_id": hook.destination_id,
        "config": {"url": hook.url},
        "created_at": timestamp(hook.created_at),
        "modified_at": timestamp(hook.modified_at),
        "disabled_at": timestamp(hook.disabled_at),
    }


@router.get("hooks", response={200: HookList, 401: PlainError}, summary="List hooks", url_name="hooks")
def hook_list(request: HttpRequest):
    """The hooks of the account, disabled ones too."""
    hooks = request.account.hooks.order_by("pk")
    return {POST_LOAD: [shown(hook, request.account.client_id) for hook in hooks]}


@router.post(
    "hooks",
    response={200: HookCreated, 400: HookBodyRefused | HookRefused, 401: PlainError},
    summary="Add a hook",
    url_name="hooks",
)
def hook_create(request: HttpRequest, body: HookCreate):
    """Tell an https address of each load into a destination. `signing_secret` is shown this once.

    An account has at most ten hooks, on the plans that sell them.
    """
    named = body if "destination_id" in body.model_fields_set else body.config
    if "destination_id" not in named.model_fields_set:
        raise BODY_REFUSALS[PATH, "POST"]
    destination = request.account.destinations.live().filter(pk=named.destination_id).first()
    if destination is None:
        raise invalid_body("Invalid POST body", reason=NO_DESTINATION)
    destination.account = request.account
    try:
        hook, secret = create_hook(
            account=request.account,
            actor=request.api_key.owner,
            url=body.config.url,
            destination=destination,
            api_key=request.api_key,
        )
    except (PlanRequired, HookLimitReached) as error:
        raise Refusal(400, {"error": {"message": error.message}}, code=error.code) from error
    except DomainError as error:
        raise invalid_body("Invalid POST body", reason=error.message) from error
    return shown(hook, request.account.client_id) | {"signing_secret": secret}


def find_hook(request: HttpRequest, hook_id: int) -> Hook:
    """Return the account's hook; refuse an unknown one in the published words."""
    hook = request.account.hooks.filter(pk=hook_id).first()
    if hook is None:
        raise UNKNOWN
    hook.account = request.account
    return hook


@router.put(
    "hooks/{int:hook_id}",
    response={
        200: HookShape,
        400: HookBodyRefused | HookRefused | HookUnknown,
        401: PlainError,
        404: PlainError,
    },
    summary="Disable or enable a hook",
    url_name="hook",
)
def hook_update(request: HttpRequest, hook_id: int, body: HookChange):
    """Disabled, it is sent nothing, what waits included; enabled, it is told of the loads from then on."""
    hook = find_hook(request, hook_id)
    who = {"hook": hook, "actor": request.api_key.owner, "api_key": request.api_key}
    try:
        if body.enable:
            enable_hook(**who)
        else:
            disable_hook(**who)
    except PlanRequired as error:
        raise Refusal(400, {"error": {"message": error.message}}, code=error.code) from error
    return shown(find_hook(request, hook_id), request.account.client_id)


@router.delete(
    "hooks/{int:hook_id}",
    response={200: NoneType, 400: HookUnknown, 401: PlainError, 404: PlainError},
    summary="Delete a hook",
    url_name="hook",
)
def hook_delete(request: HttpRequest, hook_id: int):
    """The hook, its secret and its deliveries are gone."""
    delete_hook(hook=find_hook(request, hook_id), actor=request.api_key.owner, api_key=request.api_key)
