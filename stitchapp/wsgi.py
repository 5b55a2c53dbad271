"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stitchapp.settings")

application = get_wsgi_application()
_ = get_resolver().url_patterns  # every view's module, loaded before the workers part and shared by them
