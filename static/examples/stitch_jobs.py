"""Extract a source now and wait until its rows are loaded, over plain HTTP.

In the environment: STITCH_URL and STITCH_API_KEY. As a program:
python stitch_jobs.py SOURCE_ID
"""

import os
import sys
import uuid

import requests

UNDER_WAY = ("queued", "running", "loading")


class JobFailed(Exception):
    """The extraction failed, or its rows cannot be loaded."""


def call(method, path, **more):
    headers = {"Authorization": f"Bearer {os.environ['STITCH_API_KEY']}"}
    headers |= more.pop("headers", {})
    url = os.environ["STITCH_URL"] + path
    response = requests.request(
        method, url, headers=headers, timeout=90, **more
    )
    response.raise_for_status()
    return response


def start(source_id, key=None):
    """Start an extraction; return its name.

    The same key gives the same job, so that a call may be repeated.
    When one is running already, its name is returned.
    """
    response = call(
        "POST",
        f"/v4/sources/{source_id}/sync",
        headers={"Idempotency-Key": key or str(uuid.uuid4())},
    )
    answer = response.json()
    if "job_name" in answer:
        return answer["job_name"]
    if answer["error"]["type"] == "already_running":
        return response.headers["X-Stitch-Job-Name"]
    raise JobFailed(answer["error"]["message"])


def wait(job_name):
    """Wait until the rows of a job are loaded; return its progress."""
    while True:
        progress = call("GET", f"/v4/jobs/{job_name}?wait=60").json()
        if progress["state"] == "succeeded":
            return progress
        if progress["state"] not in UNDER_WAY:
            error = progress["error"] or {}
            raise JobFailed(error.get("message") or progress["state"])


def run(source_id):
    """Start an extraction and wait for its rows."""
    return wait(start(source_id))


if __name__ == "__main__":
    try:
        done = run(sys.argv[1])
    except JobFailed as error:
        sys.exit(f"Failed: {error}")
    print(f"{done['job_name']}: {done['rows']} rows")
