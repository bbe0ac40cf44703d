"""ICAR ADE: its vectors, what its schemas allow, and that no bytes bring the decoder down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.documents import read
from tests.rooms.frames import bytes_of, holds, load, named, proper, registered
from wuxin.protocols import icar
from wuxin.protocols.icar import FRAME_BYTES, MEMBERS
from wuxin.terms.envelope import wrap
from wuxin.terms.names import thing_key
from wuxin.terms.units import checked

VECTORS = load("icar")
WEIGHT: dict[str, Any] = {
    "animal": {"id": "1", "scheme": "s"}, "eventDateTime": "2024-05-01T08:00:00",
    "weight": {"measurement": 400, "units": "KGM"}, "meta": {"source": "app"},
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_resource_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = icar.decode(bytes_of(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), json.dumps(answer, indent=1)
    proper(answer, most=20_000)
    for reading in answer["readings"]:
        assert checked(reading["unit"]) == reading["unit"]
        assert str(thing_key(reading["thing"])) == reading["thing"]


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_resource_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = icar.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_carrier_says_what_a_collection_holds_and_where_its_clock_is() -> None:
    data = json.dumps({"member": [WEIGHT]}).encode()
    plain = icar.decode(data)
    assert (plain["message"], plain["device"]) == ("unnamed", "app")
    assert plain["time"] == "2024-05-01T08:00:00Z"
    said = {"resource": "icarWeightEventResource", "zone": "+03:00", "device": "farm:7"}
    told = icar.decode(wrap(said, data))
    assert (told["message"], told["device"]) == ("icarWeightEventResource", "farm:7")
    assert told["time"] == told["readings"][0]["time"] == "2024-05-01T05:00:00Z"
    assert icar.decode(wrap({"zone": "Atlantis"}, data))["error"].startswith("there is no time")


def test_what_is_too_large_is_refused() -> None:
    assert icar.decode(b" " * (FRAME_BYTES + 1))["at"] == f"byte {FRAME_BYTES}"
    assert icar.decode(json.dumps([WEIGHT] * (MEMBERS + 1)).encode())["at"] == f"$[{MEMBERS}]"
    assert icar.decode(json.dumps([WEIGHT] * 100).encode())["ok"]
    assert "deeper" in icar.decode(b"[" * 40 + b"]" * 40)["error"]


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("icar") == icar.__name__


FORMS = {
    "date-time": "2024-05-01T08:00:00Z", "date": "2024-05-01", "uri": "https://example.com/1",
}  # fmt: skip


class Maker:
    """Makes instances of the schemas: the least and the most that they allow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def opened(self, schema: Any, folder: str) -> tuple[Any, str]:
        """A schema, and the folder of what it refers to."""
        while "$ref" in schema:
            path = schema["$ref"].split("/")
            folder = path[-2] if len(path) > 1 else folder
            schema = read(self.folder / f"{folder}__{path[-1]}")
        return schema, folder

    def gathered(self, schema: Any, folder: str) -> tuple[dict[str, Any], set[str]]:
        """The properties of a schema and its parts, and which are required."""
        schema, folder = self.opened(schema, folder)
        found, needed = {}, set(schema.get("required", ()))
        for part in schema.get("allOf", ()):
            inner, required = self.gathered(part, folder)
            found |= inner
            needed |= required
        found |= {name: (one, folder) for name, one in schema.get("properties", {}).items()}
        return found, needed

    def make(self, schema: Any, folder: str, *, full: bool, depth: int = 0) -> Any:
        schema, folder = self.opened(schema, folder)
        fields, needed = self.gathered(schema, folder)
        if fields:
            wanted = needed | (fields.keys() if full and depth < 8 else set())
            return {
                name: self.make(*fields.get(name, ({}, folder)), full=full, depth=depth + 1)
                for name in wanted
            }
        if "allOf" in schema:
            return self.make(schema["allOf"][0], folder, full=full, depth=depth)
        if "enum" in schema:
            return schema["enum"][-1 if full else 0]
        kind = schema.get("type")
        if kind == "array":
            items = schema.get("items", {})
            return [self.make(items, folder, full=full, depth=depth + 1)] if full else []
        text = FORMS.get(schema.get("format", ""), "2024")
        return {"string": text, "number": 1.5, "integer": 2, "boolean": True}.get(kind, {})


@pytest.mark.shared
@pytest.mark.parametrize("full", [False, True])
def test_what_the_schemas_allow_is_taken(shared: Path, *, full: bool) -> None:
    folder = shared / "vectors/icar_ade"
    maker, count = Maker(folder), 0
    for path in sorted(folder.glob("resources__icar*Resource.json")):
        made = maker.make(read(path), "resources", full=full)
        if "resourceType" not in made:
            continue
        made["resourceType"] = path.stem.removeprefix("resources__")
        answer = icar.decode(json.dumps(made).encode())
        assert answer["ok"], (path.name, answer, made)
        proper(answer, most=60_000)
        count += 1
    assert count > 45


@pytest.mark.shared
def test_what_the_schemas_require_is_required(shared: Path) -> None:
    folder = shared / "vectors/icar_ade"
    maker, tried = Maker(folder), 0
    for path in sorted(folder.glob("resources__icar*EventResource.json")):
        made = maker.make(read(path), "resources", full=False)
        made["resourceType"] = path.stem.removeprefix("resources__")
        for name in made.keys() - {"resourceType"}:
            answer = icar.decode(json.dumps({k: v for k, v in made.items() if k != name}).encode())
            assert answer["ok"] is False, (path.name, name)
            assert answer["at"] == f"$.{name}"
            tried += 1
    assert tried > 40


@pytest.mark.shared
def test_examples_of_the_working_group_are_taken(shared: Path) -> None:
    paths = sorted((shared / "vectors/icar_ade").glob("examples__*.json"))
    assert len(paths) == 5
    for path in paths:
        answer = icar.decode(path.read_bytes())
        assert answer["ok"], (path.name, answer)
        assert len(answer["fields"]["resources"]) == len(read(path)["member"])
