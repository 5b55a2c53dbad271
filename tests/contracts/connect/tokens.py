"""`/v4/sources/{id}/tokens` (I15, T-04)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import NOT_FOUND, STAMP, error, source, unknown_source

TABLE = table(
    "sources",
    [
        Row(
            "an unknown id",
            "POST",
            "/v4/sources/1000000/tokens",
            status=400,
            answer=unknown_source("1000000"),
        ),
        Row(
            "another account's id",
            "POST",
            "/v4/sources/<foreign>/tokens",
            status=400,
            answer=unknown_source("<foreign>"),
        ),
        Row(
            "a deleted one", "POST", "/v4/sources/<gone>/tokens", status=400, answer=unknown_source("<gone>")
        ),
        Row(
            "newest first, as objects",
            "GET",
            "/v4/sources/<full>/tokens",
            answer=[
                {"token_id": "<token2>", "created_at": STAMP},
                {"token_id": "<token1>", "created_at": STAMP},
            ],
        ),
        Row("none", "GET", "/v4/sources/<shop>/tokens", answer=[]),
        Row(
            "an unknown id", "GET", "/v4/sources/1000000/tokens", status=400, answer=unknown_source("1000000")
        ),
        Row(
            "another account's id",
            "GET",
            "/v4/sources/<foreign>/tokens",
            status=400,
            answer=unknown_source("<foreign>"),
        ),
        Row(
            "create a token",
            "POST",
            "/v4/sources/<shop>/tokens",
            answer={"id": "<number>", "access_token": "<secret>"},
        ),
        Row(
            "an empty object as body",
            "POST",
            "/v4/sources/<shop>/tokens",
            body={},
            answer={"id": "<number>", "access_token": "<secret>"},
        ),
        Row(
            "create a third token",
            "POST",
            "/v4/sources/<full>/tokens",
            status=400,
            answer=error("TooManyTokens", "source (<full>) already has the maximum of 2 active tokens"),
        ),
        Row(
            "revoke a token",
            "DELETE",
            "/v4/sources/<full>/tokens/<token1>",
            answer=source(id="<full>", name="full", display_name="Full", created_at=STAMP),
        ),
        Row("an unknown one", "DELETE", "/v4/sources/<full>/tokens/1000000", status=404, answer=NOT_FOUND),
        Row(
            "one beyond every database",
            "DELETE",
            "/v4/sources/<full>/tokens/99999999999999999999",
            status=404,
            answer=NOT_FOUND,
        ),
        Row("another source's", "DELETE", "/v4/sources/<shop>/tokens/<token1>", status=404, answer=NOT_FOUND),
        Row(
            "one revoked before",
            "DELETE",
            "/v4/sources/<full>/tokens/<revoked>",
            status=404,
            answer=NOT_FOUND,
        ),
        Row(
            "another account's",
            "DELETE",
            "/v4/sources/<foreign>/tokens/<foreign_token>",
            status=400,
            answer=unknown_source("<foreign>"),
        ),
    ],
)
