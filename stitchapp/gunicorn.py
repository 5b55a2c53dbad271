"""gunicorn's settings, local and in production: `gunicorn -c python:stitchapp.gunicorn stitchapp.wsgi`.

Threads, because requests wait for the disk; one preloaded application, whose memory the workers share.
"""

import gc
import tempfile
from pathlib import Path

from stitchapp import settings
from stitchapp.heap import share_one_heap

bind = [settings.BIND]
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "stitchapp.web_worker.PatientWorker"
preload_app = True
timeout = 60
graceful_timeout = 20  # a request in hand has this long to finish after SIGTERM (promise O2)
keepalive = 5
backlog = 512
forwarded_allow_ips = ",".join(settings.TRUSTED_PROXIES)
control_socket_disable = True
# The workers' heartbeat belongs in memory, not on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()  # noqa: S108
accesslog = None  # requests are logged by their route, without what a path or a query may carry (ACCESS_LOG)
loglevel = "warning" if settings.LOCAL_MODE else "info"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": settings.LOGGING["formatters"],
    "handlers": settings.LOGGING["handlers"],
    "root": settings.LOGGING["root"],
    "loggers": {
        "gunicorn.error": {"handlers": ["console"], "level": loglevel.upper(), "propagate": False},
        "gunicorn.access": {"handlers": [], "propagate": False},
    },
}


def post_fork(server, worker):
    """Before a worker has threads: keep what they leave behind together (promise I7)."""
    share_one_heap()


def when_ready(server):
    """Keep the collector from touching, and so copying, the pages that the workers share."""
    gc.collect()
    gc.freeze()
