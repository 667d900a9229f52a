from m5kit.data.several import each_value, passes, single_if_alone


def test_a_list_of_texts_is_several_values_and_one_of_numbers_is_one():
    assert each_value(["a.jpg", "b.jpg"]) == ("a.jpg", "b.jpg")
    assert each_value("a.jpg") == ("a.jpg",)
    for whole in ([0.5, 1], [[1], [2]], [{"k": 1}], [], [True], {"k": ["a"]}, ["a", None]):
        assert each_value(whole) == (whole,)


def test_one_value_is_written_as_itself():
    assert single_if_alone(["a"]) == "a"
    assert single_if_alone(("a", "b")) == ["a", "b"]


def test_every_value_comes_and_shorter_modalities_come_again_in_turn():
    assert passes({"image": "xyz", "text": "uv"}) == [
        {"image": "x", "text": "u"},
        {"image": "y", "text": "v"},
        {"image": "z", "text": "u"},
    ]
    assert passes({}) == [{}]
