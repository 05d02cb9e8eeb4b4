"""The file of staff secrets: private, made once, completed, and refused when it was spoilt."""

import json

import pytest

from qe_ban.sandbox import secrets_file


def test_secrets_are_made_once_and_kept_private(tmp_path):
    assert secrets_file.read(tmp_path) == []
    assert not secrets_file.exists(tmp_path)
    first = secrets_file.complete(tmp_path)
    assert (tmp_path / secrets_file.NAME).stat().st_mode & 0o777 == 0o600
    assert secrets_file.complete(tmp_path) == secrets_file.read(tmp_path) == first
    assert len({row.password for row in first} | {row.totp_secret for row in first}) == 2 * len(first)


def test_somebody_new_is_added_and_the_others_keep_their_secrets(tmp_path):
    first = secrets_file.complete(tmp_path)
    path = tmp_path / secrets_file.NAME
    path.write_text(json.dumps({"staff": json.loads(path.read_text())["staff"][1:]}))
    second = secrets_file.complete(tmp_path)
    assert second[1:] == first[1:]
    assert second[0].username == first[0].username
    assert second[0].password != first[0].password


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"staff": [{"username": "x"}]}', "\x00"])
def test_a_spoilt_file_is_refused_in_one_line_and_left_alone(tmp_path, content):
    (tmp_path / secrets_file.NAME).write_text(content)
    with pytest.raises(secrets_file.SecretsUnreadable) as refused:
        secrets_file.complete(tmp_path)
    assert "\n" not in str(refused.value)
    assert (tmp_path / secrets_file.NAME).read_text() == content


def test_secrets_do_not_show_in_a_repr(tmp_path):
    member = secrets_file.complete(tmp_path)[0]
    assert member.password not in repr(member)
    assert member.totp_secret not in repr(member)
