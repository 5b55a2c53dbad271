"""`/notifications/public/v1/api`: custom email notifications and post-load hooks (connect-api.md 2.11, 2.12; I15)."""

from typing import Any

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import LATER, NOT_FOUND, STAMP

BASE = "/notifications/public/v1/api"
EMAILS, HOOKS = f"{BASE}/custom-emails", f"{BASE}/hooks"
INVALID_ADDRESS = {"error": {"message": {"email_address": "Required. Must be valid email address format."}}}
INVALID_POST = {"data": {"message": "Invalid POST body"}, "error": "InvalidBody"}
INVALID_PUT = {"data": {"message": "PUT body must only contain boolean 'enable' key"}, "error": "InvalidBody"}
NO_ACCESS = {"error": {"message": "Client does not have access to hooks."}}
UNKNOWN_HOOK = {"error": "NotFound"}
NOBODYS = ("1000000", "9" * 30)


def email(**different: Any) -> dict[str, Any]:
    return {
        "id": "<number>",
        "client_id": "<client>",
        "email_address": "ops@acme.example",
        "created_at": STAMP,
        "disabled_at": None,
    } | different


def hook(**different: Any) -> dict[str, Any]:
    return {
        "id": "<hook>",
        "client_id": "<client>",
        "type": "post_load",
        "version": 1,
        "destination_id": "<destination>",
        "config": {"url": "https://203.0.113.7/x"},
        "created_at": STAMP,
        "modified_at": STAMP,
        "disabled_at": None,
    } | different


def with_reason(reason: str) -> dict[str, Any]:
    return {"data": {"message": "Invalid POST body", "reason": reason}, "error": "InvalidBody"}


GOOD = {"type": "post_load", "destination_id": "<destination>", "config": {"url": "https://203.0.113.7/z"}}
NEW = {
    "id": "<number>",
    "config": {"url": "https://203.0.113.7/z"},
    "created_at": "<time>",
    "modified_at": "<time>",
    "signing_secret": "<hook_secret>",
}
OLDER = {"type": "post_load", "config": {"url": "https://203.0.113.7/z", "destination_id": "<destination>"}}
NO_DESTINATION = "destination_id is no destination of this account."

CUSTOM_EMAILS = table(
    "notifications",
    [
        Row(
            "disabled ones too",
            "GET",
            EMAILS,
            answer=[
                email(id="<ops>"),
                email(id="<off>", email_address="off@acme.example", disabled_at=LATER),
            ],
        ),
        Row("none", "GET", EMAILS, state="nothing", answer=[]),
        Row(
            "an address",
            "POST",
            EMAILS,
            body={"email_address": "Data@Acme.example"},
            answer=email(email_address="data@acme.example", created_at="<time>"),
        ),
        *(
            Row(f"no address: {case}", "POST", EMAILS, raw=raw, status=400, answer=INVALID_ADDRESS)
            for case, raw in (
                ("missing", "{}"),
                ("null", '{"email_address": null}'),
                ("a word", '{"email_address": "ops"}'),
                ("a line break", '{"email_address": "ops@acme.example\\nx"}'),
                ("too long", '{"email_address": "' + "o" * 250 + '@acme.example"}'),
                ("a number", '{"email_address": 7}'),
                ("no JSON", "{"),
                ("no body", ""),
            )
        ),
        Row(
            "an eleventh",
            "POST",
            EMAILS,
            body={"email_address": "new@acme.example"},
            state="full_notifications",
            status=400,
            answer={
                "error": {
                    "message": "Account not authorized to create additional custom notification email addresses."
                }
            },
        ),
        Row(
            "one that is listed",
            "POST",
            EMAILS,
            body={"email_address": "OPS@acme.example"},
            status=400,
            answer={"error": {"message": "This address is on the list already."}},
        ),
        Row(
            "disable",
            "PUT",
            f"{EMAILS}/<ops>",
            body={"disabled_at": "2024-06-01T00:00:00Z"},
            answer={"disabled_at": "2024-06-01T00:00:00Z"},
        ),
        Row(
            "disable at a time to come",
            "PUT",
            f"{EMAILS}/<ops>",
            body={"disabled_at": "2124-06-01T02:00:00+02:00"},
            answer={"disabled_at": "2124-06-01T00:00:00Z"},
        ),
        Row("enable", "PUT", f"{EMAILS}/<off>", body={"disabled_at": None}, answer={"disabled_at": None}),
        *(
            Row(
                f"no time: {case}",
                "PUT",
                f"{EMAILS}/<ops>",
                body={"disabled_at": value},
                status=400,
                answer={"disabled_at": value},
            )
            for case, value in (("a word", "soon"), ("a number", 7), ("true", True), ("a list", ["x"]))
        ),
        Row("no time: missing", "PUT", f"{EMAILS}/<ops>", body={}, status=400, answer={"disabled_at": None}),
        Row("no time: no JSON", "PUT", f"{EMAILS}/<ops>", raw="{", status=400, answer={"disabled_at": None}),
        *(
            Row(
                f"change {pk}",
                "PUT",
                f"{EMAILS}/{pk}",
                body={"disabled_at": None},
                status=404,
                answer={"status": "NOT FOUND"},
            )
            for pk in (*NOBODYS, "<foreign_address>")
        ),
        Row("delete", "DELETE", f"{EMAILS}/<ops>", answer=[1]),
        *(
            Row(f"delete {pk}", "DELETE", f"{EMAILS}/{pk}", answer=[0])
            for pk in (*NOBODYS, "<foreign_address>")
        ),
        Row("a single one is not read", "GET", f"{EMAILS}/<ops>", status=404, answer=NOT_FOUND),
    ],
)

POST_LOAD_HOOKS = table(
    "notifications",
    [
        Row(
            "disabled ones too",
            "GET",
            HOOKS,
            answer={
                "post_load": [
                    hook(),
                    hook(id="<disabled>", config={"url": "https://203.0.113.7/y"}, disabled_at=LATER),
                ]
            },
        ),
        Row("none", "GET", HOOKS, state="nothing", answer={"post_load": []}),
        Row("a hook", "POST", HOOKS, body=GOOD, answer=hook(**NEW)),
        Row("its destination in the older place", "POST", HOOKS, body=OLDER, answer=hook(**NEW)),
        *(
            Row(f"create: {case}", "POST", HOOKS, body=body, status=400, answer=INVALID_POST)
            for case, body in (
                ("nothing", {}),
                ("another type", GOOD | {"type": "pre_load"}),
                ("no destination", {key: GOOD[key] for key in ("type", "config")}),
                ("no address", GOOD | {"config": {}}),
                ("a number as address", GOOD | {"config": {"url": 7}}),
                ("another key", GOOD | {"enable": True}),
                ("another key in config", GOOD | {"config": {"url": "https://203.0.113.7/z", "headers": {}}}),
                ("a text as destination", GOOD | {"destination_id": "1"}),
                ("null as destination", GOOD | {"destination_id": None}),
                ("a list", []),
            )
        ),
        Row("create: no JSON", "POST", HOOKS, raw="{", status=400, answer=INVALID_POST),
        *(
            Row(
                f"an address that nothing is sent to: {url}",
                "POST",
                HOOKS,
                body=GOOD | {"config": {"url": url}},
                status=400,
                answer=with_reason("Invalid URI"),
            )
            for url in (
                "http://203.0.113.7/z",
                "ftp://203.0.113.7",
                "https://",
                "hooks",
                "https://a:b@203.0.113.7",
            )
        ),
        Row(
            "an address that is forbidden",
            "POST",
            HOOKS,
            body=GOOD | {"config": {"url": "https://127.0.0.1/z"}},
            status=400,
            answer=with_reason(
                "127.0.0.1 is in a range of addresses that the people who run this server do not allow for post-load "
                "hooks. Use another host, or ask them."
            ),
        ),
        *(
            Row(
                f"a destination that is not there: {pk}",
                "POST",
                HOOKS,
                body=GOOD | {"destination_id": pk},
                status=400,
                answer=with_reason(NO_DESTINATION),
            )
            for pk in (1_000_000, 10**30, "<removed>", "<foreign_destination>")
        ),
        Row(
            "create: not in the plan",
            "POST",
            HOOKS,
            body=GOOD,
            state="no_hooks_in_plan",
            status=400,
            answer=NO_ACCESS,
        ),
        Row(
            "an eleventh",
            "POST",
            HOOKS,
            body=GOOD,
            state="full_notifications",
            status=400,
            answer={"error": {"message": "You have exceeded the limit of 10 hooks."}},
            headers={"X-Error-Code": "hook_limit"},
        ),
        Row(
            "disable",
            "PUT",
            f"{HOOKS}/<hook>",
            body={"enable": False},
            answer=hook(modified_at="<time>", disabled_at="<time>"),
        ),
        Row(
            "enable",
            "PUT",
            f"{HOOKS}/<disabled>",
            body={"enable": True},
            answer=hook(id="<disabled>", config={"url": "https://203.0.113.7/y"}, modified_at="<time>"),
        ),
        Row("enable an enabled one", "PUT", f"{HOOKS}/<hook>", body={"enable": True}, answer=hook()),
        Row(
            "enable: not in the plan",
            "PUT",
            f"{HOOKS}/<disabled>",
            body={"enable": True},
            state="no_hooks_in_plan",
            status=400,
            answer=NO_ACCESS,
        ),
        *(
            Row(f"change: {case}", "PUT", f"{HOOKS}/<hook>", raw=raw, status=400, answer=INVALID_PUT)
            for case, raw in (
                ("nothing", "{}"),
                ("a text", '{"enable": "true"}'),
                ("a number", '{"enable": 1}'),
                ("null", '{"enable": null}'),
                ("another key", '{"enable": true, "type": "post_load"}'),
                ("no JSON", "{"),
            )
        ),
        *(
            Row(
                f"change {pk}",
                "PUT",
                f"{HOOKS}/{pk}",
                body={"enable": True},
                status=400,
                answer=UNKNOWN_HOOK,
            )
            for pk in (*NOBODYS, "<foreign_hook>")
        ),
        Row("delete", "DELETE", f"{HOOKS}/<hook>", answer=None),
        *(
            Row(f"delete {pk}", "DELETE", f"{HOOKS}/{pk}", status=400, answer=UNKNOWN_HOOK)
            for pk in (*NOBODYS, "<foreign_hook>")
        ),
        Row("a single one is not read", "GET", f"{HOOKS}/<hook>", status=404, answer=NOT_FOUND),
    ],
)
