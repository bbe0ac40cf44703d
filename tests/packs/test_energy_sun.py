"""The sun above a station, against the almanac and common sense."""

import numpy as np
import pytest

from wuxin.packs.energy import sun
from wuxin.terms.clock import HOUR, moment

GOLDEN = sun.Plane(39.742, -105.1727, 1829.0, 45.0, 158.0)


def day(date: str) -> "np.typing.NDArray[np.int64]":
    return moment(f"{date}T07:00Z") + np.arange(0, 24 * HOUR, HOUR // 4)


@pytest.mark.parametrize(
    ("date", "noon"), [("2016-06-21", 73.7), ("2016-12-21", 26.8), ("2016-03-20", 50.2)]
)
def test_the_sun_culminates_where_it_should(date: str, noon: float) -> None:
    # 90 degrees less latitude plus declination (23.44, -23.44 and about 0 degrees).
    found = sun.elevation(day(date), GOLDEN.latitude, longitude=GOLDEN.longitude)
    assert found.max() == pytest.approx(noon, abs=0.4)


def test_night_is_dark_and_noon_is_bright() -> None:
    clear = sun.clear(day("2016-09-21"), GOLDEN)
    assert clear[:16].max() == 0
    assert 850 < clear.max() < 1150


def test_an_overcast_sky_is_as_bright_on_any_plane() -> None:
    t = day("2016-09-21")[40:56]
    level = sun.tilted(t, np.full(16, 100.0), plane=GOLDEN._replace(tilt=0.0))
    steep = sun.tilted(t, np.full(16, 100.0), plane=GOLDEN)
    assert level == pytest.approx(100.0, rel=0.01)
    assert steep == pytest.approx(90.0, rel=0.15)


def test_a_clear_sky_is_brighter_on_a_plane_that_faces_it() -> None:
    t = moment("2016-12-21T19:00Z") + np.zeros(1, np.int64)
    level = sun.tilted(t, np.array([450.0]), plane=GOLDEN._replace(tilt=0.0))
    assert sun.tilted(t, np.array([450.0]), plane=GOLDEN)[0] > 1.5 * level[0]
