"""A run folder may name the local plugins that its user trained with, and no others."""

from m5kit.permissions import LOCAL_PLUGINS, allowing
from m5kit.plugins import known
from m5kit.plugins.scope import LocalFile, PluginScope


def test_a_file_counts_as_it_was_when_the_user_named_it(tmp_path, monkeypatch):
    monkeypatch.setattr(known, "_of_this_process", set())
    file = tmp_path / "mine.py"
    file.write_text("1")
    assert not known.is_known(str(file), PluginScope())
    known.remember([LocalFile.at(str(file))])
    monkeypatch.setattr(known, "_of_this_process", set())  # as another process finds it
    assert known.is_known(str(file), PluginScope())
    file.write_text("2")
    assert not known.is_known(str(file), PluginScope())


def test_what_the_environment_names_and_what_the_caller_allows_is_known(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("3")
    assert known.is_known(str(file), PluginScope().with_files([str(file)]))
    with allowing(LOCAL_PLUGINS):
        assert known.is_known(str(file), PluginScope())
    assert not known.is_known(str(file), PluginScope())


def test_a_state_folder_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(known, "_of_this_process", set())
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path / "taken"))
    file = tmp_path / "mine.py"
    file.write_text("4")
    known.remember([LocalFile.at(str(file))])
    assert known.is_known(str(file), PluginScope())
    assert "later commands need --allow-local-plugins" in caplog.text
