"""Addresses of raw extraction logs that open without a key, for some minutes (connect-api.md 5.6)."""

from datetime import datetime, timedelta
from typing import BinaryIO

from django.utils.crypto import constant_time_compare, salted_hmac

from integrations.models import Job
from integrations.services.job_logs import has_log, log_path

OPEN_FOR = timedelta(minutes=10)
SALT = "integrations.extraction-log"


def sign_log(*, job: Job, now: datetime) -> dict[str, str]:
    """Return what an address has to say to open the job's log for ten minutes."""
    expires = str(int((now + OPEN_FOR).timestamp()))
    return {"expires": expires, "signature": signature_of(job.name, expires)}


def find_signed_log(*, name: str, expires: str, signature: str, now: datetime) -> Job | None:
    """Return the job whose log the address opens; None for what was not signed here, or too long ago."""
    if not constant_time_compare(signature_of(name, expires), signature):
        return None
    if int(expires) < now.timestamp():
        return None
    job = Job.objects.filter(name=name).first()
    return job if job is not None and has_log(job) else None


def open_log(job: Job) -> BinaryIO | None:
    """Open the job's log; None when it was purged in this moment."""
    try:
        return log_path(job).open("rb")
    except FileNotFoundError:
        return None


def signature_of(name: str, expires: str) -> str:
    """Return the HMAC over a job's name and the second in which its address closes."""
    return salted_hmac(SALT, f"{name} {expires}", algorithm="sha256").hexdigest()
