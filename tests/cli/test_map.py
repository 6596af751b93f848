import pytest

from groundup.cli import map as verb


def test_every_room_is_on_the_map_with_its_purpose():
    drawn = verb.house()
    for room in verb.rooms():
        [line] = [line for line in drawn.splitlines() if f" {room} " in line[:22]]
        stock = "empty" if not verb.files(room) else f"{len(verb.files(room))} file"
        assert stock in line


def test_the_rooms_are_the_folders_there_are():
    folders = {path.name for path in verb._HOUSE.iterdir() if (path / "__init__.py").is_file()}
    assert set(verb.rooms()) == folders


def test_an_empty_room_says_so(tmp_path, monkeypatch):
    for room in verb.rooms():
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f'"""The {room} room."""')
    (tmp_path / "cli" / "thing.py").write_text('"""A thing.\n\nAnd more."""')
    monkeypatch.setattr(verb, "_HOUSE", tmp_path)
    drawn = verb.house()
    assert "1 file   The cli room." in drawn
    assert drawn.count("empty ") == len(verb.rooms()) - 1
    assert f"{len(verb.rooms()) - 1} of {len(verb.rooms())} rooms are still empty." in drawn
    assert verb.one_room("cli").splitlines()[-1].split() == ["thing.py", "A", "thing."]
    assert verb.one_room("serve").endswith("empty")


def test_one_room_lists_its_files(capsys):
    assert verb.run(["inference"]) == 0
    assert "sampling.py" in capsys.readouterr().out


def test_a_room_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no room 'kitchen'; there are: cli, studio"):
        verb.run(["kitchen"])
