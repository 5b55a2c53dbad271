"""Every setting, read from the environment. The README's table of variables is tested against this file.

Production is the default and has no default secrets. `LOCAL_MODE=true` (what `make run` sets) is for one
machine: loopback only, plain HTTP, secrets made on first start under DATA_DIR (decision D22).
"""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from stitchapp import env, local_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

# --- where and how it runs
LOCAL_MODE = env.flag("LOCAL_MODE", default=False)
DATA_DIR = env.path("DATA_DIR", default=BASE_DIR / "var")
PORT = env.integer("PORT", default=8000, minimum=1)
BIND = env.text("BIND", f"127.0.0.1:{PORT}")
WEB_WORKERS = env.integer("WEB_WORKERS", default=2, minimum=1)
WEB_THREADS = env.integer("WEB_THREADS", default=8, minimum=1)
PRODUCT_NAME = env.text("PRODUCT_NAME", "Stitch")
DEBUG = False
DEVELOPMENT = env.flag("DEVELOPMENT", default=False)
if DEVELOPMENT and not LOCAL_MODE:
    raise ImproperlyConfigured("DEVELOPMENT=true needs LOCAL_MODE=true: production shows no inner workings.")
if LOCAL_MODE:
    SECRET_KEY = env.text("SECRET_KEY", "") or local_secrets.read_or_make(DATA_DIR / "secret_key")
    CREDENTIAL_KEY = env.text("CREDENTIAL_KEY", "") or local_secrets.read_or_make(DATA_DIR / "credential_key")
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
else:
    SECRET_KEY = env.text("SECRET_KEY")
    CREDENTIAL_KEY = env.text("CREDENTIAL_KEY")
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")
for name, secret in (("SECRET_KEY", SECRET_KEY), ("CREDENTIAL_KEY", CREDENTIAL_KEY)):
    if len(secret) < 50:
        raise ImproperlyConfigured(f"{name} is too short: use at least 50 random characters.")
PUBLIC_URL = env.text("PUBLIC_URL", "").rstrip("/")
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES", "")
DATA_DIR.mkdir(parents=True, exist_ok=True)

INSTALLED_APPS = [
    "accounts",
    "integrations",
    "stitchapp",
    "stitchapp.admin_config.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts.session_list_config.SessionListConfig",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "stitchapp.middleware.RequestIdMiddleware",
    "stitchapp.middleware.ShortWayMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "stitchapp.middleware.WrongMethodPageMiddleware",
    "stitchapp.middleware.DeclaredAccessMiddleware",
    "accounts.middleware.DomainErrorMiddleware",
]
ROOT_URLCONF = "stitchapp.urls"
WSGI_APPLICATION = "stitchapp.wsgi.application"
APPEND_SLASH = False  # a redirect would turn a client's POST into an empty GET (import-api.md 0)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "stitchapp.context.product",
                "accounts.context.account",
                "integrations.context.notifications",
            ]
        },
    }
]

# --- databases (decisions D15, D26)
DATABASE_URL = env.text("DATABASE_URL", "") or f"sqlite:///{DATA_DIR / 'stitchapp.sqlite3'}"
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000; "
    "PRAGMA wal_autocheckpoint=0;",  # the loader alone checkpoints: two at once can damage an old SQLite's file
}
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
    # The index of accepted batches has a database of its own, so that a page's transaction never stalls intake.
    DATABASES["queue"] = DATABASES["default"] | {"NAME": str(DATA_DIR / "queue.sqlite3")}
    DATABASE_ROUTERS = ["integrations.queue.router.QueueRouter"]
QUEUE_DATABASE = "queue" if "queue" in DATABASES else "default"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Above this Django removes entries that still count: nobody may flush a throttle by filling the cache.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

# --- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [  # promise S7: length and the list of common ones, no rules about characters
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60  # promise S6
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "accounts:home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_RATE_LIMITS = False  # accounts/services/throttle.py counts instead (decision D37)
MFA_ADAPTER = "accounts.second_factor_adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_TOLERANCE = 1  # half a minute early or late: telephones' clocks differ
MFA_RECOVERY_CODE_DIGITS = 12
FRESH_SIGN_IN_SECONDS = 15 * 60  # decision D9
SESSION_COOKIE_AGE = 12 * 60 * 60  # idle for 12 hours (app.md 17, 38)
SESSION_SAVE_EVERY_REQUEST = False
MESSAGE_STORAGE = (
    "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own (promise S2)
)
ACCOUNT_GRACE_DAYS = env.integer("ACCOUNT_GRACE_DAYS", default=30, minimum=1)
DEFAULT_PLAN = env.text("DEFAULT_PLAN", "free_trial")
PLAN_SELF_SERVICE = env.flag("PLAN_SELF_SERVICE", default=True)
BILLING_FOR_ADMINISTRATORS = env.flag("BILLING_FOR_ADMINISTRATORS", default=False)

# --- mail
EMAIL_URL = env.text("EMAIL_URL", "file:" if LOCAL_MODE else env.REQUIRED)
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "Stitch <support@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
_mail = urlsplit(EMAIL_URL)
_mail_ports = {"smtp": 25, "smtps": 465, "smtp+tls": 587}
if _mail.scheme == "file":
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
elif _mail.scheme in _mail_ports:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or _mail_ports[_mail.scheme]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp+tls"
    EMAIL_TIMEOUT = int(parse_qs(_mail.query).get("timeout", ["15"])[0])
else:
    raise ImproperlyConfigured("EMAIL_URL must begin with smtp:, smtps:, smtp+tls: or file:.")

SUPPORT_ADDRESS = env.text("SUPPORT_ADDRESS", "")

# --- intake and loading
EMBEDDED_WAREHOUSE = env.flag("EMBEDDED_WAREHOUSE", default=True)
DESTINATION_FORBIDDEN_ADDRESSES = env.networks("DESTINATION_FORBIDDEN_ADDRESSES", "")  # decision D36
HOOK_FORBIDDEN_ADDRESSES = env.networks(
    "HOOK_FORBIDDEN_ADDRESSES",  # everything that is not a public address of the Internet
    "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.0.0.0/24,192.168.0.0/16,"
    "198.18.0.0/15,224.0.0.0/3,::/128,::1/128,64:ff9b:1::/48,fc00::/7,fe80::/10,fec0::/10,ff00::/8",
)
HOOK_DELIVERIES_KEPT = env.integer("HOOK_DELIVERIES_KEPT", default=1_000, minimum=1)  # of each hook (D32)
LOADERS = env.integer("LOADERS", default=3, minimum=1)  # loads at once in each loader process
JOBS = env.integer(
    "JOBS", default=4, minimum=1
)  # background tasks of one kind at once in each worker process
EXTRACTIONS = env.integer(
    "EXTRACTIONS", default=4, minimum=1
)  # taps at once in each worker; checks beside them
EXTRACTION_MINUTES = env.integer(
    "EXTRACTION_MINUTES", default=1410, minimum=1
)  # 23.5 hours (connect-api.md 5.3)
DISCOVERY_MINUTES = env.integer("DISCOVERY_MINUTES", default=30, minimum=1)
TAP_SILENCE_MINUTES = env.integer("TAP_SILENCE_MINUTES", default=120, minimum=1)
TAP_MEMORY_BYTES = env.integer("TAP_MEMORY_BYTES", default=1024**3, minimum=64 * 1024**2)
TAP_DISK_BYTES = env.integer("TAP_DISK_BYTES", default=2 * 1024**3, minimum=1024**2)
JOB_LOG_BYTES = env.integer("JOB_LOG_BYTES", default=10 * 1024**2, minimum=64 * 1024)
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", default=20 * 1024 * 1024, minimum=1)
QUEUE_MAX_BYTES = env.integer("QUEUE_MAX_BYTES", default=10 * 1024**3, minimum=1)
QUEUE_MAX_RECORDS = env.integer("QUEUE_MAX_RECORDS", default=50_000_000, minimum=1)
QUEUE_MIN_FREE_BYTES = env.integer("QUEUE_MIN_FREE_BYTES", default=512 * 1024**2)
TOKEN_REQUESTS_PER_SECOND = env.integer("TOKEN_REQUESTS_PER_SECOND", default=0)  # 0: no limit
TOKEN_BYTES_PER_MINUTE = env.integer("TOKEN_BYTES_PER_MINUTE", default=0)
ACCOUNT_REQUESTS_PER_SECOND = env.integer("ACCOUNT_REQUESTS_PER_SECOND", default=0)
ACCOUNT_BYTES_PER_MINUTE = env.integer("ACCOUNT_BYTES_PER_MINUTE", default=0)
JOB_READS_PER_TEN_MINUTES = env.integer(
    "JOB_READS_PER_TEN_MINUTES", default=0
)  # of each account; 0: no limit
LIST_RUNNING_EXTRACTIONS = env.flag("LIST_RUNNING_EXTRACTIONS", default=False)
RECEIPTS_KEPT = env.integer("RECEIPTS_KEPT", default=10_000, minimum=1)  # of each integration (decision D32)
LOADS_KEPT = env.integer("LOADS_KEPT", default=10_000, minimum=1)
REQUESTS_KEPT = env.integer("REQUESTS_KEPT", default=10_000, minimum=1)  # accepted, and as many refused
REJECTED_KEPT = env.integer("REJECTED_KEPT", default=10_000, minimum=1)
REJECTED_KEPT_BYTES = env.integer("REJECTED_KEPT_BYTES", default=256 * 1024**2, minimum=1)  # of each, too
# Sources that a tap reads: declarations of the operator's own, and the taps that are installed
SOURCES_DIR = env.path("SOURCES_DIR", default=DATA_DIR / "sources")
TAPS_DIR = env.path("TAPS_DIR", default=DATA_DIR / "taps")
_files = env.text("SOURCE_FILES_DIR", "")
SOURCE_FILES_DIR = Path(_files).expanduser().resolve() if _files else None  # a folder for each account in it
GATHER_NOTES = True  # what requests leave behind is written together, a second later
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # forms only; the gateway bounds its bodies itself (promise I6)

# --- transport and headers (promises S1-S3)
SECURE_COOKIES = not LOCAL_MODE
SESSION_COOKIE_NAME = "__Host-session" if SECURE_COOKIES else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_COOKIES else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
CSRF_FAILURE_VIEW = "stitchapp.errors.csrf_failure"
SECURE_SSL_REDIRECT = not LOCAL_MODE
# Bearer routes are refused over plain HTTP by the gate, never redirected (promise S3).
SECURE_REDIRECT_EXEMPT = [r"^v[234](/|$)", r"^notifications/public(/|$)", r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 0 if LOCAL_MODE else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL_MODE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- language, time, files
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "stitchapp.static_files.StaticFiles"},
}

# --- logs
ACCESS_LOG = env.flag("ACCESS_LOG", default=False)
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "stitchapp.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "django.db.backends": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
