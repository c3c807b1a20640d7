from talas_api.mail.port import Undelivered


def test_undelivered_letter_says_why_and_whether_to_try_again() -> None:
    error = Undelivered("answered 451", later=True)
    assert (str(error), error.reason, error.later) == ("answered 451", "answered 451", True)
