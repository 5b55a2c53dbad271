"""Programs that are ready to run: two rows for an Import API integration (app.md 9.4), a database, a receiver."""

from functools import cache
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "static" / "examples"
SCHEDULERS = {
    "cron": "stitch_run.sh",
    "python": "stitch_jobs.py",
    "airflow": "stitch_airflow.py",
    "dagster": "stitch_dagster.py",
}
TABLE = "customers"
# What a PostgreSQL server is told before it is a destination.
RECEIVE_HOOK = """\
import hashlib
import hmac
import http.server
import json
import os
import time

SECRET = os.environ["SIGNING_SECRET"]
TOLERANCE_SECONDS = 300


def is_genuine(body, header):
    parts = dict(part.split("=", 1) for part in header.split(","))
    signed = parts["t"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256)
    fresh = abs(time.time() - int(parts["t"])) <= TOLERANCE_SECONDS
    return fresh and hmac.compare_digest(
        expected.hexdigest(), parts["v1"]
    )


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            genuine = is_genuine(body, self.headers["Stitch-Signature"])
        except (AttributeError, KeyError, ValueError):
            genuine = False
        if genuine:
            for table in json.loads(body)["tables"]:
                print(
                    table["destination_table_name"],
                    table["num_rows"],
                    flush=True,
                )
        self.send_response(204 if genuine else 400)
        self.end_headers()


port = int(os.environ.get("PORT", "8080"))
http.server.HTTPServer(("127.0.0.1", port), Receiver).serve_forever()"""
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


# A declaration of a source type, for operators: the guide shows it, and a test installs and runs it.
SOURCE_DECLARATION = """\
name = "platform.weather"
label = "Weather stations"
category = "Science"

[tap]
package = "tap-weather"
version = "1.2.0"
executable = "tap-weather"
constraints = ["requests<3"]

[capabilities]
discovery = true

[defaults]
frequency_in_minutes = 60
start_date = "-30 days"

[config]
user_agent = "stitchapp"

[[properties]]
name = "api_key"
label = "API Key"
required = true
credential = true

[[properties]]
name = "stations"
label = "Stations"
hint = "Their numbers, separated by commas."
required = true
as = "list"

[[properties]]
name = "page_size"
label = "Rows per Request"
json_schema = "digits"
config = "paging.size"
default = "500"
property_type = "user_provided_advanced"
"""


@cache
def scheduler_examples() -> dict[str, str]:
    """Return the files that schedulers run; they are served as they are, too, and the tests run them."""
    return {name: (EXAMPLES / file).read_text().rstrip() for name, file in SCHEDULERS.items()}
