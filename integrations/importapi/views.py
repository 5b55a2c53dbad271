"""The Import API's endpoints (import-api.md 2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import allow_token, public
from integrations.importapi import rate_limits, refusals, responses, traffic
from integrations.importapi.authentication import TokenRequest, token_or
from integrations.importapi.batches import parse_batch
from integrations.importapi.bodies import IncompleteBody, received_body
from integrations.importapi.endpoints import endpoint
from integrations.importapi.parsing import ParsedRequest
from integrations.importapi.pushes import parse_push
from integrations.importapi.receipts import wait_until_loaded, wanted_wait
from integrations.importapi.rehearsals import dry_run, is_dry_run
from integrations.importapi.setting_aside import require_whole, sets_aside, stored_form, told
from integrations.importapi.status import VERSION, limits, reason_to_refuse_data
from integrations.loading.reading import PUSH, TRANSIT
from integrations.queue.accepting import accept_batch
from integrations.queue.repeats import KeyReused, accept_once
from integrations.services.receipts import find_batch, receipt_of

SCOPE = "import"
JSON = "application/json"
PUSH_KINDS = {JSON: PUSH, "application/transit+json": TRANSIT}
PATIENCE_SECONDS = 5.0  # how long a body waits for memory before its sender is told to come back


@endpoint("GET", "HEAD")
@public
def import_status(request: HttpRequest) -> HttpResponse:
    """Say whether data is taken; whatever credentials come along are ignored."""
    return responses.status(version=VERSION, revision=VERSION, reason=reason_to_refuse_data())


@endpoint("GET", "HEAD")
@public
def import_limits(request: HttpRequest) -> HttpResponse:
    """Tell how much one request, and this server, takes at most."""
    return responses.limits(limits())


@endpoint("POST")
@allow_token(SCOPE, token_or(refusals.batch_not_authorized))
def batch(request: TokenRequest) -> HttpResponse:
    """Take the records of one table, with the schema they conform to."""
    received_at = timezone.now()
    if media_type(request) != JSON:
        raise refusals.batch_content_type()
    wants_rest = sets_aside(request)
    try:
        with received_body(request, patience=PATIENCE_SECONDS) as body:
            weigh(request, len(body))
            parsed = parse_batch(body, sets_aside=wants_rest)
            traffic.note_parsed(request, parsed.tables)
            return store(request, body, parsed, received_at)
    except IncompleteBody:
        raise refusals.batch_malformed() from None


@endpoint("POST")
@allow_token(SCOPE, token_or(refusals.push_not_authenticated))
def push(request: TokenRequest) -> HttpResponse:
    """Take records of any number of tables, typed by their values."""
    received_at = timezone.now()
    with received_push(request, patience=PATIENCE_SECONDS) as (body, parsed):
        return store(request, body, parsed, received_at)


@endpoint("POST", may_be_unavailable=False)
@allow_token(SCOPE, token_or(refusals.push_not_authenticated))
def validate(request: TokenRequest) -> HttpResponse:
    """Check a request as `push` does, and store nothing."""
    with received_push(request, patience=None):
        return responses.valid()


authenticate_again = token_or(refusals.batch_not_authorized, counted=False)


@endpoint("GET", "HEAD")
@allow_token(SCOPE, token_or(refusals.batch_not_authorized))
def batch_receipt(request: TokenRequest, receipt: str) -> HttpResponse:
    """Tell what became of a batch of the token's integration; wait for it a little when asked to."""
    batch = find_batch(integration=request.token.integration, receipt=receipt)
    if batch is None:
        return responses.not_found()
    seconds, waited = wanted_wait(request.headers.get("Prefer", "")), False
    if seconds:
        waited = wait_until_loaded(batch, seconds=seconds)
        refusal = authenticate_again(request)  # the token may have been revoked meanwhile (promise P7)
        if refusal is not None:
            return refusal
    return responses.receipt(receipt_of(batch=batch), waited=seconds if waited else None)


@endpoint("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
@public
def unknown_path(request: HttpRequest, path: str) -> HttpResponse:
    """Answer a path below /v2/import/ that leads nowhere."""
    return responses.not_found()


@contextmanager
def received_push(request: TokenRequest, *, patience: float | None) -> Iterator[tuple[bytes, ParsedRequest]]:
    """Give the body of a push and what it holds."""
    require_whole(request)
    kind = PUSH_KINDS.get(media_type(request))
    if kind is None:
        raise refusals.push_content_type(media_type(request))
    try:
        with received_body(request, patience=patience) as body:
            weigh(request, len(body))
            parsed = parse_push(body, client_id=request.account.client_id, kind=kind)
            traffic.note_parsed(request, parsed.tables)
            yield body, parsed
    except IncompleteBody as error:
        encoding = "transit" if kind == TRANSIT else "json"
        raise refusals.push_malformed(str(error), line=1, column=1, kind=encoding) from None


def weigh(request: TokenRequest, size: int) -> None:
    """Note how long a body is, decompressed, and take it from what its sender may send."""
    traffic.note_size(request, size)
    rate_limits.charge(request.token, size)


def store(request: TokenRequest, body: bytes, parsed: ParsedRequest, received_at: datetime) -> HttpResponse:
    """Put a valid request on disk and into the queue, then say so; one sent before under its key, only say so."""
    key = idempotency_key(request)
    kind, stored_body = stored_form(parsed, body)
    rejected = told(parsed.set_aside) if "on_error" in request.GET else None
    if is_dry_run(request):
        return dry_run(
            integration=request.token.integration, kind=kind, body=stored_body, received_at=received_at
        )
    if key is None:
        stored = accept_batch(
            token=request.token,
            kind=kind,
            body=stored_body,
            tables=parsed.tables,
            received_at=received_at,
            plain=parsed.is_plain,
        )
        return responses.accepted(stored.receipt, rejected=rejected)
    try:
        accepted = accept_once(
            key=key,
            token=request.token,
            kind=kind,
            body=stored_body,
            tables=parsed.tables,
            received_at=received_at,
            plain=parsed.is_plain,
        )
    except KeyReused as error:
        raise refusals.key_reused(error.code, error.message) from None
    return responses.accepted(accepted.receipt, repeated=accepted.repeated, rejected=rejected)


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the key that came with the request, or None; refuse one that is not plain text."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not (0 < len(key) <= refusals.MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        raise refusals.key_invalid(len(key))
    return key


def media_type(request: HttpRequest) -> str:
    """Return the content type without its parameters, in lower case; blank when there is none."""
    content_type: str = request.META.get("CONTENT_TYPE", "")
    return content_type.partition(";")[0].strip().lower()
