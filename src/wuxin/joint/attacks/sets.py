"""Who is in the intersection, and which receipts of a series are pledged."""

import hashlib
import time
from typing import Final

import numpy as np

from wuxin.joint.attacks.shown import Shown
from wuxin.joint.split import Split
from wuxin.terms.records import Words

SERIES: Final = 200_000
"""Receipt numbers that are tried; a warehouse's series of a year."""

AN_HOUR: Final = 1_000
"""Tags an hour and bank that the registry's policy allows by default."""

PSI: Final = (
    "by definition of the protocols whose output is the intersection; Weng et al., Practical "
    "Privacy Attacks on Vertical Federated Learning, arXiv:2011.09290"
)
GUESS: Final = "exhaustive search; the numbers of a receipt series have some 20 bits"


def intersection(split: Split, seed: int = 1) -> Shown:
    """Vertical learning begins by finding the customers that both have, and both are told."""
    order = np.random.default_rng(seed).permutation(len(split.ids))
    cut = len(order) * 2 // 3
    bank = {split.ids[int(n)] for n in order[:cut]}
    partner = {split.ids[int(n)] for n in order[len(order) - cut :]}
    common = bank & partner
    told = len(common) / len(bank)
    return Shown(
        Words("隐私求交的输出：谁也是对方的客户", "PSI's output: who is the other's customer, too"),
        Words("双方得到交集名单，训练前提", "both get the intersection, to train on it"),
        Words(f"银行 {len(bank)} 名客户中，{len(common)} 名被确知为对方客户，其余确知不是",
              f"of the bank's {len(bank)} customers {len(common)} are known to be the partner's, "
              "and the others not to be"),
        {"members_learned": float(len(common)), "share": told},
        Words("无：这就是该协议的输出", "none: this is what the protocol puts out"),
        "count", PSI,
    )  # fmt: skip


def guessing(*, numbers: int = SERIES, pledged: int = 200, seed: int = 1) -> Shown:
    """A registry keeps SHA-256 fingerprints of receipts; a member hashes the whole series."""
    rng = np.random.default_rng(seed)
    prefix = "receipt|91350100M000100Y43|CR2024"
    truth = {int(n) for n in rng.choice(numbers, pledged, replace=False)}
    kept = {_fingerprint(prefix, n) for n in truth}
    start = time.process_time()
    opened = {n for n in range(numbers) if _fingerprint(prefix, n) in kept}
    spent = time.process_time() - start
    rate = numbers / max(spent, 1e-9)
    days = numbers / AN_HOUR / 24
    return Shown(
        Words("指纹登记：穷举仓单编号", "fingerprints of receipts: the series is tried"),
        Words("任何拿到指纹表的人", "whoever has the table of fingerprints"),
        Words(f"{pledged} 份中的 {len(opened & truth)} 份被识破，试 {numbers} 个用 {spent:.2f} 秒",
              f"{len(opened & truth)} of {pledged} receipts, {numbers} numbers in {spent:.2f} s"),
        {"opened": float(len(opened & truth)), "guesses_a_second": rate, "cpu_s": spent,
         "hours_at_the_registry": numbers / AN_HOUR},
        Words(f"在登记系统只能经三个密钥节点逐个询问：每小时 {AN_HOUR} 次，"
              f"需 {days:.0f} 天，次次留痕",
              f"at the registry numbers are tried through three key nodes only: at {AN_HOUR} "
              f"an hour {days:.0f} days, each try in four logs"),
        "tag", GUESS,
    )  # fmt: skip


def _fingerprint(prefix: str, number: int) -> bytes:
    return hashlib.sha256(f"{prefix}{number:06d}".encode()).digest()
