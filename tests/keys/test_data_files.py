"""Data keys in their files: written once, destroyed in place, and never taken for destroyed when they are away."""

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from qe_ban.keys.data_files import DataKeyDestroyed, DataKeyFiles, DataKeysAway, number_of

OWNER = 1


@pytest.fixture
def files(tmp_path):
    data_key_files = DataKeyFiles(tmp_path / "data-keys")
    data_key_files.create(OWNER)
    return data_key_files


def number(place):
    return number_of(OWNER, place)


def test_a_key_is_32_random_bytes_at_its_place(files, tmp_path):
    first, second = files.fill([number(1), number(2)])
    assert len({files.key(first), files.key(second)}) == 2
    assert (tmp_path / "data-keys/1.keys").read_bytes()[32:] == files.key(first) + files.key(second)


def test_only_the_programs_user_reads_the_files(files, tmp_path):
    directory = tmp_path / "data-keys"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "1.keys").stat().st_mode) == 0o600


def test_a_destroyed_key_is_overwritten_in_its_place_and_its_neighbours_stay(files, tmp_path):
    files.fill([number(1), number(2), number(3)])
    before = [files.key(number(place)) for place in (1, 2, 3)]
    for _again in range(2):
        files.destroy([number(2)])
        assert files.is_destroyed(number(2))
        with pytest.raises(DataKeyDestroyed):
            files.key(number(2))
        content = (tmp_path / "data-keys/1.keys").read_bytes()
        assert before[1] not in content
        assert [content[32:64], content[96:]] == [before[0], before[2]]


def test_a_place_is_never_used_twice(files):
    files.fill([number(1), number(2)])
    before = files.key(number(1))
    files.destroy([number(2)])
    assert files.fill([number(1), number(2), number(3)]) == [number(3)]
    assert files.key(number(1)) == before
    assert files.is_destroyed(number(2))


def test_two_who_were_given_one_number_do_not_both_have_the_key(files):
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: files.fill([number(7)]), range(8)))
    assert sorted(results) == [[]] * 7 + [[number(7)]]


@pytest.mark.parametrize("state", ["unset", "no directory", "no file", "older file", "no key there", "a file instead"])
def test_what_cannot_be_reached_is_away_and_not_destroyed(tmp_path, state):
    files = DataKeyFiles(None if state == "unset" else tmp_path / "data-keys")
    if state in ("no file", "older file", "no key there"):
        files.create(2 if state == "no file" else OWNER)
    if state == "no key there":
        files.fill([number(900)])
    if state == "a file instead":
        (tmp_path / "data-keys").write_bytes(b"")
    with pytest.raises(DataKeysAway):
        files.key(number(800))
    if state not in ("older file", "no key there"):
        for act in (files.destroy, files.fill):
            with pytest.raises(DataKeysAway):
                act([number(800)])
        with pytest.raises(DataKeysAway):
            files.is_destroyed(number(800))


def test_a_key_that_an_older_copy_of_the_file_lacks_can_be_destroyed_in_it(files):
    files.destroy([number(500)])
    assert files.is_destroyed(number(500))
    with pytest.raises(DataKeysAway):
        files.key(number(499))


def test_the_owners_have_files_of_their_own(files):
    files.create(2)
    files.fill([number_of(2, 1)])
    files.fill([number_of(1, 1)])
    assert files.key(number_of(2, 1)) != files.key(number_of(1, 1))


def test_keys_that_are_ready_are_taken_once_each_by_lot_and_new_ones_made_when_there_are_none(files):
    numbers = [[number(place) for place in range(1, 101)], [number(place) for place in range(101, 201)]]
    batches = iter([list(batch) for batch in numbers])
    lots = [files.take(OWNER, lambda: next(batches)) for _ in range(200)]
    assert [sorted(lots[:100]), sorted(lots[100:])] == numbers
    assert lots[:100] not in (numbers[0], numbers[0][::-1])


def test_two_threads_never_take_one_key(files):
    places = count()
    with ThreadPoolExecutor(8) as pool:
        lots = list(pool.map(lambda _: files.take(OWNER, lambda: [next(places) for _ in range(10)]), range(800)))
    assert len(set(lots)) == 800


def test_what_another_machine_destroyed_is_not_opened_any_more(files, tmp_path):
    files.fill([number(1), number(2)])
    other = DataKeyFiles(tmp_path / "data-keys")
    assert files.key(number(1)) == other.key(number(1))
    other.destroy([number(1)])
    with pytest.raises(DataKeyDestroyed):
        files.key(number(1))
    assert files.key(number(2))


def test_a_file_is_opened_anew_after_a_while(files, tmp_path, monkeypatch):
    files.fill([number(1)])
    monkeypatch.setattr("qe_ban.keys.data_files._OPEN_FOR", -1.0)
    assert files.key(number(1))
    (tmp_path / "data-keys").rename(tmp_path / "away")
    with pytest.raises(DataKeysAway):
        files.key(number(1))
