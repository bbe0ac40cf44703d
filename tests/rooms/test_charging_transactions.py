"""Numbers of transactions that clash, cards in use, and what is forgotten first."""

from typing import Any

from wuxin.wire.charging_transactions import REMEMBERED, Transactions, transaction_id

TIME = "2024-06-01T08:00:00Z"
LATER = "2024-06-02T09:00:00Z"


def start(connector: int = 1, *, card: str = "GOOD", meter: int = 5, at: str = TIME) -> Any:
    return {"connectorId": connector, "idTag": card, "meterStart": meter, "timestamp": at}


def test_a_number_that_stands_for_another_transaction_is_not_given_again() -> None:
    known = Transactions()
    taken = transaction_id("CS-1", start())
    known.remember("CS-1", {"id": taken, "connector": 9, "id_tag": "OTHER", "started": TIME})
    given = known.begin("CS-1", start())
    assert given["id"] == transaction_id("CS-1", start(), attempt=1) != taken
    assert known.begin("CS-1", start())["id"] == given["id"]
    recalled = Transactions()  # as after a restart: from what was written down
    recalled.remember("CS-1", {"id": taken, "connector": 9, "id_tag": "OTHER", "started": TIME})
    recalled.remember("CS-1", given)
    assert recalled.begin("CS-1", start())["id"] == given["id"]


def test_numbers_are_those_that_json_and_the_standard_allow() -> None:
    numbers = {transaction_id("CS-1", start(meter=meter)) for meter in range(2000)}
    assert len(numbers) == 2000
    assert 1 <= min(numbers) <= max(numbers) < 2**31


def test_a_card_whose_transaction_never_ended_is_free_after_a_day() -> None:
    known = Transactions()
    first = known.begin("CS-1", start())
    assert known.elsewhere("good", station="CS-1", number=0, now=TIME)
    assert not known.elsewhere("good", station="CS-1", number=first["id"], now=TIME)
    assert not known.elsewhere("good", station="CS-1", number=0, now=LATER)
    second = known.begin("CS-2", start(at=LATER))
    assert known.elsewhere("good", station="CS-1", number=0, now=LATER)
    known.end("CS-2", second["id"])
    assert not known.elsewhere("good", station="CS-1", number=0, now=LATER)


def test_what_begins_at_a_connector_ends_what_was_open_there() -> None:
    known = Transactions()
    lost = known.begin("CS-1", start())
    other = known.begin("CS-1", start(2, card="ELSE"))
    known.begin("CS-1", start(card="NEXT", meter=9))
    assert known.find("CS-1", lost["id"])["ended"] is True  # type: ignore[index]
    assert "ended" not in known.find("CS-1", other["id"])  # type: ignore[operator]
    assert not known.elsewhere("GOOD", station="CS-1", number=0, now=TIME)


def test_of_many_transactions_those_that_ended_are_forgotten_first() -> None:
    known = Transactions()
    first = known.begin("CS-1", start(1))
    for connector in range(2, REMEMBERED + 2):
        begun = known.begin("CS-1", start(connector, card=f"C{connector}"))
        if connector == 3:
            third = known.end("CS-1", begun["id"])
    assert known.find("CS-1", first["id"])
    assert known.find("CS-1", third["id"]) is None
    assert known.end("CS-1", third["id"]) == {"id": third["id"], "unknown": True}
