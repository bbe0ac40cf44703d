"""A facility's process: read strictly, walked by the roles that own its steps."""

import pytest

from wuxin.finance.process import Case, read_steps
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.standards import Step

WAREHOUSE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
             xmlns:wuxin="https://wuxin.example/bpmn/1" targetNamespace="https://wuxin.example">
  <process id="pledge" isExecutable="true">
    <laneSet id="lanes">
      <lane id="relationship_manager" name="客户经理"><flowNodeRef>set_up</flowNodeRef></lane>
      <lane id="lane_2" name="risk_officer"><flowNodeRef>value_stock</flowNodeRef></lane>
      <lane id="installer" name="安装"><flowNodeRef>install</flowNodeRef></lane>
      <lane id="approver" name="审批">
        <flowNodeRef>approve</flowNodeRef><flowNodeRef>disburse</flowNodeRef>
      </lane>
    </laneSet>
    <startEvent id="begin"/>
    <sequenceFlow id="f1" sourceRef="begin" targetRef="set_up"/>
    <userTask id="approve" name="Approve"><extensionElements>
      <wuxin:step zh="审批" en="Approval" needs="set_up, value_stock"/>
    </extensionElements></userTask>
    <userTask id="set_up"><extensionElements>
      <wuxin:step zh="立项" en="Set-up"/>
    </extensionElements></userTask>
    <sequenceFlow id="f2" sourceRef="set_up" targetRef="fork"/>
    <parallelGateway id="fork"/>
    <sequenceFlow id="f3" sourceRef="fork" targetRef="value_stock"/>
    <sequenceFlow id="f4" sourceRef="fork" targetRef="install"/>
    <task id="value_stock"><extensionElements>
      <wuxin:step zh="估值" en="Valuation" needs="price_known"/>
    </extensionElements></task>
    <manualTask id="install"><extensionElements>
      <wuxin:step zh="安装" en="Installation"/>
    </extensionElements></manualTask>
    <sequenceFlow id="f5" sourceRef="value_stock" targetRef="join"/>
    <sequenceFlow id="f6" sourceRef="install" targetRef="join"/>
    <parallelGateway id="join"/>
    <sequenceFlow id="f7" sourceRef="join" targetRef="approve"/>
    <sequenceFlow id="f8" sourceRef="approve" targetRef="granted"/>
    <exclusiveGateway id="granted" default="f10"/>
    <sequenceFlow id="f9" sourceRef="granted" targetRef="disburse">
      <conditionExpression>approved</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="f10" sourceRef="granted" targetRef="end"/>
    <serviceTask id="disburse"><extensionElements>
      <wuxin:step zh="放款" en="Disbursement" needs="devices_commissioned, data_delivered"/>
    </extensionElements></serviceTask>
    <sequenceFlow id="f11" sourceRef="disburse" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
""".encode()


def ids(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


def case_before_approval() -> Case:
    case = Case.start(WAREHOUSE)
    case.complete("set_up", by_role="relationship_manager", who="rm-1", facts={})
    case.complete("install", by_role="installer", who="in-1", facts={})
    case.complete("value_stock", by_role="risk_officer", who="ro-1", facts={"price_known": True})
    return case


def test_steps_come_in_flow_order_with_owner_words_and_needs() -> None:
    steps = read_steps(WAREHOUSE)
    assert ids(steps) == ["set_up", "value_stock", "install", "approve", "disburse"]
    assert [s.owner for s in steps] == [
        "relationship_manager",
        "risk_officer",
        "installer",
        "approver",
        "approver",
    ]
    assert steps[3].words.zh == "审批"
    assert steps[3].needs == ("set_up", "value_stock")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('needs="price_known"', 'does="dance"', "does 'dance'; a step may do disburse"),
        ('needs="price_known"', 'does="disburse"', "it must be the approver's, or need a step"),
        ('needs="price_known"', 'within="soon"', "within 'soon' is not a duration"),
        ('needs="price_known"', 'within="2 d" escalate="boss"', "escalates to 'boss', no role"),
        ('needs="price_known"', 'escalate="approver"', "or has no within"),
        ('zh="估值" ', "", "task 'value_stock': <wuxin:step> has no zh"),
        ('<wuxin:step zh="立项" en="Set-up"/>', "", "userTask 'set_up' has no <wuxin:step>"),
        ("<flowNodeRef>install</flowNodeRef>", "", "manualTask 'install' stands in no lane"),
        ('name="risk_officer"', 'name="风险"', "lane '风险' is no role"),
        ('needs="price_known"', 'needs="price known"', "needs 'price known'"),
        (">approved<", ">__import__('os')<", "sequenceFlow 'f9' has condition"),
        ('targetRef="install"', 'targetRef="nowhere"', "sequenceFlow 'f4' does not join"),
        ('sourceRef="fork" targetRef="install"', 'sourceRef="fork" targetRef="join"', "be reached"),
        ('<startEvent id="begin"/>', '<scriptTask id="x"/>', "scriptTask 'x' may not stand"),
        (
            '<startEvent id="begin"/>',
            '<startEvent id="begin"><timerEventDefinition/></startEvent>',
            "startEvent 'begin' has a timerEventDefinition",
        ),
        ('default="f10"', "", "cannot be run"),
        ('<task id="value_stock">', "<task>", "a task has no id"),
        ('<endEvent id="end"/>', '<startEvent id="end"/>', "has 2 start events, not one"),
        ("</process>", '</process><process id="second"/>', "exactly one process, this one has 2"),
        ("</definitions>", "", "not XML"),
        ("<process", "<!-- <process", "not XML"),
    ],
)
def test_what_is_missing_in_a_process_is_named(was: str, becomes: str, said: str) -> None:
    broken = WAREHOUSE.decode().replace(was, becomes, 1).encode()
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        read_steps(broken)


def test_a_process_without_tasks_is_none() -> None:
    bare = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
      <startEvent id="a"/><endEvent id="b"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>
    </process></definitions>"""
    with pytest.raises(BadInput, match="process 'p' has no tasks"):
        read_steps(bare)


def test_a_case_walks_to_the_end_and_branches_run_beside_each_other() -> None:
    case = case_before_approval()
    ready = case.complete("approve", by_role="approver", who="ap-1", facts={"approved": True})
    assert ids(ready) == ["disburse"]
    delivered = {"devices_commissioned": True, "data_delivered": True}
    case.complete("disburse", by_role="approver", who="ap-2", facts=delivered)
    assert case.finished


def test_a_gate_looks_at_the_fact_and_a_refused_loan_ends_without_disbursement() -> None:
    case = case_before_approval()
    assert case.complete("approve", by_role="approver", who="ap-1", facts={"approved": False}) == ()
    assert case.finished


def test_only_the_owner_completes_a_step_that_the_flow_has_reached() -> None:
    case = Case.start(WAREHOUSE)
    assert ids(case.ready()) == ["set_up"]
    with pytest.raises(Forbidden, match="belongs to the relationship_manager, not the borrower"):
        case.complete("set_up", by_role="borrower", who="b-1", facts={})
    with pytest.raises(Conflict, match="'approve' is not ready; ready: set_up"):
        case.complete("approve", by_role="approver", who="ap-1", facts={})
    with pytest.raises(NotFound, match="no step 'dance'"):
        case.complete("dance", by_role="approver", who="ap-1", facts={})


def test_nothing_is_disbursed_before_the_devices_have_delivered() -> None:
    case = case_before_approval()
    case.complete("approve", by_role="approver", who="ap-1", facts={"approved": True})
    with pytest.raises(Conflict, match="still needs data_delivered"):
        case.complete(
            "disburse", by_role="approver", who="ap-2", facts={"devices_commissioned": True}
        )
    assert ids(case.ready()) == ["disburse"]


def test_four_eyes_see_what_an_approver_completes() -> None:
    case = case_before_approval()
    for who in ("rm-1", "ro-1", "in-1"):
        with pytest.raises(Forbidden, match="four eyes"):
            case.complete("approve", by_role="approver", who=who, facts={"approved": True})
    case.complete("approve", by_role="approver", who="ap-1", facts={"approved": True})
    delivered = {"devices_commissioned": True, "data_delivered": True}
    with pytest.raises(Forbidden, match="four eyes"):
        case.complete("disburse", by_role="approver", who="ap-1", facts=delivered)


def test_a_case_resumes_where_it_stood_and_equal_histories_have_equal_bytes() -> None:
    case, twin = case_before_approval(), case_before_approval()
    assert case.state() == twin.state()
    again = Case.resume(WAREHOUSE, case.state())
    assert again.state() == case.state()
    assert ids(again.ready()) == ["approve"]


def test_a_history_that_no_longer_fits_the_process_is_a_conflict() -> None:
    state = case_before_approval().state()
    changed = WAREHOUSE.replace(b'needs="price_known"', b'needs="price_known, counted"')
    with pytest.raises(Conflict, match=r"does not fit the process.*still needs counted"):
        Case.resume(changed, state)
    with pytest.raises(BadInput, match="state of a case cannot be read"):
        Case.resume(WAREHOUSE, b"{")


def test_a_step_says_what_it_does_and_by_when_it_is_to_be_done() -> None:
    was = 'needs="devices_commissioned, data_delivered"'
    more = f'{was} does="disburse" within="5 d" escalate="risk_officer"'
    step = read_steps(WAREHOUSE.decode().replace(was, more).encode())[-1]
    assert (step.does, step.within, step.escalate) == ("disburse", 5 * DAY, "risk_officer")


def test_who_pays_out_has_not_approved_it_under_another_role() -> None:
    was = 'needs="devices_commissioned, data_delivered"'
    other = WAREHOUSE.decode().replace(was, 'needs="approve" does="disburse"')
    other = other.replace("<flowNodeRef>disburse</flowNodeRef>", "")
    other = other.replace(
        "<flowNodeRef>set_up<", "<flowNodeRef>disburse</flowNodeRef><flowNodeRef>set_up<"
    )
    case = Case.start(other.encode())
    case.complete("set_up", by_role="relationship_manager", who="rm-1", facts={})
    case.complete("install", by_role="installer", who="in-1", facts={})
    case.complete("value_stock", by_role="risk_officer", who="ro-1", facts={"price_known": True})
    case.complete("approve", by_role="approver", who="ap-1", facts={"approved": True})
    with pytest.raises(Forbidden, match="four eyes: 'ap-1' approved what 'disburse' does"):
        case.complete("disburse", by_role="relationship_manager", who="ap-1", facts={})
    case.complete("disburse", by_role="relationship_manager", who="rm-1", facts={})
    assert case.finished
