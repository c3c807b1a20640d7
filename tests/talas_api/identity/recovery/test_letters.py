from datetime import UTC, datetime

import msgspec
import pytest

from talas_api.identity.recovery.letters import Letters
from talas_api.identity.values import Account
from talas_core.ids import uuid7

ANN = Account(uuid7(), "ann", "ann@example.com", "user", "buy at evil.example", datetime.now(UTC))
TOKEN = "abc-DEF_123"


@pytest.mark.parametrize("site", ["https://talas.example", "https://talas.example/"])
def test_link_of_a_letter_has_the_token_in_its_fragment(site: str) -> None:
    letters = Letters(site)
    assert f"https://talas.example/#verify/{TOKEN}\n" in letters.verify(ANN, TOKEN).text
    assert f"https://talas.example/#reset/{TOKEN}\n" in letters.reset(ANN, TOKEN).text
    confirm = letters.confirm_email(ANN, "ann@new.example", TOKEN)
    assert confirm.to == "ann@new.example"
    assert f"https://talas.example/#email/{TOKEN}\n" in confirm.text


def test_letter_without_the_page_s_address_has_the_token_alone() -> None:
    text = Letters("").reset(ANN, TOKEN).text
    assert f"\n{TOKEN}\n" in text
    assert "#" not in text


def test_letters_are_to_their_person_and_hold_no_words_of_strangers() -> None:
    letters = Letters("https://talas.example")
    all_of_them = [
        letters.verify(ANN, TOKEN),
        letters.reset(ANN, TOKEN),
        letters.password_changed(ANN),
        letters.factor_changed(ANN, on=True),
        letters.factor_changed(ANN, on=False),
        letters.token_made(ANN),
        letters.codes_guessed(ANN),
        letters.already_known(ANN),
        letters.email_asked(ANN),
        letters.confirm_email(ANN, ANN.email, TOKEN),
        letters.email_changed(ANN),
    ]
    for letter in all_of_them:
        assert (letter.to, letter.user_id) == (ANN.email, ANN.id)
        assert letter.text.startswith("Hello,\n\n")
        assert "ann" not in letter.text.replace("cannot", "")
        assert "evil" not in letter.text + letter.subject
        assert letter.subject.isprintable()
    assert len({letter.subject for letter in all_of_them}) == len(all_of_them)


def test_letter_to_a_known_address_fits_who_signs_up_and_who_wants_it_as_a_new_one() -> None:
    text = Letters("").already_known(ANN).text
    assert "wanted to use this address" in text
    assert "signed up" not in text


def test_letter_names_its_person_only_where_the_address_is_verified() -> None:
    known = msgspec.structs.replace(ANN, email_verified=True)
    assert Letters("").password_changed(known).text.startswith("Hello ann,\n\nThe password of ann ")
    assert "The password of your account " in Letters("").password_changed(ANN).text
