"""What the Requests page says about each reason for which a request was refused."""

from integrations.services.request_log import REPEATED
from integrations.services.token_authentication import TokenRefusalReason

REPEATED_WORDS = "It was stored before, under the same Idempotency-Key."
TOKENS = {reason.value: reason.sentence for reason in TokenRefusalReason}
FAULTS = {
    "body_malformed": "The body is not well-formed.",
    "body_too_large": "The body is larger than a request may be.",
    "busy": "The server was busy: the same request may succeed later.",
    "client_id_forbidden": "The client_id is not this account's.",
    "client_id_missing": "A record has no client_id.",
    "content_encoding_unsupported": "The Content-Encoding is not known here.",
    "content_type_unsupported": "The Content-Type is not known here.",
    "dry_run_invalid": "dry_run is neither 0 nor 1.",
    "idempotency_key_reused": "The Idempotency-Key belongs to another request.",
    "idempotency_key_invalid": "The Idempotency-Key has a form that is not allowed.",
    "integration_inactive": "The integration takes no data: it is paused or deleted.",
    "internal_error": "An error of the server, which kept nothing.",
    "key_missing": "A record lacks a field of the key.",
    "key_too_long": "A value of the key is too long.",
    "method_not_allowed": "This method is not served there.",
    "not_an_array": "The body is not an array of records.",
    "not_found": "Nothing is there.",
    "number_out_of_range": "A number is too large or too small.",
    "on_error_invalid": "on_error is not reject.",
    "queue_full": "Too much waits to be loaded: the same request may succeed later.",
    "queue_unavailable": "The queue could not be written: the same request may succeed later.",
    "rate_limited": "More was sent than the limits allow.",
    "record_invalid": "A record does not conform.",
    "request_invalid": "The request does not conform.",
    "sample_too_large": "A dry run takes less than this.",
    "schema_invalid": "The JSON Schema is not valid.",
    "several_client_ids": "The records name several client_ids.",
    "token_refused": "The token was refused.",
    "too_many_data_points": "A record has too many values.",
    "too_many_records": "There are more records than a request may hold.",
}
SENTENCES = {REPEATED: REPEATED_WORDS} | FAULTS | TOKENS
