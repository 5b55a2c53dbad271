"""Settings for the tests: the product's own, in local mode, with data under a folder of the test run."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("LOCAL_MODE", "true")
os.environ.setdefault("DEVELOPMENT", "true")
if "DATA_DIR" not in os.environ:  # else it is that of the process that began this one
    os.environ["DATA_DIR"] = os.environ["DATA_DIR_OF_THE_RUN"] = tempfile.mkdtemp(prefix="stitchapp-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
elif (worker := os.environ.get("PYTEST_XDIST_WORKER")) and os.environ["DATA_DIR"] == os.environ.get(
    "DATA_DIR_OF_THE_RUN"
):
    # What one worker leaves is not in the other's way; the programs that it starts share its folder.
    os.environ["DATA_DIR"] = str(Path(os.environ["DATA_DIR"]) / worker)

from stitchapp.settings import *  # noqa: F403
from stitchapp.settings import DATA_DIR, DATABASES, STORAGES

# Files, not memory: races and second connections are part of what is tested.
for alias, database in DATABASES.items():
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"] = {"NAME": str(Path(DATA_DIR) / f"test_{alias}.sqlite3")}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
GATHER_NOTES = False  # written at once: a test looks at the rows
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
SHIPPED_PASSWORD_HASHERS = PASSWORD_HASHERS  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *SHIPPED_PASSWORD_HASHERS]
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405
WHITENOISE_USE_FINDERS = True  # browser tests load style sheets without a collectstatic before
WHITENOISE_AUTOREFRESH = (
    True  # else every test client lists all static files first: a fifteenth of a second each
)
