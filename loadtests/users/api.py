"""Somebody in front of the page: mostly looks at stations, now and then at their own account.

Does:        the API's reads in the proportions of a page that is left open and walked through, and
             once in a while a whole sign-up.
Never:       makes hashing the main thing: a password check costs what hundreds of reads do.
Guarantees:  every request has the name of its route, whatever is in its address.
"""

from __future__ import annotations

import random

from locust import task

from loadtests.options import API
from loadtests.users.base import REFRESH, TalasUser, pause
from loadtests.verdict import API as MEASURES

_SLUG = "/api/stations/{slug}"


class ApiUser(TalasUser):
    """GET profile, stations and rooms; rarely register, login, refresh, log out."""

    kind = API
    measures = MEASURES

    def on_start(self) -> None:
        """Become somebody, and know our own stations."""
        super().on_start()
        self._slugs = list(self.session.wishes.stations)
        reads = [each for each in type(self).tasks if each is not ApiUser.sign_up_and_out]
        self.tasks = [*reads, *[ApiUser.sign_up_and_out] * self.session.wishes.sign_ups]

    def wait_time(self) -> float:
        """Seconds until the next request."""
        return pause(self.session.wishes.api_wait)

    @task(30)
    def show_station(self) -> None:
        """One station, as its page asks."""
        self.ask("GET", f"/api/stations/{random.choice(self._slugs)}", name=_SLUG)  # noqa: S311

    @task(20)
    def list_stations(self) -> None:
        """The first page of the directory."""
        found = self.ask("GET", "/api/stations?limit=20", name="/api/stations")
        if found:
            self._slugs = [station["slug"] for station in found]

    @task(5)
    def next_stations(self) -> None:
        """A later page."""
        after = random.choice(self._slugs)  # noqa: S311
        self.ask("GET", f"/api/stations?limit=20&after={after}", name="/api/stations?after")

    @task(20)
    def profile(self) -> None:
        """Who am I, as every page load asks."""
        self.ask("GET", "/api/auth/profile")

    @task(5)
    def rooms(self) -> None:
        """Where people talk."""
        self.ask("GET", "/api/rooms?limit=20", name="/api/rooms")

    @task(1)
    def sign_up_and_out(self) -> None:
        """A newcomer's first minute."""
        _, access, refresh = self.sign_up()
        self.ask("GET", "/api/auth/profile", token=access)
        grant = self.ask("POST", REFRESH, json={"refresh_token": refresh}, token="")
        if grant is not None:
            self.ask("POST", "/api/auth/logout", status=204, token=grant["access_token"])
