import pytest

from talas_api.identity.accounts.values import (
    Credentials,
    PasswordChange,
    ProfileChange,
    Registration,
)
from talas_core.errors import BadInput
from talas_core.web.body import parse


def body(**changes: str) -> bytes:
    import msgspec

    person = {"username": "testuser", "email": "test@example.com", "password": "Test123!@#"}
    return msgspec.json.encode(person | changes)


def test_sign_up_of_an_ordinary_person_is_taken() -> None:
    assert parse(body(), Registration).username == "testuser"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a.b-c_D9"),
        ("username", "x" * 32),
        ("email", "first.last+tag@sub.example.co.uk"),
        ("email", "root@localhost"),
        ("email", "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 57),
        ("password", "пароль-из-многих-букв"),
        ("password", "密" * 1024),
        ("password", "with space\n"),
    ],
)
def test_right_value_of_an_account_is_taken(field: str, value: str) -> None:
    assert getattr(parse(body(**{field: value}), Registration), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "x" * 33),
        ("username", "user name"),
        ("username", "usér"),
        ("username", "user\n"),
        ("username", "user\0"),
        ("email", "nobody"),
        ("email", "a@b@c"),
        ("email", "=?utf-8?q?a=40evil.example=2C?=@mail.example"),
        ("email", "a b@example.com"),
        ("email", "a@example.com\n"),
        ("email", "a@-example.com"),
        ("email", "a@example..com"),
        ("email", "a\0@example.com"),
        ("email", "a" * 65 + "@example.com"),
        ("email", "a@" + "b." * 127 + "c"),
        ("password", "short"),
        ("password", "x" * 1025),
        ("password", "nul\0inside it"),
    ],
)
def test_wrong_value_of_an_account_names_its_field(field: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(body(**{field: value}), Registration)
    assert list(caught.value.fields) == [field]
    assert caught.value.fields[field].startswith("must be ")


@pytest.mark.parametrize("field", ["username", "email", "password"])
def test_lone_surrogates_are_refused(field: str) -> None:
    raw = body().replace(b'"testuser"', b'"\\ud800user"') if field == "username" else None
    raw = raw or body(**{field: "MARK"}).replace(b"MARK", b"long \\udfff@example.com")
    with pytest.raises(BadInput):
        parse(raw, Registration)


@pytest.mark.parametrize("field", ["role", "id", "disabled_at", "password_hash", "display_name"])
def test_sign_up_with_an_unknown_member_is_refused(field: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(body(**{field: "admin"}), Registration)
    assert field in caught.value.fields


def test_a_sign_in_checks_no_shape_but_nul_and_length() -> None:
    assert parse(b'{"email":"x","password":""}', Credentials).email == "x"
    for raw in (b'{"email":"\\u0000","password":""}', b'{"email":"","password":"\\u0000"}'):
        with pytest.raises(BadInput):
            parse(raw, Credentials)


@pytest.mark.checklist(8)
@pytest.mark.parametrize("password", ["a" * 64, "ж" * 64, "密" * 64, "🎵" * 64, "ab" * 512])
def test_long_passwords_of_any_script_pass(password: str) -> None:
    import msgspec

    raw = msgspec.json.encode({"current_password": password, "new_password": password})
    assert parse(raw, PasswordChange).new_password == password


@pytest.mark.parametrize("code", ["123456", "123 456", "abcd-efgh-ijkl-mnop", "ABCDEFGHIJKLMNOP"])
def test_code_is_taken_as_people_type_it(code: str) -> None:
    import msgspec

    raw = msgspec.json.encode({"email": "x", "password": "", "code": code})
    assert parse(raw, Credentials).code == code


@pytest.mark.parametrize("code", ["", "12345", "x" * 65, "123456\n", "12345é", "１２３４５６"])
def test_code_of_another_shape_is_refused(code: str) -> None:
    import msgspec

    with pytest.raises(BadInput) as caught:
        parse(msgspec.json.encode({"email": "x", "password": "", "code": code}), Credentials)
    assert list(caught.value.fields) == ["code"]


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 65, "\u202eabc"])
def test_display_names_are_one_plain_line(name: str) -> None:
    import msgspec

    with pytest.raises(BadInput):
        parse(msgspec.json.encode({"display_name": name}), ProfileChange)
