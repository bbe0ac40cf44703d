"""The open credit sets that a score is measured on: columns with their directions, and the split.

Directions are written down from the trade's knowledge before any fit, in the same way for all sets;
``why`` is kept short. What would give the end away is left out, and said here.
"""

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wuxin.risk.score.features import Direction, Feature, Floats
from wuxin.terms.records import Words

Row = Mapping[str, str]
Labels = NDArray[np.str_]
EXAMPLE = Path(__file__).resolve().parents[1] / "examples/credit/german.csv"
WHY = {
    "raises": "more of it leaves less room to pay",
    "lowers": "more of it pays more easily",
    "free": "no direction is known for certain",
}


@dataclass(frozen=True)
class Set:
    """One credit set: table (n, k), ends (n), and either times or groups (n) to split by."""

    features: tuple[Feature, ...]
    x: Floats
    bad: Floats
    split: str
    left_out: str
    times: NDArray[np.int64] | None = None
    same: NDArray[np.int64] | None = None
    people: Mapping[str, Labels] = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Column:
    """One column to read: a number, or a level where ``number`` is None."""

    name: str
    direction: Direction = "free"
    number: Callable[[Row], float] | None = None


def numeric(name: str, direction: Direction = "free", *, key: str = "") -> Column:
    """A column that is a number in the file."""
    return Column(name, direction, lambda row: number(row[key or name]))


def number(text: str) -> float:
    """A cell as a number, NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return np.nan


def table(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[tuple[Feature, ...], Floats]:
    """Read columns of rows into features and their values; levels in order of their names."""
    features, found = [], []
    for column in columns:
        levels: tuple[str, ...] = ()
        if column.number is None:
            levels = tuple(sorted({row[column.name] for row in rows}))
            place = {level: float(k) for k, level in enumerate(levels)}
            found.append([place[row[column.name]] for row in rows])
        else:
            found.append([column.number(row) for row in rows])
        name = column.name.lower().replace("-", "_")
        words = Words(name, name)
        features.append(
            Feature(
                name, "1", "application", column.direction, WHY[column.direction], words,
                tuple(Words(level, level) for level in levels),
            )
        )  # fmt: skip
    return tuple(features), np.array(found, np.float64).T


def equal_rows(x: Floats) -> NDArray[np.int64]:
    """The same number for rows that are equal, so that no copy is trained on and judged."""
    _, same = np.unique(np.nan_to_num(x, nan=-1e300), axis=0, return_inverse=True)
    return np.asarray(same.ravel(), np.int64)


def german(folder: Path) -> Set:
    """1,000 loans of a German bank, 1973 to 1975."""
    shared = folder / "german/germancredit.csv"
    rows = read(shared if shared.is_file() else EXAMPLE)
    tenure = {
        "unemployed": 0, "... < 1 year": 1, "1 <= ... < 4 years": 2, "4 <= ... < 7 years": 3,
        "... >= 7 years": 4,
    }  # fmt: skip
    columns = [
        numeric("duration", "raises", key="duration_in_month"),
        numeric("credit_amount"),
        numeric(
            "instalment_rate", "raises", key="installment_rate_in_percentage_of_disposable_income"
        ),
        Column("employed", "lowers", lambda row: tenure[row["present_employment_since"]]),
        numeric("present_residence_since"),
        numeric("credits_here", key="number_of_existing_credits_at_this_bank"),
        *map(Column, (
            "status_of_existing_checking_account", "credit_history", "purpose", "property",
            "savings_account_and_bonds", "other_debtors_or_guarantors", "other_installment_plans",
            "housing", "job", "telephone",
        )),
    ]  # fmt: skip
    features, x = table(columns, rows)
    age = [float(row["age_in_years"]) for row in rows]
    return Set(
        features,
        x,
        np.array([row["creditability"] == "bad" for row in rows], np.float64),
        "at random: no dates and no borrowers in the set",
        "sex, age, foreign worker and dependants: people are judged by none of them; the credit "
        "history's codes are known to be in doubt (Groemping 2019), so it has no direction",
        people={
            "age": np.where(np.array(age) < 30, "below 30", "30 and above"),
            "sex": sex(rows),
        },
    )


def sex(rows: Sequence[Row]) -> Labels:
    """Women and men, by the set's mixed column."""
    return np.array([row["personal_status_and_sex"].split(" ")[0] for row in rows])


RAISE = (2, 51, 58)
LOWER = (
    1, 3, 4, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 22, 23, 24, 25, 26, 35, 38, 39, 40, 42,
    46, 48, 49, 50,
)  # fmt: skip


def polish(folder: Path) -> Set:
    """7,027 Polish companies, 64 ratios, bankrupt five years later (first file)."""
    lines = (folder / "polish_bankruptcy/1year.arff").read_text("utf-8").splitlines()
    cells = [line.split(",") for line in lines if line.count(",") == 64]
    rows = [{f"x{k}": cell for k, cell in enumerate(row, start=1)} for row in cells]

    def toward(k: int) -> Direction:
        return "raises" if k in RAISE else "lowers" if k in LOWER else "free"

    features, x = table([numeric(f"x{k}", toward(k)) for k in range(1, 65)], rows)
    source = (
        "Bankruptcy prediction using optimal ensemble models under balanced and imbalanced data, "
        "Expert Systems, doi 10.1111/exsy.13599, AUC of the first year on its own held-out sets, "
        "as the read-me of its code has it"
    )
    return Set(
        features,
        x,
        np.array([float(row["x65"]) for row in rows]),
        "at random, equal rows together: no dates and no companies in the set",
        "nothing; ratios whose sign turns with negative equity, and turnovers, have no direction",
        same=equal_rows(x),
        published=(
            {"model": "LightGBM", "auc": 0.960, "sd": 0.014, "source": source},
            {"model": "ensemble of three boosters", "auc": 0.964, "sd": 0.011, "source": source},
        ),
    )


def sba(folder: Path, *, leaking: bool = False) -> Set:
    """1,051 loans to Californian estate firms, guaranteed by the US SBA, 1989 to 2011."""
    rows = read(folder / "sba_case/SBAcase.11.13.17.csv")
    columns = [
        numeric("staff", "lowers", key="NoEmp"),
        numeric("jobs_made", key="CreateJob"),
        numeric("jobs_kept", key="RetainedJob"),
        numeric("approved", key="GrAppv"),
        Column("guaranteed", "free", lambda row: float(row["SBA_Appv"]) / float(row["GrAppv"])),
        Column("new_firm", "raises", lambda row: float(row["NewExist"] == "2")),
        Column("franchise", "free", lambda row: float(row["FranchiseCode"] not in {"0", "1"})),
        Column("from_afar", "free", lambda row: float(row["BankState"] != row["State"])),
        *map(Column, ("UrbanRural", "RevLineCr", "LowDoc")),
    ]
    if leaking:
        columns.append(numeric("term", key="Term"))
    features, x = table(columns, rows)
    urban = {"0": "not said", "1": "urban", "2": "rural"}
    return Set(
        features,
        x,
        np.array([float(row["Default"]) for row in rows]),
        "onwards in time by the day of approval; the ends of earlier loans are taken as known, "
        "although some came after the next part begins",
        "the loan's term (92 % of defaults have one that is no whole number of years, 6 % of the "
        "others: it was written when the loan had ended) and with it real estate, which is a term "
        "of 20 years and more; recession, charge-off, balance",
        times=np.array([int(row["ApprovalDate"]) for row in rows]),
        people={"place": np.array([urban[row["UrbanRural"]] for row in rows])},
    )


def gmsc(folder: Path) -> Set:
    """150,000 borrowers of 'Give Me Some Credit', 90 days late within two years."""
    rows = read(folder / "gmsc_pakdd/creditscoring1.csv.gz")

    def late(key: str) -> Callable[[Row], float]:
        # 96 and 98 are codes and no counts.
        return lambda row: number(row[key]) if number(row[key]) < 90 else np.nan

    def debts(row: Row) -> float:
        # Without an income the column has the amount and not the ratio.
        return np.nan if np.isnan(number(row["MonthlyIncome"])) else number(row["DebtRatio"])

    columns = [
        numeric("utilisation", "raises", key="RevolvingUtilizationOfUnsecuredLines"),
        Column("late_30", "raises", late("NumberOfTime30-59DaysPastDueNotWorse")),
        Column("late_60", "raises", late("NumberOfTime60-89DaysPastDueNotWorse")),
        Column("late_90", "raises", late("NumberOfTimes90DaysLate")),
        Column("debt_ratio", "raises", debts),
        numeric("income", "lowers", key="MonthlyIncome"),
        numeric("lines", key="NumberOfOpenCreditLinesAndLoans"),
        numeric("estate_loans", key="NumberRealEstateLoansOrLines"),
    ]
    features, x = table(columns, rows)
    age = np.array([number(row["age"]) for row in rows])
    source = (
        "Kaggle, Give Me Some Credit (2011), private leaderboard, place 511, as the "
        "read-me of ddanieltan/kaggle-give-me-some-credit has it; other cases than ours, with age"
    )
    return Set(
        features,
        x,
        np.array([float(row["SeriousDlqin2yrs"]) for row in rows]),
        "at random, equal rows together: no dates and no borrowers in the set",
        "age and dependants",
        same=equal_rows(x),
        people={"age": np.where(age < 30, "below 30", np.where(age < 60, "30 to 59", "60 on"))},
        published=({"model": "a submission", "auc": 0.86132, "source": source},),
    )


def kazakhstan(folder: Path) -> Set:
    """400 companies of Kazakhstan's banks, half of them in default, 29 ratios."""
    rows = read(folder / "kazakhstan_corporate/finratKZ.csv.gz")
    lower = {
        "CR", "QR", "Cash_ratio", "EBITDA_debt", "IC", "IC_CF", "DCR", "CFR", "CRA", "ROA", "NPM",
        "GPM", "OPM", "Rev_gr", "EBITDA_gr", "Cap_gr",
    }  # fmt: skip

    def toward(name: str) -> Direction:
        return "raises" if name == "DTA" else "lowers" if name in lower else "free"

    names = [name for name in rows[0] if name != "Default"]
    features, x = table([numeric(name, toward(name)) for name in names], rows)
    return Set(
        features,
        x,
        np.array([float(row["Default"]) for row in rows]),
        "at random, equal rows together: no dates and no companies in the set",
        "nothing; half of the cases are defaults by choice, so probabilities are of this mix",
        same=equal_rows(x),
    )


def invoices(folder: Path) -> Set:
    """2,466 invoices of 100 customers: paid late or not, from what was known on the day."""
    rows = read(folder / "accounts_receivable/WA_Fn-UseC_-Accounts-Receivable.csv")
    rows.sort(key=lambda row: (day(row["InvoiceDate"]), row["invoiceNumber"]))
    past: dict[str, list[tuple[int, float]]] = {}
    kept: list[Row] = []
    for row in rows:
        now, seen = day(row["InvoiceDate"]), past.setdefault(row["customerID"], [])
        known = [late for settled, late in seen if settled < now]
        kept.append({
            **row,
            "known": str(len(known)),
            "late_share": str(np.mean([late > 0 for late in known])) if known else "",
            "late_days": str(np.mean(known)) if known else "",
            "open": str(len(seen) - len(known)),
            "days_given": str(day(row["DueDate"]) - now),
        })  # fmt: skip
        seen.append((day(row["SettledDate"]), float(row["DaysLate"])))
    columns = [
        numeric("late_share", "raises"), numeric("late_days", "raises"), numeric("open"),
        numeric("known"), numeric("InvoiceAmount"), Column("PaperlessBill"), Column("countryCode"),
    ]  # fmt: skip
    features, x = table(columns, kept)
    return Set(
        features,
        x,
        np.array([float(row["DaysLate"]) > 0 for row in kept], np.float64),
        "onwards in time by the day of the invoice; a customer's history is of invoices settled "
        "before that day",
        "disputes, settlement and the day of paperless billing: they come after the invoice",
        times=np.array([day(row["InvoiceDate"]) for row in kept]),
    )


def berka(folder: Path) -> Set:
    """328 loans of a Czech bank, 1993 to 1996, paid or not."""
    home = folder / "berka_feup"
    loans = read(home / "loan_train.csv", delimiter=";")
    accounts = {row["account_id"]: row for row in read(home / "account.csv", delimiter=";")}
    districts = {
        row["code"]: row
        for row in (
            {key.strip(): cell for key, cell in row.items()}
            for row in read(home / "district.csv", delimiter=";")
        )
    }
    rows: list[Row] = []
    for loan in loans:
        account = accounts[loan["account_id"]]
        place = districts[account["district_id"]]
        held = when(loan["date"]) - when(account["creation_date"])
        rows.append({
            **loan, "frequency": account["frequency"], "held_days": str(held),
            "salary": place["average salary"], "jobless": place["unemploymant rate '95"],
        })  # fmt: skip
    columns = [
        numeric("amount"), numeric("duration"), numeric("payments", "raises"),
        numeric("held_days", "lowers"), numeric("salary"), numeric("jobless"),
        Column("frequency"),
    ]  # fmt: skip
    features, x = table(columns, rows)
    return Set(
        features,
        x,
        np.array([row["status"] == "-1" for row in loans], np.float64),
        "onwards in time by the day of the loan",
        "account transactions: those in the folder are of other accounts than these",
        times=np.array([when(row["date"]) for row in loans]),
    )


Name = Literal["german", "polish", "sba", "gmsc", "kazakhstan", "invoices", "berka"]
SETS: Mapping[Name, Callable[[Path], Set]] = {
    "german": german, "polish": polish, "sba": sba, "gmsc": gmsc, "kazakhstan": kazakhstan,
    "invoices": invoices, "berka": berka,
}  # fmt: skip


def read(path: Path, *, delimiter: str = ",") -> list[Row]:
    """All rows of a CSV file, plain or gzipped."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def day(text: str) -> int:
    """Days since 1970 of a date month/day/year."""
    return int(datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC).timestamp()) // 86400


def when(text: str) -> int:
    """Days since 1970 of a date yymmdd."""
    return int(datetime.strptime(text, "%y%m%d").replace(tzinfo=UTC).timestamp()) // 86400
