"""Programs that are ready to run: two rows for an Import API integration (app.md 9.4), a database for a destination."""

TABLE = "customers"
# What a PostgreSQL server is told before it is a destination.
PREPARE_POSTGRESQL = """\
CREATE ROLE stitch LOGIN PASSWORD 'choose-one';
CREATE DATABASE warehouse ENCODING 'UTF8' TEMPLATE template0;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE warehouse TO stitch;"""
# JSON and Python at once, in lines that fit the page.
SAMPLE = """{
  "table_name": "customers",
  "key_names": ["id"],
  "schema": {"properties": {
    "id": {"type": "integer"},
    "name": {"type": "string"}
  }},
  "messages": [
    {"action": "upsert", "sequence": 1,
     "data": {"id": 1, "name": "Ada"}},
    {"action": "upsert", "sequence": 2,
     "data": {"id": 2, "name": "Grace"}}
  ]
}"""


def curl_snippet(*, server: str, token: str) -> str:
    """Return a shell command."""
    return f"""\
curl -X POST "{server}/v2/import/batch" \\
  -H "Authorization: Bearer {token}" \\
  -H "Content-Type: application/json" \\
  -d '{SAMPLE}'"""


def python_snippet(*, server: str, token: str) -> str:
    """Return a Python program that needs nothing but Python."""
    return f"""\
import json
import urllib.request

token = "{token}"
batch = {SAMPLE}
request = urllib.request.Request(
    "{server}/v2/import/batch",
    data=json.dumps(batch).encode(),
    headers={{
        "Authorization": f"Bearer {{token}}",
        "Content-Type": "application/json",
    }},
)
with urllib.request.urlopen(request) as response:
    print(response.status, response.read().decode())
"""
