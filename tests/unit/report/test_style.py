"""What all pictures share."""

import matplotlib as mpl
import pytest

from m5kit.report.style import as_png, drawing, panels, plot_curve, series_styles, short_names, whole_steps


def test_long_names_lose_their_middle_unless_that_makes_two_alike():
    long, other = "a" * 30 + "1" + "b" * 30, "a" * 30 + "2" + "b" * 30
    assert short_names([long, "x"]) == {long: "a" * 17 + "…" + "b" * 16, "x": "x"}
    assert short_names([long, other]) == {long: long, other: other}


def test_long_names_lose_whole_words():
    name = "schedule.max_steps=2000, fusion=cross_attention"
    assert short_names([name]) == {name: "schedule.max_…cross_attention"}


def test_line_breaks_in_names_become_blanks():
    assert short_names(["a\nb  c"]) == {"a\nb  c": "a b c"}


def test_a_name_has_one_style_by_its_place():
    names = [f"v{n}" for n in range(20)]
    styles = series_styles(names)
    assert len({(style.colour, style.dashes) for style in styles.values()}) == 20
    assert series_styles(names[:3]) == {name: styles[name] for name in names[:3]}


def test_dollar_signs_are_no_formula_and_settings_of_the_user_neither_matter_nor_change():
    @drawing()
    def picture():
        figure, ((axes,),) = panels(1, 1, (3, 2))
        axes.set_title("10% off $100 vs 5% off $200 x^2 \\frac{")
        return as_png(figure)

    expected = picture()
    with mpl.rc_context({"text.parse_math": True, "lines.linewidth": 9, "font.size": 30}):
        assert picture() == expected
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize(("steps", "marker"), [([1], "o"), ([1, 2], "")])
def test_a_curve_of_one_point_is_a_dot(steps, marker):
    _, ((axes,),) = panels(1, 1, (3, 2))
    plot_curve(axes, dict.fromkeys(steps, 0.5), series_styles(["a"])["a"])
    assert axes.get_lines()[0].get_marker() == marker


@pytest.mark.parametrize("steps", [[1], [5], [400], [1, 2], [1, 2, 3], range(1, 400)])
@pytest.mark.parametrize("most", ["auto", 5])
def test_steps_on_an_axis_are_whole(steps, most):
    _, ((axes,),) = panels(1, 1, (6, 4))
    axes.plot(list(steps), [0.5] * len(steps), "o")
    whole_steps(axes, most)
    low, high = axes.get_xlim()
    named = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert named
    assert named == [round(tick) for tick in named]
