"""What holds for every endpoint: its method first, an exact answer whatever happens, the body read to its end."""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from integrations.importapi import bodies, rate_limits, responses, traffic
from integrations.importapi.byte_budget import BudgetExhausted
from integrations.importapi.faults import Fault
from integrations.importapi.refusals import Refusal
from integrations.queue.accepting import QueueUnavailable
from stitchapp.middleware import act_when_closed

logger = logging.getLogger("integrations.importapi")
RETRY_AFTER = 5  # seconds

View = Callable[..., HttpResponse]


def endpoint(*methods: str, may_be_unavailable: bool = True) -> Callable[[View], View]:
    """Wrap a gated view: other methods get 405, refusals their bodies, faults of ours JSON as well.

    Clients repeat a request after 503 and give up after other answers, so a database that does not answer is
    a 503; only where the endpoint is documented never to say so, it is a 500 (decision D28).
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            begun = time.perf_counter()
            response = _answer(request, *args, **kwargs)
            response["Cache-Control"] = "no-store"
            # After the answer is sent: a client that is still writing gets to read it all the sooner.
            act_when_closed(response, [functools.partial(bodies.drain, request)])
            rate_limits.tell(request, response)
            traffic.note_answer(request, response, endpoint=view.__name__, begun=begun)
            return response

        def _answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return responses.method_not_allowed(methods)
            try:
                return view(request, *args, **kwargs)
            except Refusal as refusal:
                traffic.note_tables(request, refusal.tables)
                return responses.refused(refusal)
            except QueueUnavailable as error:
                fault = Fault(error.code, limit=error.limit, actual=error.actual)
                return responses.unavailable(error.retry_after, fault)
            except BudgetExhausted:
                return responses.unavailable(RETRY_AFTER, Fault("busy"))
            except DatabaseError:
                logger.exception("importapi.database_failed")
                if not may_be_unavailable:
                    return responses.server_error()
                return responses.unavailable(RETRY_AFTER, Fault("queue_unavailable"))
            except Exception:
                logger.exception("importapi.failed")
                return responses.server_error()

        return answering

    return decorate
