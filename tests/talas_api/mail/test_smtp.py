import pytest

from support.ports import free_ports
from support.smtp_sink import PASSWORD, USER, Sink, sink
from talas_api.mail.port import Letter, Undelivered
from talas_api.mail.smtp import Server, SmtpMailer, server
from talas_core.clock import FakeClock
from talas_core.errors import SettingError
from talas_core.ids import uuid7

LETTER = Letter("verify", uuid7(), "ann@example.com", "Your address", "Hello ann,\n\nžluťoučký\n")
SENDER = "Talas <radio@talas.example>"


def mailer(to: Sink, seconds: float = 5.0, user: str = "", password: str = "") -> SmtpMailer:
    there = Server("127.0.0.1", to.port, user, password, "off")
    return SmtpMailer(there, SENDER, FakeClock(), seconds)


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with sink() as post:
        await mailer(post).send(LETTER)
    [message] = post.messages()
    assert message["To"] == "ann@example.com"
    assert message["From"] == SENDER
    assert message["Subject"] == "Your address"
    assert message["Date"].startswith("Tue, 01 Jan 2030 00:00:00")
    assert message["Message-ID"].endswith("@talas.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == LETTER.text
    assert post.envelopes[0].mail_from == "radio@talas.example"


async def test_mailer_signs_in_where_the_server_asks() -> None:
    async with sink(auth=True) as post:
        await mailer(post, user=USER, password=PASSWORD).send(LETTER)
        assert post.users == [USER]
        with pytest.raises(Undelivered) as caught:
            await mailer(post, user=USER, password="wrong").send(LETTER)
        assert not caught.value.later
    assert len(post.envelopes) == 1


@pytest.mark.parametrize(
    ("answer", "later"), [("451 try again", True), ("550 no such ann@example.com", False)]
)
async def test_refusal_that_passes_may_be_tried_again(answer: str, later: bool) -> None:
    async with sink() as post:
        post.refuse = [answer]
        with pytest.raises(Undelivered) as caught:
            await mailer(post).send(LETTER)
    assert caught.value.later is later
    assert "ann@example.com" not in str(caught.value)


async def test_mail_server_that_is_away_or_silent_is_tried_again() -> None:
    [free] = free_ports(1)
    away = SmtpMailer(Server("127.0.0.1", free, "", "", "off"), SENDER, FakeClock())
    with pytest.raises(Undelivered) as caught:
        await away.send(LETTER)
    assert caught.value.later
    async with sink() as post:
        post.stalled = True
        with pytest.raises(Undelivered) as caught:
            await mailer(post, seconds=0.2).send(LETTER)
    assert caught.value.later


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_letter_is_not_sent_without_the_tls_that_is_set(tls: str) -> None:
    async with sink(auth=True) as post:
        there = server(f"smtp://{USER}:x@127.0.0.1:{post.port}?tls={tls}")
        with pytest.raises(Undelivered):
            await SmtpMailer(there, SENDER, FakeClock(), 2.0).send(LETTER)
    assert (post.tries, post.users) == (0, [])


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example", Server("mail.example", 587, "", "", "starttls")),
        ("smtp://mail.example/?tls=implicit", Server("mail.example", 465, "", "", "implicit")),
        ("smtp://mail.example:2525?tls=off", Server("mail.example", 2525, "", "", "off")),
        ("smtp://a%40b:p%3Aq@[::1]", Server("::1", 587, "a@b", "p:q", "starttls")),
    ],
)
def test_address_of_a_mail_server_is_taken_apart(url: str, found: Server) -> None:
    assert server(url) == found
    assert "p:q" not in repr(server(url))


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:port",
        "smtp://mail.example:99999",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?tls=off&tls=implicit",
        "smtp://mail.example?tsl=off",
        "smtp://u:sesame@mail.example/path",
    ],
)
def test_malformed_mail_server_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        server(url)
    assert caught.value.name == "TALAS_SMTP_URL"
    assert "sesame" not in str(caught.value)
