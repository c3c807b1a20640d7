from structlog.testing import capture_logs

from talas_core.clock import FakeClock
from talas_core.postgres.failures import Away, Hampered
from talas_core.postgres.trouble import Trouble


def test_database_failures_are_one_log_line_a_second_with_their_count() -> None:
    clock = FakeClock()
    trouble = Trouble(clock.monotonic)
    with capture_logs() as logs:
        for _ in range(400):
            trouble.met(Hampered("The database has no room on its disk."))
        clock.advance(1)
        trouble.met(Hampered("The database has no room on its disk."))
    assert [line["count"] for line in logs] == [1, 400]
    assert "exc_info" not in logs[0]


def test_database_is_looked_at_once_a_second() -> None:
    clock = FakeClock()
    trouble = Trouble(clock.monotonic)
    assert trouble.look_is_due()
    assert not trouble.look_is_due()
    clock.advance(1)
    assert trouble.look_is_due()


def test_failure_of_a_database_that_answers_is_remembered_until_a_look_shows_otherwise() -> None:
    trouble = Trouble(FakeClock().monotonic)
    trouble.met(Away("The database does not answer."))
    assert trouble.hampered is None
    trouble.met(full := Hampered("The database has no room on its disk."))
    trouble.met(Away("The database does not answer."))
    assert trouble.hampered is full
    with capture_logs() as logs:
        trouble.over()
        trouble.over()
    assert trouble.hampered is None
    assert [line["event"] for line in logs] == ["database is well again"]
