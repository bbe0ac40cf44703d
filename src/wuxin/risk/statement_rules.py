"""What is looked for in statements: one function per flag, thresholds from a table.

Each takes the book of periods, the figures of one period and its thresholds, and gives hits: level,
figures, the threshold that was crossed, and the sentence. ``statements.toml`` has the thresholds
with their reasons.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any, Final, NamedTuple, Protocol

from wuxin.risk.statement_figures import Book, Figures
from wuxin.terms.records import Level, Words

Limits = Mapping[str, Any]

_ROBUST: Final = Decimal("1.4826")  # standard deviation over MAD of a normal variable
_ONE: Final = Decimal(1)


class Hit(NamedTuple):
    """One threshold crossed in one period; ``subject`` is the customer or channel, if any."""

    level: Level
    figures: Mapping[str, Decimal | str]
    threshold: Decimal
    words: Words
    subject: str = ""


class Rule(Protocol):
    """What finds one kind of flag in one period."""

    def __call__(self, book: Book, now: Figures, /, *, limits: Limits) -> Iterator[Hit]:
        """Find the hits of one period."""


def level_of(size: Decimal, limits: Limits) -> Level | None:
    """Amber or red where a size reaches the threshold, else None."""
    if size >= limits["red"]:
        return "red"
    return "amber" if size >= limits["amber"] else None


def percent(share: Decimal) -> str:
    """A share as people read it."""
    return f"{100 * share:,.1f}%"


def points(share: Decimal) -> str:
    """A difference of two shares, as numbers of percentage points."""
    return f"{100 * share:.1f}"


def revenue_fall(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find revenue below that of the year before."""
    if now.growth is not None and (level := level_of(-now.growth, limits)):
        before = now.span.before(years=1)
        yield Hit(
            level,
            {
                "revenue": _known(now, "revenue"),
                **_before(book, now, name="revenue"),
                "growth": now.growth,
            },
            _limit(level, limits),
            Words(
                f"收入较{before}下降{percent(-now.growth)}",
                f"revenue is {percent(-now.growth)} below that of {before}",
            ),
        )


def growth_slowing(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find growth well below its mean over the last year, or falling steadily within a year."""
    past = [f.growth for f in book.past(now.span)[-book.per_year :] if f.growth is not None]
    if now.growth is None or not past:
        return
    before, steady = sum(past, Decimal(0)) / len(past), False
    if len(past) > 1 and now.growth < past[-1] < past[-2]:
        # One weak period against the best of a year may be noise; the third in falling order is not
        before, steady = max(before, past[0]), True
    drop = before - now.growth
    if before <= 0:
        return
    lost = drop / before
    fast = drop >= limits["amber"] and lost >= limits["share"]
    slow = before >= limits["floor"] and lost >= limits["red_share"]
    if not fast and not (slow and (steady or book.per_year == 1)):
        return
    level: Level = "red" if drop >= limits["red"] and lost >= limits["red_share"] else "amber"
    yield Hit(
        level,
        {"growth": now.growth, "growth_before": before, "points": drop},
        _limit(level, limits) if fast else limits["red_share"],
        Words(
            f"同比增速由此前的{percent(before)}降至{percent(now.growth)}",
            f"growth against the year before slowed to {percent(now.growth)}, "
            f"from {percent(before)} within a year",
        ),
    )


def growth_sequential(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find two steps down in growth from period to period, where no year before is known."""
    if now.growth is not None or book.per_year == 1:
        return
    last = [book.at.get(now.span.before(periods=i)) for i in (2, 1, 0)]
    steps = [f.growth_sequential for f in last if f and f.growth_sequential is not None]
    if len(steps) < 3 or not steps[0] > steps[1] > steps[2]:
        return
    if level := level_of(steps[0] - steps[2], limits):
        yield Hit(
            level,
            {"growth_sequential": steps[2], "two_before": steps[0]},
            _limit(level, limits),
            Words(
                f"环比增速连降两期，由{percent(steps[0])}至{percent(steps[2])}"
                "（无上年数据，可能含季节因素）",
                f"growth from period to period fell twice, from {percent(steps[0])} to "
                f"{percent(steps[2])} (no year before is known: seasons may play a part)",
            ),
        )


def margin_drop(attribute: str, words: Words) -> Rule:
    """Make the rule that a margin has dropped against the year before, or the period before."""

    def found(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
        value = getattr(now, attribute)
        for before in (book.year_before(now.span), book.at.get(now.span.before(periods=1))):
            old = getattr(before, attribute) if before else None
            if before is None or old is None or value is None:
                continue
            if level := level_of(old - value, limits):
                yield Hit(
                    level,
                    {attribute: value, f"{attribute}_{before.span}": old, "points": old - value},
                    _limit(level, limits),
                    Words(
                        f"{words.zh}由{before.span}的{percent(old)}降至{percent(value)}，"
                        f"下降{points(old - value)}个百分点",
                        f"{words.en} is {percent(value)}, {points(old - value)} points below the "
                        f"{percent(old)} of {before.span}",
                    ),
                )
            return

    return found


def loss(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find a loss, and how many periods in a row there has been one."""
    income = now.period.amount("net_income")
    if income is None or income >= 0:
        return
    run, span = 0, now.span
    while (figures := book.at.get(span)) and (figures.period.amount("net_income") or 0) < 0:
        run, span = run + 1, span.before(periods=1)
    level: Level = "red" if run >= min(limits["red"], max(book.per_year, 2)) else "amber"
    yield Hit(
        level,
        {"net_income": income, "periods_in_a_row": Decimal(run)},
        _limit(level, limits),
        Words(
            f"净亏损{-income:,f}，连续第{run}期",
            f"a net loss of {-income:,f}, number {run} in a row",
        ),
    )


def cash_against_revenue(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find revenue that grew while its share in operating cash flow fell."""
    before = book.year_before(now.span)
    if before is None or now.growth is None or now.growth < limits["growth"]:
        return
    flows = [f.period.amount("operating_cash_flow") for f in (before, now)]
    if None in flows or now.cash_margin is None or before.cash_margin is None:
        return
    old, new = (flow for flow in flows if flow is not None)
    level = level_of(before.cash_margin - now.cash_margin, limits)
    if level and new < old:
        yield Hit(
            level,
            {
                "growth": now.growth,
                "operating_cash_flow": new,
                f"operating_cash_flow_{before.span}": old,
            },
            _limit(level, limits),
            Words(
                f"收入同比增长{percent(now.growth)}，经营现金流却由{old:,f}降至{new:,f}",
                f"revenue grew by {percent(now.growth)} against {before.span}, while operating "
                f"cash flow went from {old:,f} to {new:,f}",
            ),
        )


def profit_without_cash(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find a year's profit that did not come in as cash."""
    income = book.over_a_year("net_income", now.span)
    flow = book.over_a_year("operating_cash_flow", now.span)
    if income is None or flow is None or income <= 0 or flow / income > limits["amber"]:
        return
    level: Level = "red" if flow / income <= limits["red"] else "amber"
    yield Hit(
        level,
        {"net_income_year": income, "operating_cash_flow_year": flow},
        _limit(level, limits),
        Words(
            f"近一年净利润{income:,f}，经营现金流仅{flow:,f}",
            f"over the last year net income was {income:,f}, and operating cash flow {flow:,f}",
        ),
    )


def outgrows(name: str, zh: str) -> Rule:
    """Make the rule that receivables or inventory outgrow revenue."""

    def found(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
        growth, revenue = book.growth_of(name, now.span), now.period.amount("revenue")
        if growth is None or now.growth is None or revenue is None or revenue <= 0:
            return
        # A balance stands against the revenue of a whole year, whatever the period.
        share = _known(now, name) / (revenue * book.per_year)
        level = level_of(growth - now.growth, limits)
        if level and growth > 0 and share >= limits["floor"]:
            yield Hit(
                level,
                {name: _known(now, name), f"{name}_growth": growth, "growth": now.growth},
                _limit(level, limits),
                Words(
                    f"{zh}同比增长{percent(growth)}，收入同比{percent(now.growth)}",
                    f"{name} grew by {percent(growth)} against the year before, revenue by "
                    f"{percent(now.growth)}",
                ),
            )

    return found


def dependence(name: str, zh: str) -> Rule:
    """Make the rule that one customer or channel has a large share of revenue."""

    def found(_: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
        largest = getattr(now, name)
        if largest and (level := level_of(largest.share, limits)):
            yield Hit(
                level,
                {name: largest.name, "share": largest.share},
                _limit(level, limits),
                Words(
                    f"{zh}“{largest.name}”占收入{percent(largest.share)}",
                    f"the {name} {largest.name!r} has {percent(largest.share)} of revenue",
                ),
                largest.name,
            )

    return found


def dependence_rising(name: str, zh: str) -> Rule:
    """Make the rule that the share of one customer or channel has risen within a year."""

    def found(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
        before = book.year_before(now.span)
        part = f"revenue_by_{name}"
        if before is None or not (old := book.shares(before.period, part)):
            return
        for who, share in book.shares(now.period, part).items():
            level = level_of(share - old.get(who, Decimal(0)), limits)
            if level and share >= limits["floor"]:
                was = old.get(who, Decimal(0))
                yield Hit(
                    level,
                    {name: who, "share": share, f"share_{before.span}": was},
                    _limit(level, limits),
                    Words(
                        f"{zh}“{who}”占比由{before.span}的{percent(was)}升至{percent(share)}",
                        f"the share of the {name} {who!r} rose to {percent(share)}, from "
                        f"{percent(was)} in {before.span}",
                    ),
                    who,
                )

    return found


def customer_lost(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find a customer of weight that buys much less than a year before, or is gone."""
    before, part = book.year_before(now.span), "revenue_by_customer"
    bought = now.period.breakdowns.get(part)
    if before is None or not bought:
        return
    for who, share in book.shares(before.period, part).items():
        was = before.period.breakdowns[part][who]
        buys = bought.get(who, Decimal(0))
        if share < limits["floor"] or was <= 0:
            continue
        if level := level_of(_ONE - buys / was, limits):
            named = who in bought
            zh = f"贡献收入{buys:,f}" if named else "不再列出"
            en = f"brings {buys:,f}" if named else "is no longer named"
            yield Hit(
                level,
                {"customer": who, "revenue": buys if named else "not named", "before": was},
                _limit(level, limits),
                Words(
                    f"客户“{who}”{zh}，{before.span}为{was:,f}",
                    f"the customer {who!r} {en}, in {before.span} it brought {was:,f}",
                ),
                who,
            )


def leverage(_: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find liabilities that are a large share of assets."""
    if now.leverage is not None and (level := level_of(now.leverage, limits)):
        yield Hit(
            level,
            {
                "total_liabilities": _known(now, "total_liabilities"),
                "total_assets": _known(now, "total_assets"),
                "leverage": now.leverage,
            },
            _limit(level, limits),
            Words(
                f"资产负债率{percent(now.leverage)}",
                f"liabilities are {percent(now.leverage)} of assets",
            ),
        )


def leverage_rising(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find leverage that has risen within a year."""
    before = book.year_before(now.span)
    if before is None or before.leverage is None or now.leverage is None:
        return
    if level := level_of(now.leverage - before.leverage, limits):
        yield Hit(
            level,
            {"leverage": now.leverage, f"leverage_{before.span}": before.leverage},
            _limit(level, limits),
            Words(
                f"资产负债率由{before.span}的{percent(before.leverage)}升至{percent(now.leverage)}",
                f"liabilities over assets rose to {percent(now.leverage)}, from "
                f"{percent(before.leverage)} in {before.span}",
            ),
        )


def cash_months(_: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find cash that lasts only some months at the pace at which it is used up."""
    if now.cash_months is None or now.burn is None or now.cash_months >= limits["amber"]:
        return
    level: Level = "red" if now.cash_months < limits["red"] else "amber"
    loss_only = now.period.amount("operating_cash_flow") is None
    yield Hit(
        level,
        {"cash": _known(now, "cash"), "burn_per_month": now.burn, "cash_months": now.cash_months},
        _limit(level, limits),
        Words(
            f"按月均消耗{now.burn:,.0f}{'（以亏损代）' if loss_only else ''}，"
            f"现金可用{now.cash_months:.1f}个月",
            f"cash lasts {now.cash_months:.1f} months at {now.burn:,.0f} a month"
            f"{' (the loss, for want of cash flows)' if loss_only else ''}",
        ),
    )


def cash_fall(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
    """Find cash well below that of the year before."""
    growth = book.growth_of("cash", now.span)
    if growth is not None and (level := level_of(-growth, limits)):
        before = now.span.before(years=1)
        yield Hit(
            level,
            {"cash": _known(now, "cash"), **_before(book, now, name="cash")},
            _limit(level, limits),
            Words(
                f"现金较{before}减少{percent(-growth)}",
                f"cash is {percent(-growth)} below that of {before}",
            ),
        )


def breaks(attribute: str, words: Words) -> Rule:
    """Make the rule that a series leaves its own past, up or down."""

    def found(book: Book, now: Figures, *, limits: Limits) -> Iterator[Hit]:
        past = [getattr(f, attribute) for f in book.past(now.span)]
        known = [value for value in past if value is not None]
        value = getattr(now, attribute)
        if value is None or len(known) < limits["least"]:
            return
        usual = median(known)
        spread = _ROBUST * limits["deviations"] * _spread(known, usual)
        away = abs(value - usual)
        if away > spread and (level := level_of(away, limits)):
            yield Hit(
                level,
                {attribute: value, "usual": usual, "spread": spread},
                max(_limit(level, limits), spread),
                Words(
                    f"{words.zh}{percent(value)}，"
                    f"偏离以往中位数{percent(usual)}达{points(away)}个百分点",
                    f"{words.en} of {percent(value)} is {points(away)} points from the "
                    f"{percent(usual)} that is usual",
                ),
            )

    return found


def _spread(known: Sequence[Decimal], usual: Decimal) -> Decimal:
    return median([abs(value - usual) for value in known])


def _limit(level: Level, limits: Limits) -> Decimal:
    return Decimal(limits[level])


def _known(now: Figures, name: str) -> Decimal:
    value = now.period.amount(name)
    assert value is not None, f"{name} was asked for where it is missing"
    return value


def _before(book: Book, now: Figures, *, name: str) -> dict[str, Decimal]:
    before = book.year_before(now.span)
    value = before.period.amount(name) if before else None
    return {} if before is None or value is None else {f"{name}_{before.span}": value}


RULES: Final[Mapping[str, Rule]] = {
    "revenue_fall": revenue_fall,
    "growth_slowing": growth_slowing,
    "growth_sequential": growth_sequential,
    "gross_margin_drop": margin_drop("gross_margin", Words("毛利率", "gross margin")),
    "net_margin_drop": margin_drop("net_margin", Words("净利率", "net margin")),
    "loss": loss,
    "cash_against_revenue": cash_against_revenue,
    "profit_without_cash": profit_without_cash,
    "receivables_outgrow": outgrows("receivables", "应收账款"),
    "inventory_outgrow": outgrows("inventory", "存货"),
    "customer": dependence("customer", "客户"),
    "customer_rising": dependence_rising("customer", "客户"),
    "customer_lost": customer_lost,
    "channel": dependence("channel", "渠道"),
    "channel_rising": dependence_rising("channel", "渠道"),
    "leverage": leverage,
    "leverage_rising": leverage_rising,
    "cash_months": cash_months,
    "cash_fall": cash_fall,
    "trend_break": breaks("growth", Words("收入同比增速", "revenue growth")),
    "margin_break": breaks("gross_margin", Words("毛利率", "a gross margin")),
}
"""All rules by the name under which ``statements.toml`` has their thresholds."""
