"""The Sparkplug host: births remembered, gaps found, rebirths asked for, the dead told of.

The names in COVERED are statements of the specification about a host application.
Source: Eclipse Sparkplug 3.0.0, statements by their id.
"""

import json
from pathlib import Path

import pytest

from tests.rooms.frames import mutated
from tests.rooms.sparkplug_bytes import AT, metric, payload
from wuxin.protocols import sparkplug
from wuxin.protocols.sparkplug import Decision, Host
from wuxin.terms.clock import SECOND
from wuxin.terms.errors import BadInput

NOW = AT * 1_000_000
NDATA, DDATA = "spBv1.0/plant/NDATA/edge", "spBv1.0/plant/DDATA/edge/pump"
NCMD = "spBv1.0/plant/NCMD/edge"

COVERED = {  # statement: the test that holds us to it
    "topics-ncmd-topic": "test_a_rebirth_is_asked_for_as_the_standard_says",
    "topics-ncmd-timestamp": "test_a_rebirth_is_asked_for_as_the_standard_says",
    "payloads-ncmd-seq": "test_a_rebirth_is_asked_for_as_the_standard_says",
    "payloads-ncmd-timestamp": "test_a_rebirth_is_asked_for_as_the_standard_says",
    "operational-behavior-data-commands-ncmd-rebirth-verb":
        "test_a_rebirth_is_asked_for_as_the_standard_says",
    "operational-behavior-data-commands-ncmd-rebirth-name":
        "test_a_rebirth_is_asked_for_as_the_standard_says",
    "operational-behavior-data-commands-ncmd-rebirth-value":
        "test_a_rebirth_is_asked_for_as_the_standard_says",
    "operational-behavior-edge-node-termination-host-action-ndeath-node-offline":
        "test_a_nodes_death_makes_it_and_its_devices_stale_from_now_on",
    "operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale":
        "test_a_nodes_death_makes_it_and_its_devices_stale_from_now_on",
    "operational-behavior-edge-node-termination-host-action-ndeath-devices-offline":
        "test_a_nodes_death_makes_it_and_its_devices_stale_from_now_on",
    "operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale":
        "test_a_nodes_death_makes_it_and_its_devices_stale_from_now_on",
    "operational-behavior-edge-node-termination-host-action-ddeath-devices-offline":
        "test_a_devices_death_makes_it_stale_from_its_own_time_on",
    "operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale":
        "test_a_devices_death_makes_it_stale_from_its_own_time_on",
    "payloads-ndeath-bdseq": "test_the_death_of_an_older_session_is_not_believed",
    "payloads-sequence-num-incrementing": "test_numbers_go_round_after_255",
    "payloads-ddeath-seq-number": "test_a_missing_number_asks_for_the_births_once",
    "operational-behavior-host-reordering-param": "test_a_number_that_comes_in_time_ends_the_wait",
    "operational-behavior-host-reordering-start": "test_a_number_that_comes_in_time_ends_the_wait",
    "operational-behavior-host-reordering-success":
        "test_a_number_that_comes_in_time_ends_the_wait",
    "operational-behavior-host-reordering-rebirth":
        "test_a_number_that_does_not_come_in_time_asks_for_the_births",
    **dict.fromkeys((
        "host-topic-phid-birth-qos", "host-topic-phid-birth-retain", "host-topic-phid-birth-topic",
        "host-topic-phid-birth-payload", "host-topic-phid-birth-payload-timestamp",
        "host-topic-phid-birth-sub-required",
        "host-topic-phid-death-qos", "host-topic-phid-death-retain", "host-topic-phid-death-topic",
        "host-topic-phid-death-payload",
        "host-topic-phid-death-payload-timestamp-connect",
        "host-topic-phid-death-payload-timestamp-disconnect-clean",
        "message-flow-phid-sparkplug-state-publish-payload",
        "operational-behavior-host-application-connect-will-topic",
        "operational-behavior-host-application-connect-will-payload",
        "operational-behavior-host-application-connect-will-qos",
        "operational-behavior-host-application-connect-will-retained",
        "operational-behavior-host-application-connect-birth-topic",
        "operational-behavior-host-application-connect-birth-payload",
        "operational-behavior-host-application-connect-birth-qos",
        "operational-behavior-host-application-connect-birth-retained",
        "operational-behavior-host-application-death-topic",
        "operational-behavior-host-application-death-payload",
        "operational-behavior-host-application-death-qos",
        "operational-behavior-host-application-death-retained",
        "payloads-state-will-message", "payloads-state-will-message-qos",
        "payloads-state-will-message-retain", "payloads-state-will-message-payload",
        "payloads-state-subscribe", "payloads-state-birth",
    ), "test_the_hosts_own_state_is_as_the_standard_says"),
}  # fmt: skip


def nbirth(host: Host, *, bd_seq: int = 0, now: int = NOW) -> Decision:
    data = payload(
        metric("bdSeq", kind=8, long=bd_seq),
        metric("Node Control/Rebirth", kind=11, truth=0),
        metric("load", 1, kind=3, whole=5, unit="kW"),
        seq=0,
    )
    return host.hear("spBv1.0/plant/NBIRTH/edge", data, now=now)


def dbirth(host: Host, *, seq: int = 1, alias: int = 2) -> Decision:
    data = payload(metric("speed", alias, kind=10, real=1.0, unit="m/s"), seq=seq)
    return host.hear("spBv1.0/plant/DBIRTH/edge/pump", data, now=NOW)


def ndata(host: Host, seq: int, *, alias: int = 1, now: int = NOW) -> Decision:
    return host.hear(NDATA, payload(metric(alias=alias, whole=6), seq=seq), now=now)


def ndeath(host: Host, bd_seq: int, *, now: int = NOW) -> Decision:
    data = payload(metric("bdSeq", kind=8, long=bd_seq), at=AT - 1000)
    return host.hear("spBv1.0/plant/NDEATH/edge", data, now=now)


def born(*, reorder_ns: int = 0) -> Host:
    host = Host("wuxin", reorder_ns=reorder_ns)
    for decision in (nbirth(host), dbirth(host)):
        assert decision.trouble == ""
        assert decision.send == ()
    return host


def test_what_is_journalled_can_be_read_without_the_births() -> None:
    host = born()
    frame = ndata(host, 2).journal
    assert frame is not None
    answer = sparkplug.decode(frame)
    assert answer["readings"] == [{"indicator": "load", "value": 6.0, "unit": "kW"}]
    assert json.loads(frame[1 : frame.index(b"\n")]) == {
        "topic": NDATA, "received": "2022-01-02T12:00:00Z",
        "names": {"1": "load"}, "types": {"load": 3}, "units": {"load": "kW"},
    }  # fmt: skip
    frame = host.hear(DDATA, payload(metric(alias=2, real=2.5), seq=3), now=NOW).journal
    assert frame is not None
    answer = sparkplug.decode(frame)
    assert answer["device"] == "plant/edge/pump"
    assert answer["readings"] == [{"indicator": "speed", "value": 2.5, "unit": "m/s"}]


def test_a_birth_is_journalled_as_it_came() -> None:
    frame = nbirth(Host("wuxin")).journal
    assert frame is not None
    answer = sparkplug.decode(frame)
    assert answer["readings"] == [{"indicator": "load", "value": 5.0, "unit": "kW"}]
    assert answer["fields"]["bdSeq"] == 0


def test_a_rebirth_is_asked_for_as_the_standard_says() -> None:
    decision = ndata(Host("wuxin"), 5)
    (message,) = decision.send
    assert (message.topic, message.qos, message.retain) == (NCMD, 0, False)
    said = sparkplug.decode(b'\x1e{"topic":"%s"}\n' % NCMD.encode() + message.payload)
    assert said["fields"] == {
        "group": "plant", "node": "edge",
        "metrics": [{"name": "Node Control/Rebirth", "type": "Boolean", "value": True,
                     "time": "2022-01-02T12:00:00Z"}],
    }  # fmt: skip
    assert said["time"] == "2022-01-02T12:00:00Z"
    assert decision.journal is not None, "what cannot be understood yet is kept all the same"


@pytest.mark.parametrize(
    ("topic", "trouble"),
    [
        (NDATA, "the node has not told"),
        (DDATA, "the node has not told"),
        ("spBv1.0/plant/DBIRTH/edge/pump", "the node has not told"),
        ("spBv1.0/plant/DDEATH/edge/pump", "the node has not told"),
    ],
)
def test_anything_before_the_nodes_birth_asks_for_it(topic: str, trouble: str) -> None:
    decision = Host("wuxin").hear(topic, payload(seq=4), now=NOW)
    assert trouble in decision.trouble
    assert [m.topic for m in decision.send] == [NCMD]


def test_data_before_the_devices_birth_asks_for_it() -> None:
    host = Host("wuxin")
    nbirth(host)
    decision = host.hear(DDATA, payload(metric(alias=2, real=2.5), seq=1), now=NOW)
    assert "the device has not told" in decision.trouble
    assert [m.topic for m in decision.send] == [NCMD]


def test_an_alias_or_a_name_that_was_in_no_birth_asks_for_it() -> None:
    assert "alias 9" in ndata(born(), 2, alias=9).trouble
    decision = born().hear(NDATA, payload(metric("new", kind=3, whole=1), seq=2), now=NOW)
    assert "'new' was not in the birth" in decision.trouble
    assert decision.send


def test_a_missing_number_asks_for_the_births_once() -> None:
    host = born()
    assert ndata(host, 2).send == ()
    decision = ndata(host, 4)
    assert "number 4 came where 3 was next" in decision.trouble
    assert len(decision.send) == 1
    assert decision.journal is not None
    assert ndata(host, 6, now=NOW + SECOND).send == (), "not twice within ten seconds"
    assert len(ndata(host, 9, now=NOW + 11 * SECOND).send) == 1


def test_numbers_go_round_after_255() -> None:
    host = born()
    for seq in [*range(2, 256), 0, 1]:
        assert ndata(host, seq).trouble == "", seq
    assert ndata(host, 256).trouble == "a message has no number from 0 to 255"


def test_a_number_that_comes_in_time_ends_the_wait() -> None:
    host = born(reorder_ns=2 * SECOND)
    assert ndata(host, 4).send == ()
    assert ndata(host, 3).send == ()
    assert host.due(NOW + SECOND) == ()
    assert ndata(host, 2, now=NOW + SECOND).trouble == ""
    assert host.due(NOW + 9 * SECOND) == ()
    assert ndata(host, 5).trouble == ""


def test_a_number_that_does_not_come_in_time_asks_for_the_births() -> None:
    host = born(reorder_ns=2 * SECOND)
    ndata(host, 4)
    assert [m.topic for m in host.due(NOW + 2 * SECOND)] == [NCMD]
    assert host.due(NOW + 20 * SECOND) == (), "it was asked for"
    assert ndata(host, 5).trouble == ""


def test_a_nodes_death_makes_it_and_its_devices_stale_from_now_on() -> None:
    host = born()
    decision = ndeath(host, 0, now=NOW + SECOND)
    assert [(o.device, o.since, o.metrics) for o in decision.offline] == [
        ("plant/edge", NOW + SECOND, ("bdSeq", "Node Control/Rebirth", "load")),
        ("plant/edge/pump", NOW + SECOND, ("speed",)),
    ]
    assert "the node has not told" in ndata(host, 2).trouble
    assert ndeath(host, 0).offline == (), "one dies once"


def test_the_death_of_an_older_session_is_not_believed() -> None:
    host = born()
    nbirth(host, bd_seq=1)
    decision = ndeath(host, 0)
    assert decision.offline == ()
    assert "another session" in decision.trouble
    assert decision.journal is not None
    assert ndata(host, 1).trouble == ""


def test_a_devices_death_makes_it_stale_from_its_own_time_on() -> None:
    host = born()
    decision = host.hear("spBv1.0/plant/DDEATH/edge/pump", payload(seq=2, at=AT - 7), now=NOW)
    assert decision.offline == (("plant/edge/pump", NOW - 7_000_000, ("speed",)),)
    assert decision.send == ()
    assert "the device has not told" in host.hear(DDATA, payload(seq=3), now=NOW).trouble
    assert ndata(host, 4).trouble == ""


def test_a_birth_begins_everything_anew() -> None:
    host = born()
    assert nbirth(host).trouble == ""
    decision = host.hear(DDATA, payload(metric(alias=2, real=2.5), seq=1), now=NOW)
    assert "the device has not told" in decision.trouble


def test_an_alias_of_two_metrics_is_said() -> None:
    host = Host("wuxin")
    nbirth(host)
    assert "alias 1 stands for a metric of the node too" in dbirth(host, alias=1).trouble
    data = payload(metric("a", 1, kind=3, whole=1), metric("b", 1, kind=3, whole=1), seq=0)
    assert "stands for two" in host.hear("spBv1.0/plant/NBIRTH/other", data, now=NOW).trouble


def test_the_hosts_own_state_is_as_the_standard_says() -> None:
    host = Host("wuxin")
    assert host.subscriptions() == ("spBv1.0/STATE/wuxin", "spBv1.0/#")
    will, birth, death = host.will(NOW), host.birth(), host.death(NOW + SECOND)
    for message, online, at in ((will, False, AT), (birth, True, AT), (death, False, AT + 1000)):
        assert (message.topic, message.qos, message.retain) == ("spBv1.0/STATE/wuxin", 1, True)
        assert json.loads(message.payload) == {"online": online, "timestamp": at}
    with pytest.raises(BadInput):
        Host("a/b")


def test_a_host_that_is_said_to_be_offline_says_that_it_is_not() -> None:
    host = Host("wuxin")
    will = host.will(NOW)
    assert host.hear(will.topic, will.payload, now=NOW).send == (host.birth(),)
    assert host.hear(will.topic, host.birth().payload, now=NOW) == Decision()
    assert host.hear("spBv1.0/STATE/other", will.payload, now=NOW) == Decision()


def test_what_cannot_be_read_is_kept_and_said() -> None:
    decision = born().hear(NDATA, b"\xff\xff", now=NOW)
    assert "no Sparkplug B message" in decision.trouble
    assert decision.journal is not None
    assert "none of spBv1.0" in born().hear("else/where", b"", now=NOW).trouble


def test_names_that_do_not_fit_before_a_message_leave_it_as_it_came() -> None:
    host = Host("wuxin")
    many = [metric("n" * 90 + str(i), i, kind=3, whole=1) for i in range(1000)]
    host.hear("spBv1.0/plant/NBIRTH/edge", payload(*many, seq=0), now=NOW)
    data = payload(*(metric(alias=i, whole=1) for i in range(1000)), seq=1)
    frame = host.hear(NDATA, data, now=NOW).journal
    assert frame is not None
    assert frame.endswith(data)
    assert len(sparkplug.decode(frame)["marks"]) == 1000


def test_no_message_brings_the_host_down() -> None:
    host = born(reorder_ns=SECOND)
    births = payload(metric("a", 1, kind=3, whole=1, unit="kW"), metric("bdSeq", kind=8, long=1))
    kinds = ("NBIRTH/e", "NDATA/e", "DBIRTH/e/d", "DDATA/e/d", "NDEATH/e", "DDEATH/e/d", "NCMD/e")
    for i, data in enumerate(
        mutated([births, payload(metric(alias=1, whole=1), seq=1)], 10_000, seed=3)
    ):
        decision = host.hear(f"spBv1.0/g/{kinds[i % 7]}", data, now=NOW + i)
        if decision.journal is not None:
            json.dumps(sparkplug.decode(decision.journal), allow_nan=False)
    host.due(NOW + 9 * SECOND)


@pytest.mark.shared
def test_the_statements_that_are_covered_are_the_standards(shared: Path) -> None:
    lines = (shared / "vectors/sparkplug/tck_assertions.jsonl").read_text("utf-8").splitlines()
    known = {json.loads(line)["id"].removeprefix("tck-id-") for line in lines}
    assert COVERED.keys() <= known, COVERED.keys() - known
    assert set(COVERED.values()) <= globals().keys()
