"""What probes wrote down becomes figures, and figures a verdict."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from attack.bars import BARS, Bar, Measured, broken, mild
from attack.records import Records, quantiles
from attack.table import ATTACKS, BY_NAME

GOOD = Measured(
    seconds=10, server_cpu=1, health_p50_ms=3, health_p99_ms=20, health_max_ms=30, chat_p99_ms=20,
    unanswered=0, gap=0.4, gaps=0, heard=1.0, memory=0, descriptors=100, workers=2, workers_lost=0,
    log_lines=1, tracebacks=0,
)  # fmt: skip


def test_bars_hold_while_everybody_is_served() -> None:
    assert broken(GOOD, BARS) == []


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.name)
def test_bar_breaks_just_above_its_figure_unless_an_attack_is_spared_it(bar: Bar) -> None:
    at = msgspec.structs.replace(GOOD, **{bar.field: bar.most})
    above = msgspec.structs.replace(GOOD, **{bar.field: bar.most + 1})
    assert broken(at, BARS) == []
    assert len(broken(above, BARS)) == 1
    assert broken(above, BARS, (bar.name,)) == []


def test_mild_bars_have_the_same_names_and_are_never_stricter() -> None:
    assert [bar.name for bar in mild()] == [bar.name for bar in BARS]
    assert all(one.most >= other.most for one, other in zip(mild(), BARS, strict=True))


def test_a_gap_is_counted_from_before_the_time_asked_about_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "listener"
    path.write_text("9.0 100\n10.5 100\n11.0 100\n13.5 1")
    records = Records(path)
    assert records.gap(10.0, 11.2) == 1.5
    assert records.gap(10.0, 14.0) == 3.0
    assert records.gaps(10.0, 14.0) == 2
    assert records.bytes(10.0, 14.0) == 200
    with path.open("a") as file:
        file.write("00 50\n")
    assert records.gap(10.0, 14.0) == 2.5


def test_a_listener_that_hears_nothing_has_a_gap_of_the_whole_time(tmp_path: Path) -> None:
    (tmp_path / "listener").touch()
    assert Records(tmp_path / "listener").gap(10.0, 14.0) == 4.0


def test_quantile_of_few_figures_is_the_largest_of_them() -> None:
    found = quantiles([5.0, 1.0, 3.0])
    assert (found.p50, found.p99, found.worst) == (3.0, 5.0, 5.0)


def test_probe_that_saw_nothing_breaks_the_bar() -> None:
    assert quantiles([]).p99 > max(bar.most for bar in BARS)


def test_messages_lost_or_refused_count_as_unanswered(tmp_path: Path) -> None:
    (tmp_path / "health").write_text("1.0 5.0 200\n1.1 5.0 503\n1.2 9.0 lost\n1.3 5.0 ack\n")
    assert Records(tmp_path / "health").unanswered(0.0, 2.0) == 2


def test_every_attack_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len(BY_NAME) == len(ATTACKS) + 1
    assert all(attack.sentence.endswith(".") for attack in ATTACKS)
    assert {name for attack in ATTACKS for name in attack.spared} <= {bar.name for bar in BARS}
