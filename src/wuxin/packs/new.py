"""A new pack: a folder that can be installed, with what has to be filled in marked as such.

``wuxin check`` names every place that is left, and passes when none is.
"""

import itertools
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from wuxin.packs.schema import COMMON, installed
from wuxin.terms.errors import BadInput, Conflict

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,30}")
_TEMPLATE: Final = files("wuxin.packs.template")


class _Step(NamedTuple):
    id: str
    role: str
    zh: str
    en: str
    facts: tuple[str, ...] = ()
    more: str = ""


_GATES: Final = ("devices_commissioned", "data_accepted", "covered", "no_open_call")
_STEPS: Final = (
    _Step("set_up", "relationship_manager", "建档", "Set up borrower and things"),
    _Step("valuation", "risk_officer", "估值", "Value the pool"),
    _Step("supervision_plan", "supervisor", "监管方案", "Plan the supervision"),
    _Step("installation", "installer", "安装设备", "Install the devices"),
    _Step("commissioning", "supervisor", "联调", "Commission the devices", ("devices_reporting",)),
    _Step("disbursement", "approver", "放款", "Disburse", _GATES, 'does="disburse"'),
    _Step("collection", "supervisor", "采集", "Collect"),
    _Step("transmission", "supervisor", "传输", "Transmit"),
    _Step("analysis", "risk_officer", "分析", "Analyse"),
    _Step("early_warning", "risk_officer", "预警与商机", "Early warning and opportunity"),
    _Step("extension", "relationship_manager", "延伸服务", "Extension beyond the loan"),
)
"""The steps that every process has (C3)."""


def new_pack(name: str, folder: Path) -> list[Path]:
    """Write the files of a new pack into ``folder/wuxin-NAME``.

    Returns:
        The files.

    Raises:
        BadInput: the name is none that a Python package can have.
        Conflict: there is such a pack, or such a folder.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a pack: small letters, digits and _")
    if name in installed() or name == COMMON:
        raise Conflict(f"there is a pack {name!r} already")
    root = folder / f"wuxin-{name}"
    if root.exists():
        raise Conflict(f"{root} exists already")
    package = root / f"wuxin_{name}"
    package.mkdir(parents=True)
    (root / "tests").mkdir()
    places = {
        "pyproject.toml.txt": root / "pyproject.toml",
        "test_pack.py.txt": root / "tests" / "test_pack.py",
        "objects.toml": package / "objects.toml",
        "devices.toml": package / "devices.toml",
        "rules.toml": package / "rules.toml",
        "models.py.txt": package / "models.py",
        "about.md": package / "about.md",
    }
    for source, place in places.items():
        text = (_TEMPLATE / source).read_text("utf-8").replace("{name}", name)
        place.write_text(text.replace("{{", "{").replace("}}", "}"), "utf-8")
    (package / "__init__.py").write_text(f'"""The pack {name}."""\n', "utf-8")
    (package / "process.bpmn").write_text(bpmn(name, _STEPS), "utf-8")
    return [*places.values(), package / "__init__.py", package / "process.bpmn"]


def bpmn(name: str, steps: Sequence[_Step]) -> str:
    """A process in which one step follows the other, drawn from left to right, a lane a role."""
    roles = list(dict.fromkeys(step.role for step in steps))
    nodes = ["start", *(step.id for step in steps), "end"]
    owner = {"start": steps[0].role, "end": steps[-1].role, **{s.id: s.role for s in steps}}
    lanes = "\n".join(
        f'      <bpmn:lane id="{role}">'
        + "".join(f"<bpmn:flowNodeRef>{n}</bpmn:flowNodeRef>" for n in nodes if owner[n] == role)
        + "</bpmn:lane>"
        for role in roles
    )
    before = [("agreed",), *((step.id,) for step in steps)]
    needs = [", ".join((*before[k], *step.facts)) for k, step in enumerate(steps)]
    tasks = "\n".join(
        f'    <bpmn:userTask id="{s.id}" name="{s.zh} {s.en}"><bpmn:extensionElements>'
        f'<wuxin:step zh="{s.zh}" en="{s.en}" needs="{needs[k]}" {s.more}/>'
        "</bpmn:extensionElements></bpmn:userTask>"
        for k, s in enumerate(steps)
    )
    pairs = list(itertools.pairwise(nodes))
    flows = "\n".join(
        f'    <bpmn:sequenceFlow id="f{k}" sourceRef="{a}" targetRef="{b}" />'
        for k, (a, b) in enumerate(pairs)
    )
    drawn = _drawn(name, nodes, rows=[roles.index(owner[node]) for node in nodes])
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- C3, {name}: the business process. BPMN 2.0.2; editable in any modeller. -->
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
    xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
    xmlns:di="http://www.omg.org/spec/DD/20100524/DI"
    xmlns:wuxin="https://wuxin.example/bpmn/1"
    id="{name}_definitions" targetNamespace="https://wuxin.example/bpmn/1">
  <bpmn:process id="{name}" isExecutable="true">
    <bpmn:laneSet id="lanes">
{lanes}
    </bpmn:laneSet>
    <bpmn:startEvent id="start" />
{tasks}
    <bpmn:endEvent id="end" />
{flows}
  </bpmn:process>
{drawn}
</bpmn:definitions>
"""


def _drawn(name: str, nodes: Sequence[str], *, rows: Sequence[int]) -> str:
    """The diagram of nodes from left to right, each in the row of its lane."""
    y = [40 + 120 * row for row in rows]
    x = [60 + 150 * k for k in range(len(nodes))]
    last = len(nodes) - 1
    sizes = [(36, 36) if k in {0, last} else (110, 80) for k in range(len(nodes))]
    shapes = "\n".join(
        f'      <bpmndi:BPMNShape id="{node}_di" bpmnElement="{node}">'
        f'<dc:Bounds x="{x[k]}" y="{y[k]}" width="{sizes[k][0]}" height="{sizes[k][1]}" />'
        "</bpmndi:BPMNShape>"
        for k, node in enumerate(nodes)
    )
    edges = "\n".join(
        f'      <bpmndi:BPMNEdge id="f{k}_di" bpmnElement="f{k}">'
        f'<di:waypoint x="{x[k] + sizes[k][0]}" y="{y[k] + 18}" />'
        f'<di:waypoint x="{x[k + 1]}" y="{y[k + 1] + 18}" /></bpmndi:BPMNEdge>'
        for k in range(last)
    )
    return f"""  <bpmndi:BPMNDiagram id="diagram">
    <bpmndi:BPMNPlane id="plane" bpmnElement="{name}">
{shapes}
{edges}
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>"""
