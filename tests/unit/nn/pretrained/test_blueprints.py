from m5kit.nn.pretrained.blueprints import blueprint_to_write, blueprints, find_blueprint


def test_a_blueprint_is_found_by_the_name_of_its_weights_and_only_inside(tmp_path):
    assert blueprint_to_write("hub/bert") is None
    with blueprints(keep=tmp_path):
        made = blueprint_to_write("hub/bert")
        assert find_blueprint("hub/bert") is None
    with blueprints(reuse=tmp_path):
        assert find_blueprint("hub/bert") == made
        assert find_blueprint("other/bert") is None
        assert blueprint_to_write("hub/bert") is None
    assert find_blueprint("hub/bert") is None


def test_names_are_safe_folders_and_differ_where_weights_do(tmp_path):
    with blueprints(keep=tmp_path):
        folders = [blueprint_to_write(w) for w in ("a/bert", "b/bert", "hf-hub:timm/x:y", "ViT-B-32/laion 2b", "../up")]
    assert len(set(folders)) == 5
    assert all(folder.parent == tmp_path and " " not in folder.name and ":" not in folder.name for folder in folders)
