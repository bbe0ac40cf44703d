"""A recording that stands things where they cannot stand is refused before anything is kept."""

from pathlib import Path

import pytest

from wuxin.packs import adopt, schema
from wuxin.terms.errors import BadInput
from wuxin.wire.recording import open_recording

RECORDING = """
pack = "logistics"
timezone = "UTC"
[[stream]]
file = "stock.csv"
time = {{ column = "t", format = "%Y-%m-%d", timezone = "UTC" }}
thing = {{ kind = "lot", id = "lot", parent = {{ kind = "{parent}", id = "place" }} }}
[stream.readings]
net_weight = {{ column = "kg", unit = "kg" }}
[[thing]]
kind = "lot"
id = "L1"
parent = "{above}"
"""


def adopted(folder: Path, *, parent: str, above: str) -> dict[str, object]:
    (folder / "recording.toml").write_text(RECORDING.format(parent=parent, above=above))
    (folder / "stock.csv").write_text("t,lot,place,kg\n2022-01-01,L1,S,100\n2022-01-02,L1,S,99\n")
    recording = open_recording(folder / "recording.toml")
    return adopt.adopt(recording, schema.load(recording.pack))


def test_things_that_stand_where_their_kinds_may_are_adopted(tmp_path: Path) -> None:
    manifest = adopted(tmp_path, parent="warehouse", above="warehouse:S")
    assert manifest["things"] == [{"kind": "lot", "id": "L1", "parent": "warehouse:S", "facts": {}}]


@pytest.mark.parametrize(
    ("parent", "above", "why"),
    [
        (
            "climate_sensor",
            "warehouse:S",
            r"recording\.toml:7.*stands within warehouse, not climate",
        ),
        ("ship", "warehouse:S", "kind 'ship' is not declared"),
        ("warehouse", "climate_sensor:S", "stands within warehouse, not climate_sensor"),
        ("warehouse", "ship:S", "is no thing it may stand within"),
        ("warehouse", "lot:L1", "is no thing it may stand within"),
        ("warehouse", "S", "write kind:id"),
    ],
)
def test_a_parent_that_cannot_be_is_refused(
    tmp_path: Path, parent: str, above: str, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        adopted(tmp_path, parent=parent, above=above)
