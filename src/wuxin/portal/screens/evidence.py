"""View evidence (查看存证): from a number to its leaf, its proof, and the bytes it came from."""

from typing import Any, Final
from urllib.parse import quote

from nicegui import events, ui

from wuxin.portal.screens import shell
from wuxin.portal.screens.parts import evidence_mark, facts, icon, raw, tag, text
from wuxin.portal.screens.words import minute, number, t, word

_SHOWN: Final = 12
_RAW: Final = 2000


def view_evidence(record: str, *, words: bool = True) -> ui.html:
    """A small button that opens the evidence of a batch, finding or act."""
    return raw(evidence_mark(record, words=words), "span")


def reading_evidence(key: tuple[str, str, str], indicator: str, *, time: str) -> ui.html:
    """A small button that opens the evidence of one value: its line, its bytes and its batch.

    Args:
        key: pack, kind and id of the thing.
        indicator: which value.
        time: its event time (ISO 8601).
    """
    return raw(reading_mark(key, indicator, time=time), "span")


def reading_mark(key: tuple[str, str, str], indicator: str, *, time: str) -> str:
    """The markup of that button."""
    name = t("查看存证", "View evidence")
    path = "/".join(quote(part, safe="") for part in key)
    asked = f"/api/things/{path}/evidence/{quote(indicator, safe='')}?time={quote(time)}"
    return (
        f'<button type="button" class="wx-evidence" data-reading="{text(asked)}" '
        f'title="{name}" aria-label="{name}">{icon("verified_user")}</button>'
    )


def install(view: shell.View) -> None:
    """Let every mark on the page open the drawer, in tables and charts too."""

    def opened(event: events.GenericEventArguments) -> None:
        asked = event.args
        title = t("存证", "Evidence")
        if asked.get("record"):
            shell.open_drawer(title, lambda: _record(view, str(asked["record"])))
        elif str(asked.get("reading", "")).startswith("/api/things/"):
            shell.open_drawer(title, lambda: _reading(view, str(asked["reading"])))

    ui.on("wuxin-evidence", opened)


async def _record(view: shell.View, record: str) -> None:
    found = await view.api.get(f"/api/evidence/{quote(record, safe='')}")
    _vouched(await view.api.get("/api/vouched"), found["leaf"])
    _proof(found)


def _vouched(told: dict[str, Any], leaf: int) -> None:
    """Who outside has seen the log, whether that covers what is shown, who does not answer."""
    if told["reached"] is None:
        return
    who = [t(f"{told['witnesses']} 个见证方", f"{told['witnesses']} witnesses")]
    who += [t("时间戳机构", "a timestamp authority")] if told["stamped"] else []
    who += [t("一条链", "a chain")] if told["chained"] else []
    if told["size"] > leaf:
        by = t("、".join(who), ", ".join(who))
        said, sign = t(f"日志之外已见证：{by}", f"seen outside by {by}"), "verified"
    else:
        said, sign = t("等待下一轮外部见证", "waits for the next round of witnesses"), "schedule"
    raw(f'<p class="wx-small mb-2">{icon(sign)} {text(said)}</p>').mark("vouched")
    if told["failed"]:
        wanted, rounds = told["quorum"], told["failed"]
        said = t(
            f"外部见证不足：需 {wanted} 个见证方，失败 {rounds} 轮",
            f"too few outsiders vouch: witnesses wanted {wanted}, rounds failed {rounds}",
        )
        why = "".join(f'<span class="wx-muted">{text(one)}</span><br>' for one in told["refused"])
        amber = f'<span class="wx-level wx-amber">{icon("warning")}{text(said)}</span>'
        raw(f'<div class="wx-small mb-3">{amber}<br>{why}</div>').mark("not-vouched")


async def _reading(view: shell.View, path: str) -> None:
    found = await view.api.get(path)
    value, batch = found["reading"], found["batch"]
    with ui.element("div").classes("mb-4"):
        raw(
            facts((
                (t("数值", "Value"), f"{text(number(value['value']))} {text(value['unit'])}"),
                (t("时间", "Time"), text(minute(value["time"], zone=True))),
                (t("来源批次", "Batch"), f"{batch['n']} · {text(batch['source'])}"),
                (t("到达时间", "Arrived"), text(minute(batch["arrival"], zone=True))),
            ))
        )  # fmt: skip
        if found["derived"]:
            tag("p", t("由平台按下列报文计算得出。", "Computed by the platform from these bytes."),
                classes="wx-muted mt-2")  # fmt: skip
        for frame in found["frames"]:
            raw(_bytes(frame))
    _proof(found["evidence"])


def _proof(found: dict[str, Any]) -> None:
    proof, record = found["proof"], found["record_id"]
    what = word(str(proof["record"].get("kind") or found["kind"]))
    if found["kind"] in {"finding", "cleared"}:
        what = _sentence(proof["record"]) or what
    raw(
        facts((
            (t("记录", "Record"), f"{text(word(found['kind']))} · {text(what)}"),
            (t("记录编号", "Record id"), _mono(record)),
            (t("日志叶序号", "Leaf index"), f"<b>{found['leaf']:,}</b>"),
            (t("日志大小", "Tree size"), f"{proof['size']:,}"),
            (t("树根", "Root"), _mono(proof["root"])),
            (t("承诺值", "Commitment"), _mono(found["committed"])),
            (t("验证公钥", "Verifier key"), _mono(found["verifier_key"])),
        ))
    )  # fmt: skip
    base = f"/api/evidence/{quote(record, safe='')}"
    with ui.element("div").classes("flex flex-wrap gap-2 my-4"):
        _download(
            t("下载证明", "Download proof"), f"{base}/proof", file=f"{record[:16]}.tlog-proof"
        )
        _download(t("下载 JSON", "Download JSON"), base, file=f"{record[:16]}.json")
    tag("p", t(
        "证明文件可用任何 C2SP tlog-proof 工具与上面的公钥离线核验。",
        "Any C2SP tlog-proof tool can check the proof offline with the key above.",
    ), classes="wx-muted wx-small")  # fmt: skip
    causes = found["because"]
    if causes:
        tag("h3", t("依据链", "Because of"), classes="text-[15px] font-semibold mt-5")
        raw("".join(_cause(c) for c in causes[:_SHOWN]) + _more(len(causes) - _SHOWN))


def _cause(cause: dict[str, Any]) -> str:
    """One cause and its own causes, as nested markup down to the bytes."""
    name = word(cause["kind"])
    if cause["kind"] == "frame":
        shown = cause.get("bytes") or cause.get("gone")
        return f'<div class="wx-tree">{_bytes(cause) if shown else text(name)}</div>'
    said = _sentence(cause) or word(cause.get("what") or "")
    what = f" · {text(said)}" if said else ""
    leaf = f" · {t('叶', 'leaf')} {cause['leaf']:,}" if "leaf" in cause else ""
    mark = evidence_mark(cause["id"]) if "leaf" in cause else ""
    below = cause.get("because") or []
    inner = "".join(_cause(c) for c in below[:_SHOWN]) + _more(len(below) - _SHOWN)
    head = f'<b>{text(name)}</b>{what}<span class="wx-muted">{leaf}</span> {mark}'
    return f'<div class="wx-tree"><div>{head}</div>{inner}</div>'


def _bytes(frame: dict[str, Any]) -> str:
    line = frame.get("line")
    where = f"{text(frame.get('file', ''))} · {t('第', 'line')} {line:,}{t(' 行', '')}"
    if gone := frame.get("gone"):
        said = t(
            f"原始字节已于 {gone['on']} 按“{gone['policy']}”删除；摘要仍有存证。",
            f"Deleted on {gone['on']} under “{gone['policy']}”; the digest is still proven.",
        )
        return (
            f'<div class="wx-small">{icon("description")} {where}</div>'
            f'<div class="wx-muted">{text(said)}</div>'
        )
    header = ",".join(frame.get("header") or ())
    above = f'<span class="wx-muted">{text(header)}</span>\n' if header else ""
    return (
        f'<div class="wx-small">{icon("description")} {where}</div>'
        f'<code class="wx-raw wx-mono">{above}{text(frame["bytes"][:_RAW])}</code>'
    )


def _more(count: int) -> str:
    if count <= 0:
        return ""
    return f'<div class="wx-muted wx-small">{t(f"另有 {count} 条", f"and {count} more")}</div>'


def _download(name: str, href: str, *, file: str) -> None:
    with tag("a", classes="wx-button", href=href, download=file):
        ui.icon("download")
        tag("span", name)


def _mono(value: str) -> str:
    return f'<span class="wx-mono">{text(value)}</span>'


def _sentence(record: dict[str, Any]) -> str:
    reasons = record.get("reasons") or []
    return "；".join(str(r.get(t("zh", "en"), "")) for r in reasons if isinstance(r, dict))


shell.EXTENSIONS.append(install)
