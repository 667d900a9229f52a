"""What a run folder's config says about links out of the data needs the caller's word."""

from m5kit.config import load_config
from m5kit.config.run_folder import is_of_run
from m5kit.permissions import FOLLOW_LINKS, allowing


def test_a_run_folder_does_not_allow_itself_to_follow_links(write):
    own = write("own.yaml", "data: {follow_links: true}")
    write("run/provenance.json", "{}")
    config = write("run/config.yaml", "data: {follow_links: true}")
    assert load_config(own).values["data"]["follow_links"] is True
    assert load_config(config).values["data"]["follow_links"] is False
    assert load_config(config, ["data.follow_links=true"]).values["data"]["follow_links"] is True
    with allowing(FOLLOW_LINKS):
        assert load_config(config).values["data"]["follow_links"] is True


def test_a_link_to_or_from_a_run_folder_is_of_a_run(write, tmp_path):
    write("run/provenance.json", "{}")
    write("run/config.yaml", "{}")
    elsewhere = write("elsewhere.yaml", "{}")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "run/config.yaml")
    (tmp_path / "run/led.yaml").symlink_to(elsewhere)
    assert is_of_run(tmp_path / "link.yaml")
    assert is_of_run(tmp_path / "run/led.yaml")
    assert not is_of_run(elsewhere)
