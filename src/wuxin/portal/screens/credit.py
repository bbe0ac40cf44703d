"""Credit: applications, obligors by grade, the trial balance and what disposals brought."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens import graded
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    facts,
    figure,
    grid,
    raw,
    state,
    table,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import day, minute, money, number, percent, pick, t, word

_ROWS: Final = 50
_LIFE: Final = {
    "credit_applied": ("amount", "product", "purpose"),
    "credit_decided": ("grade", "action", "limit"),
    "credit_reviewed": ("verdict", "now", "reason"),
    "limit_set": ("limit", "reason"),
    "credit_declined": ("reason",),
    "application_withdrawn": ("reason",),
}
_AMOUNTS: Final = frozenset({"amount", "limit"})
_WORDS: Final = frozenset({"action", "verdict", "now"})


@page("/credit", ("授信", "Credit"))
async def credit(view: View) -> None:
    """What is applied for, who stands how, and the books in balance."""
    applications = await view.api.get("/api/applications", limit=_ROWS)
    obligors = await view.api.get("/api/obligors")
    ledger = await view.api.get("/api/ledger", limit=10)
    sold = await view.api.get("/api/liquidations")
    heading(t("授信", "Credit"), note=zone_note())
    with card(t("申请", "Applications"), end=number(applications["total"]), classes="mb-4"):
        _applications(applications["rows"])
    with grid():
        with ui.element("div").classes("wx-stack"):
            _obligors(obligors)
            _liquidations(sold)
        with ui.element("div").classes("wx-stack"):
            _balance(ledger["balance"])
            _entries(ledger)


@page("/credit/applications/{name}", ("申请", "Application"))
async def application(view: View) -> None:
    """One application: what the table read and said, and every step that people took."""
    name = view.path["name"]
    place = ui.element("div")

    async def show() -> None:
        found = await view.api.get(f"/api/applications/{quote(name, safe='')}")
        place.clear()
        with place:
            _application(view, found, done=show)

    await show()


def _applications(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        empty(t("还没有申请", "No applications yet"),
              t("借款人或客户经理提交后在此显示。", "They appear here once somebody applies."),
              sign="request_quote")  # fmt: skip
        return
    table(
        (
            Column(t("编号", "No."), lead=True),
            Column(t("借款人", "Obligor")),
            Column(t("申请金额", "Asked for"), numeric=True),
            Column(t("等级", "Grade")),
            Column(t("决策表意见", "The table says")),
            Column(t("额度", "Limit"), numeric=True),
            Column(t("状态", "State")),
            Column(t("提交", "Applied")),
        ),
        [
            (
                (
                    f'<a href="/credit/applications/{quote(row["application"], safe="")}">'
                    f"{text(row['application'])}</a>{evidence_mark(row['act'])}"
                ),
                _obligor(row["obligor"]),
                text(money(row["amount"], row["currency"])),
                graded.badge(row["grade"]),
                text(word(row["action"])),
                text(money(row["limit"], row["currency"], why=t("未定", "not set"))),
                state(word(row["state"])),
                text(f"{day(row['at'])} · {row['by']}"),
            )
            for row in rows
        ],
        name=t("申请", "Applications"),
    )


def _obligors(rows: Sequence[dict[str, Any]]) -> None:
    with card(t("借款人评级", "Obligors by grade"), end=number(len(rows))):
        if not rows:
            empty(t("还没有评级", "No ratings yet"), sign="grade")
            return
        table(
            (
                Column(t("借款人", "Obligor"), lead=True), Column(t("等级", "Grade")),
                Column(t("此前", "Before")), Column(t("自", "Since")),
            ),
            [
                (
                    _obligor(row["obligor"]), graded.badge(row["grade"]),
                    text(row["before"] or "—"), text(day(row["at"])) + evidence_mark(row["act"]),
                )
                for row in rows[:_ROWS]
            ],
            name=t("借款人评级", "Obligors by grade"),
        )  # fmt: skip


def _liquidations(sold: Mapping[str, Any]) -> None:
    title = t("押品处置：所得与价值", "Disposals: proceeds against value")
    with card(title, end=text(sold["source"])):
        if not sold["kinds"]:
            empty(t("尚无处置", "Nothing has been sold"), sign="sell")
            return
        table(
            (
                Column(t("种类", "Kind"), lead=True), Column(t("处置", "Sold"), numeric=True),
                Column(t("低于 70%", "Below 70%"), numeric=True),
                Column(t("占比（上限 10%）", "Share (at most 10%)"), numeric=True),
            ),
            [
                (
                    text(f"{word(one['pack'])} · {one['kind']}"), text(number(one["liquidations"])),
                    text(number(one["short"])),
                    text(percent(one["share_short"])) + " " + _within(one["within"]),
                )
                for one in sold["kinds"]
            ],
            name=title,
        )  # fmt: skip
        lines = [
            (
                day(row["at"]),
                (
                    f'<a href="/facilities/{quote(row["facility"], safe="")}">'
                    f"{text(row['facility'])}</a> {text(percent(row['proceeds_to_value']))}"
                    f"{evidence_mark(row['act'])}"
                ),
            )
            for row in sold["rows"][:6]
        ]
        with ui.element("div").classes("mt-3"):
            timeline(lines)


def _within(within: Any) -> str:
    if within is None:
        return ""
    return state(t("达标", "within") if within else t("不达标", "not within"))


def _balance(balance: Mapping[str, Any]) -> None:
    with card(t("试算平衡表", "Trial balance")):
        if not balance["lines"]:
            empty(t("账上还没有分录", "Nothing is booked yet"), sign="balance")
            return
        for currency, total in balance["totals"].items():
            rows = [
                (text(graded.account(one["account"])), _side(one["debit"]), _side(one["credit"]))
                for one in balance["lines"] if one["currency"] == currency
            ]  # fmt: skip
            sums = (f"<b>{t('合计', 'Total')}</b>", f"<b>{_side(total['debit'])}</b>",
                    f"<b>{_side(total['credit'])}</b>")  # fmt: skip
            table(
                (
                    Column(t("科目", "Account") + f" · {currency}", lead=True),
                    Column(t("借方", "Debit"), numeric=True),
                    Column(t("贷方", "Credit"), numeric=True),
                ),
                [*rows, sums],
                name=t(f"试算平衡表 {currency}", f"Trial balance {currency}"),
            )
            raw(
                t(f"借贷差额 {number(total['difference'], 2)}",
                  f"debits less credits: {number(total['difference'], 2)}")
            ).classes("wx-muted wx-small mb-3")  # fmt: skip


def _side(amount: str) -> str:
    return text(number(amount, 2)) if amount not in {"0", "0.00"} else "—"


def _entries(ledger: Mapping[str, Any]) -> None:
    with card(t("最近分录", "Latest entries"), end=number(ledger["total"])):
        if not ledger["rows"]:
            empty(t("账上还没有分录", "Nothing is booked yet"), sign="receipt_long")
            return
        timeline(
            (
                f"{minute(row['at'])} · {row['facility']}",
                f"<b>{text(graded.booking(row['booking']))}</b> {evidence_mark(row['act'])}"
                + "".join(_line(one, row["currency"]) for one in row["lines"]),
            )
            for row in ledger["rows"]
        )


def _line(one: Mapping[str, Any], currency: str) -> str:
    side = t("借", "Dr") if one["debit"] else t("贷", "Cr")
    amount = money(one["debit"] or one["credit"], currency)
    return (
        f'<div class="wx-small">{side} {text(graded.account(one["account"]))} {text(amount)}</div>'
    )


def _obligor(name: str) -> str:
    return f'<a href="/obligors/{quote(name, safe="")}">{text(name)}</a>'


def _application(view: View, found: dict[str, Any], *, done: graded.Done) -> None:
    crumbs = [(t("授信", "Credit"), "/credit")]
    note = (
        f"{state(word(found['state']))} {graded.badge(found['grade'])} {_obligor(found['obligor'])}"
    )
    heading(found["application"], crumbs, note=note)
    _figures(found)
    with grid():
        with ui.element("div").classes("wx-stack"):
            _why(found)
        with ui.element("div").classes("wx-stack"):
            graded.steps(view, found, done=done)
            with card(t("经过", "What happened")):
                timeline(_life(found))
            with card(t("读取的全部输入", "All that was read")):
                pairs = [(pick(one), _value(one["value"])) for one in found["inputs"]]
                raw(facts(pairs))


def _why(found: Mapping[str, Any]) -> None:
    with card(
        t("为什么：成立的每一行", "Why: every row that held"), end=evidence_mark(found["act"])
    ):
        graded.rows(found["decided_by"])
        for words in found["marks"]:
            tag("p", pick(words), classes="wx-muted wx-small")


def _value(value: str | None) -> str:
    if value is None:
        return text(t("— 未知", "— not known"))
    known = {"true": t("是", "yes"), "false": t("否", "no")}
    return text(known.get(value) or number(value))


def _figures(found: Mapping[str, Any]) -> None:
    currency, why = found["currency"], t("收入未知", "no revenue is known")
    with (
        ui.element("section")
        .classes("wx-card mb-4")
        .props(f'aria-label="{t("关键数字", "Key figures")}"'),
        ui.element("div").classes("wx-grid wx-figures"),
    ):
        figure(t("申请金额", "Asked for"), money(found["amount"], currency),
               note=text(f"{found['product']} · {found['purpose']}"))  # fmt: skip
        figure(t("决策表意见", "The table says"), word(found["action"]),
               note=text(t(f"等级 {found['grade']}", f"grade {found['grade']}")))  # fmt: skip
        figure(t("决策表额度", "The table's limit"), money(found["table_limit"], currency, why=why),
               note=t(f"年利率 {percent(found['rate'], why='—')}",
                      f"interest {percent(found['rate'], why='none')} a year"))  # fmt: skip
        figure(t("核定额度", "Limit that was set"),
               money(found["limit"], currency, why=t("未定", "not set")))  # fmt: skip


def _life(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    for act in reversed(found["acts"]):
        said = []
        for name in _LIFE[act["kind"]]:
            value = act["figures"].get(name)
            if value:
                shown = money(value, found["currency"]) if name in _AMOUNTS else value
                said.append(word(value) if name in _WORDS else shown)
        lines.append(
            (
                f"{minute(act['at'])} · {word(act['mandate'])}",
                (
                    f"<b>{text(word(act['kind']))}</b> {evidence_mark(act['act'])}"
                    f'<div class="wx-small">{text(" · ".join(said))}</div>'
                ),
            )
        )
    return lines
