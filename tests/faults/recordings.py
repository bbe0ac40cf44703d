"""A small recording with findings and margin calls in it, for homes that are about to suffer."""

from pathlib import Path

from tests.homes import STOCK

MANIFEST = (
    STOCK
    + """[[stream]]
file = "price.csv"
time = { column = "time", format = "iso" }
thing = { kind = "price_series", fixed = "copper" }
[stream.readings]
price = { column = "price", unit = "1" }
[[thing]]
kind = "warehouse"
id = "WH"
facts = { latitude = 31.31, longitude = 121.61, fence_radius = 300 }
[[facility]]
id = "F-1"
obligor = "A trader"
pool = { root = "warehouse:WH", kind = "lot" }
currency = "USD"
principal = "200000.00"
opened = "2024-03-04T10:00:00Z"
haircut = "0.30"
maximum_loan_to_value = "0.60"
target_loan_to_value = "0.50"
call_deadline = "3 d"
minimum_transfer = "1000.00"
rounding = "100.00"
on_overdue = "escalate"
terms = { price = "price_series:copper", price_unit = "USD/t", price_valid_for = "30 d" }
[[command]]
do = "top_up"
at = "2024-03-11T12:00:00Z"
by = "obligor"
facility = "F-1"
amount = "20000.00"
"""
)


def write(folder: Path, days: int = 14) -> Path:
    """Three lots, of which a third is missing from the 9th on, and a price that falls."""
    stock = [f"2024-03-{d:02d}T08:00:00Z,L-{d % 3},{25 - 8 * (d > 8)},25" for d in range(1, days)]
    price = [f"2024-03-{d:02d}T06:00:00Z,{7000 - 160 * d}" for d in range(1, days, 4)]
    (folder / "stock.csv").write_text("time,lot,weight,book\n" + "\n".join(stock) + "\nx,L-1,1,1\n")
    (folder / "price.csv").write_text("time,price\n" + "\n".join(price) + "\n")
    (folder / "recording.toml").write_text(MANIFEST)
    return folder / "recording.toml"
