"""A date that 64 bits of nanoseconds cannot hold is one bad cell, never the end of a recording."""

import pyarrow as pa
import pytest

from wuxin.protocols.cells import Time, event_times
from wuxin.terms.clock import iso

DAY = "%Y-%m-%d"


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (DAY, "2008-12-01", ["0001-01-01", "1601-01-01", "2300-01-01", "9999-12-31", "x", ""]),
        ("iso", "2008-12-01T00:00Z", ["infinity", "290000-01-01", "1677-01-01", "2262-06-01"]),
        ("unix", "1228089600", ["1e300", "-1e300", "9999999999999", "nan", "x", ""]),
        ("unix_ms", "1228089600000", ["1e300", "99999999999999999"]),
    ],
)
def test_a_year_out_of_reach_is_not_good_and_the_others_are(
    form: str, good: str, bad: list[str]
) -> None:
    nanos, found = event_times(pa.array([good, *bad, good]), Time("t", form, "UTC"))
    assert found.tolist() == [True, *[False] * len(bad), True]
    assert iso(int(nanos[0])) == iso(int(nanos[-1])) == "2008-12-01T00:00:00Z"
