"""Talas under load, for locust: `locust -f loadtests/locustfile.py` in the project's folder.

Kinds of user: ApiUser, ChatUser, ListenerUser, SourceUser. Every option beside locust's own stands
in README.md here.
"""

from loadtests import hooks
from loadtests.shape import CrowdShape
from loadtests.users.api import ApiUser
from loadtests.users.chat import ChatUser
from loadtests.users.listener import ListenerUser
from loadtests.users.source import SourceUser

hooks.install()

__all__ = ["ApiUser", "ChatUser", "CrowdShape", "ListenerUser", "SourceUser"]
