"""The business process of one facility (C3): BPMN 2.0 read strictly and run by SpiffWorkflow.

A process is flat and small: one pool, lanes that are roles, tasks that people or the core system
complete, exclusive and parallel gateways that look at facts. Nothing in it reads a clock or runs
code: a condition on a sequence flow is the name of a fact, or ``not`` and a name.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from lxml import etree  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.specs.defaults import ManualTask
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.util.task import TaskState

from wuxin.terms.clock import duration
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.records import Words
from wuxin.terms.standards import Step

ROLES: Final = (
    "relationship_manager",
    "risk_officer",
    "approver",
    "supervisor",
    "borrower",
    "installer",
)
"""Who may own a step; a lane's id or name is one of these."""

PAYS_OUT: Final = "disburse"
"""What a step does that pays the loan out."""

DOES: Final = (PAYS_OUT,)
"""What a step may do."""

NAMESPACE: Final = "https://wuxin.example/bpmn/1"
"""Namespace of ``<wuxin:step>``, which stands in the extension elements of every step."""

_DECIDES: Final = "approver"
_BPMN: Final = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_STEPS: Final = frozenset({"userTask", "manualTask", "serviceTask", "task"})
_NODES: Final = _STEPS | {"startEvent", "endEvent", "exclusiveGateway", "parallelGateway"}
_BESIDE: Final = frozenset({
    "laneSet", "sequenceFlow", "documentation", "extensionElements", "ioSpecification",
    "textAnnotation", "association", "group", "property", "dataObject", "dataObjectReference",
})  # fmt: skip
_WAITS: Final = ("EventDefinition", "LoopCharacteristics")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_CONDITION: Final = re.compile(rf"(not\s+)?({_NAME.pattern})")


def read_steps(bpmn: bytes) -> tuple[Step, ...]:
    """The steps of a process in flow order (before what follows them; branches in file order).

    Every task carries ``<wuxin:step zh en needs does within escalate>``; its owner is the lane that
    contains it. A need is the id of another step, met when that is complete, or the name of a fact.
    A step that moves money is the approver's, or needs one of the approver's.

    Raises:
        BadInput: the file is no such process; the text names the element and what is missing.

    Source: BPMN 2.0.2 (OMG formal/2013-12-09), clauses 10.3 tasks, 10.6 gateways, 10.8 lanes.
    """
    return _plan(bpmn).steps


class Plan(NamedTuple):
    """A process as it was read: its steps, and SpiffWorkflow's form of it."""

    steps: tuple[Step, ...]
    spec: Any


@lru_cache(maxsize=64)
def _plan(bpmn: bytes) -> Plan:
    process = _process(bpmn)
    lanes = _lanes(process)
    ordered = _flow_order(process)
    steps = tuple(_step(node, lanes) for node in ordered if _tag(node) in _STEPS)
    if not steps:
        raise BadInput(f"process {process.get('id')!r} has no tasks")
    _check_money(steps)
    return Plan(steps, _spec(process))


def _check_money(steps: tuple[Step, ...]) -> None:
    approvals = {step.id for step in steps if step.owner == _DECIDES}
    for step in steps:
        if step.does and step.owner != _DECIDES and not approvals.intersection(step.needs):
            raise BadInput(
                f"step {step.id!r} does {step.does!r}: it must be the {_DECIDES}'s, or need a step "
                f"of the {_DECIDES}"
            )


class Done(msgspec.Struct, frozen=True):
    """One completed step: which, in what role, by whom, and the facts as they then stood."""

    step: str
    role: str
    who: str
    facts: Mapping[str, bool]


class Case:
    """One facility's walk through its process.

    Its state is the list of what was completed; resuming completes the same again, so that equal
    histories give equal bytes (SpiffWorkflow's own state holds clock times and random ids).
    """

    def __init__(self, bpmn: bytes) -> None:
        self.steps, spec = _plan(bpmn)
        self.done: list[Done] = []
        self._facts: dict[str, bool] = {}
        engine = PythonScriptEngine(environment=_Facts(self._facts))
        self._workflow = BpmnWorkflow(spec, script_engine=engine)
        self._workflow.do_engine_steps()

    @classmethod
    def start(cls, bpmn: bytes) -> "Case":
        """Open a case at the start event of a process.

        Raises:
            BadInput: see :func:`read_steps`.
        """
        return cls(bpmn)

    @classmethod
    def resume(cls, bpmn: bytes, state: bytes) -> "Case":
        """Take up a case where :meth:`state` left it.

        Raises:
            BadInput: the state cannot be read, or see :func:`read_steps`.
            Conflict: the history does not fit this process (the file was changed meanwhile).
        """
        try:
            history = msgspec.json.decode(state, type=list[Done])
        except msgspec.DecodeError as wrong:
            raise BadInput(f"the state of a case cannot be read: {wrong}") from None
        case = cls(bpmn)
        for past in history:
            try:
                case.complete(past.step, by_role=past.role, who=past.who, facts=past.facts)
            except (NotFound, Forbidden, Conflict) as wrong:
                raise Conflict(f"the case's history does not fit the process: {wrong}") from None
        return case

    @property
    def finished(self) -> bool:
        """Whether the end event has been reached."""
        return bool(self._workflow.completed)

    def ready(self) -> tuple[Step, ...]:
        """The steps that the flow has reached, in flow order (their needs may still be unmet)."""
        reached = {task.task_spec.bpmn_id for task in self._waiting()}
        return tuple(step for step in self.steps if step.id in reached)

    def missing(self, step: Step, facts: Mapping[str, bool]) -> tuple[str, ...]:
        """The needs of a step that are not met by completed steps and facts."""
        complete = {past.step for past in self.done}
        known = {**self._facts, **facts}
        return tuple(n for n in step.needs if n not in complete and not known.get(n, False))

    def complete(
        self, step_id: str, *, by_role: str, who: str, facts: Mapping[str, bool]
    ) -> tuple[Step, ...]:
        """Complete a step and walk on; returns the steps that are ready then.

        Args:
            step_id: the id of a step that is ready.
            by_role: the role in which the person acts; it must own the step.
            who: the person (account name). Four eyes: who completes an approver's step has
                completed neither the step before it nor any step of another role; who moves money
                has not approved it.
            facts: what is known now, by name; a fact stays as it is until it is told otherwise.

        Raises:
            NotFound: the process has no such step.
            Conflict: the flow has not reached the step, or its needs are not met (named).
            Forbidden: the role does not own the step, or four eyes would be two.
        """
        step = next((s for s in self.steps if s.id == step_id), None)
        if step is None:
            raise NotFound(f"the process has no step {step_id!r}")
        task = next((t for t in self._waiting() if t.task_spec.bpmn_id == step_id), None)
        if task is None:
            raise Conflict(f"step {step_id!r} is not ready; ready: {_list(self.ready())}")
        if by_role != step.owner:
            raise Forbidden(f"step {step_id!r} belongs to the {step.owner}, not the {by_role}")
        if step.owner == _DECIDES and who in self._hands():
            raise Forbidden(f"four eyes: {who!r} worked on this case before {step_id!r}")
        if step.does and step.owner != _DECIDES and who in self._approved(step):
            raise Forbidden(f"four eyes: {who!r} approved what {step_id!r} does")
        missing = self.missing(step, facts)
        if missing:
            raise Conflict(f"step {step_id!r} still needs {', '.join(missing)}")
        self._facts.update(facts)
        task.run()
        self._workflow.do_engine_steps()
        self.done.append(Done(step_id, by_role, who, dict(sorted(facts.items()))))
        return self.ready()

    def state(self) -> bytes:
        """The case as JSON: what was completed, in order."""
        return msgspec.json.encode(self.done, order="deterministic")

    def _waiting(self) -> list[Any]:
        return list(self._workflow.get_tasks(state=TaskState.READY, manual=True))

    def _hands(self) -> set[str]:
        others = {past.who for past in self.done if past.role != _DECIDES}
        return others | {past.who for past in self.done[-1:]}

    def _approved(self, step: Step) -> set[str]:
        return {past.who for past in self.done if past.role == _DECIDES and past.step in step.needs}


class _Facts:
    """SpiffWorkflow's environment for conditions: looks up a fact, evaluates no code."""

    def __init__(self, facts: Mapping[str, bool]) -> None:
        self._facts = facts

    def evaluate(self, expression: str, *_context: Any) -> bool:
        found = _CONDITION.fullmatch(expression.strip())
        assert found, expression
        return self._facts.get(found[2], False) != bool(found[1])


def _list(steps: tuple[Step, ...]) -> str:
    return ", ".join(step.id for step in steps) or "none"


def _tag(node: Any) -> str:
    return str(node.tag).removeprefix(_BPMN)


def _name(node: Any) -> str:
    return f"{_tag(node)} {node.get('id')!r}"


def _process(bpmn: bytes) -> Any:
    """The one process element of a file, with only such nodes in it as a facility may have."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(bpmn, parser)
    except etree.XMLSyntaxError as wrong:
        raise BadInput(f"the process is not XML: {wrong}") from None
    processes = list(root.iter(f"{_BPMN}process"))
    if len(processes) != 1:
        raise BadInput(f"a process file has exactly one process, this one has {len(processes)}")
    for node in processes[0]:
        if _tag(node) in _NODES:
            _check_node(node)
        elif _tag(node) == "sequenceFlow":
            _check_flow(node)
        elif _tag(node) not in _BESIDE:
            raise BadInput(f"{_name(node)} may not stand in a facility's process")
    return processes[0]


def _check_node(node: Any) -> None:
    if not node.get("id"):
        raise BadInput(f"a {_tag(node)} has no id")
    for child in node:
        if _tag(child).endswith(_WAITS):
            raise BadInput(f"{_name(node)} has a {_tag(child)}, which a facility's process may not")


def _check_flow(flow: Any) -> None:
    for condition in flow.iter(f"{_BPMN}conditionExpression"):
        if not _CONDITION.fullmatch((condition.text or "").strip()):
            raise BadInput(
                f"{_name(flow)} has condition {condition.text!r}; write a fact or 'not' and a fact"
            )


def _lanes(process: Any) -> dict[str, str]:
    """Node id → role, from the lanes (an inner lane wins over the one around it)."""
    owners: dict[str, str] = {}
    for lane in process.iter(f"{_BPMN}lane"):
        role = next((r for r in (lane.get("id"), lane.get("name")) if r in ROLES), None)
        if role is None:
            raise BadInput(f"lane {lane.get('name')!r} is no role; roles are {', '.join(ROLES)}")
        for ref in lane.iterchildren(f"{_BPMN}flowNodeRef"):
            owners[(ref.text or "").strip()] = role
    return owners


def _flow_order(process: Any) -> list[Any]:
    """The nodes reached from the start event, each before what follows it (loops back aside)."""
    nodes = {node.get("id"): node for node in process if _tag(node) in _NODES}
    starts = [ident for ident, node in nodes.items() if _tag(node) == "startEvent"]
    if len(starts) != 1:
        raise BadInput(f"process {process.get('id')!r} has {len(starts)} start events, not one")
    onward: dict[str, list[str]] = {ident: [] for ident in nodes}
    for flow in process.iterchildren(f"{_BPMN}sequenceFlow"):
        ends = (flow.get("sourceRef"), flow.get("targetRef"))
        if not all(end in nodes for end in ends):
            raise BadInput(f"{_name(flow)} does not join two nodes of the process")
        onward[ends[0]].append(ends[1])
    seen: set[str] = set()
    backwards: list[str] = []

    def visit(ident: str) -> None:
        seen.add(ident)
        for following in reversed(onward[ident]):
            if following not in seen:
                visit(following)
        backwards.append(ident)

    visit(starts[0])
    for ident, node in nodes.items():
        if ident not in seen:
            raise BadInput(f"{_name(node)} cannot be reached from the start event")
    return [nodes[ident] for ident in reversed(backwards)]


def _step(node: Any, lanes: Mapping[str, str]) -> Step:
    found = next(node.iter(f"{{{NAMESPACE}}}step"), None)
    if found is None:
        raise BadInput(f"{_name(node)} has no <wuxin:step> in its extension elements")
    for language in ("zh", "en"):
        if not (found.get(language) or "").strip():
            raise BadInput(f"{_name(node)}: <wuxin:step> has no {language}")
    owner = lanes.get(node.get("id"))
    if owner is None:
        raise BadInput(f"{_name(node)} stands in no lane, so nobody owns it")
    needs = [need.strip() for need in (found.get("needs") or "").split(",") if need.strip()]
    for need in needs:
        if not _NAME.fullmatch(need) or need == node.get("id"):
            raise BadInput(f"{_name(node)} needs {need!r}, neither a fact nor another step")
    does, escalate = found.get("does", ""), found.get("escalate", "")
    if does and does not in DOES:
        raise BadInput(f"{_name(node)} does {does!r}; a step may do {', '.join(DOES)}")
    if escalate and (escalate not in ROLES or not found.get("within")):
        raise BadInput(f"{_name(node)} escalates to {escalate!r}, no role, or has no within")
    within = found.get("within")
    try:
        time = duration(within) if within else 0
    except BadInput as wrong:
        raise BadInput(f"{_name(node)}: within {wrong}") from None
    words = Words(found.get("zh"), found.get("en"))
    return Step(node.get("id"), words, owner, tuple(needs), does, time, escalate)


def _spec(process: Any) -> Any:
    """SpiffWorkflow's form of the process, in which every task waits to be completed."""
    parser = BpmnParser()
    parser.OVERRIDE_PARSER_CLASSES = {_BPMN + tag: (TaskParser, ManualTask) for tag in _STEPS}
    try:
        parser.add_bpmn_xml(process.getroottree().getroot())
        return parser.get_spec(process.get("id"))
    except SpiffWorkflowException as wrong:
        raise BadInput(f"process {process.get('id')!r} cannot be run: {wrong}") from None
