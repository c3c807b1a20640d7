import re
from pathlib import Path

from talas_api.chat.requests import table
from talas_api.chat.requests.table import BY_KIND, BY_TYPE, VERBS

FOLDER = Path(table.__file__).parent
NOT_VERBS = {"__init__", "base", "client", "conversation", "decode", "table", "torn"}


def test_every_verb_has_a_file_a_struct_and_a_type_of_its_own() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - NOT_VERBS
    assert {verb.kind.__module__.rpartition(".")[2] for verb in VERBS} == files
    assert len(VERBS) == len(files) == len(BY_KIND) == len(BY_TYPE)


def test_documented_verbs_are_those_of_the_table() -> None:
    text = (FOLDER.parents[2] / "docs" / "chat.md").read_text()
    told = set(re.findall(r"^\| `([a-z.]+)", text, re.MULTILINE))
    assert set(BY_TYPE) <= told
