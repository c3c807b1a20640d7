"""The table of verbs: every kind of request, and what answers it."""

from __future__ import annotations

from talas_api.chat.requests import auth, create, history, join, leave, ping, remove, send
from talas_api.chat.requests.base import Request, Verb

VERBS: tuple[Verb, ...] = (
    auth.VERB, create.VERB, join.VERB, leave.VERB, remove.VERB, send.VERB, history.VERB, ping.VERB,
)  # fmt: skip
BY_KIND: dict[type[Request], Verb] = {verb.kind: verb for verb in VERBS}
BY_TYPE: dict[str, Verb] = {str(verb.kind.__struct_config__.tag): verb for verb in VERBS}
"""By the `type` that a client writes."""
