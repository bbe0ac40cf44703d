"""Sign-in, and setting one's own password; the browser itself talks to the API here."""

import json
from urllib.parse import urlsplit

from nicegui import ui

from wuxin.portal.screens.parts import raw, tag
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.words import t


def inside(address: str) -> str:
    """An address that stays on this host; anything else becomes the overview."""
    parts = urlsplit(address)
    local = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if local and not parts.netloc and not parts.scheme else "/"


@page("/sign-in", ("登录", "Sign in"), framed=False, public=True)
async def sign_in(view: View) -> None:
    """Tenant, name and password."""
    onward = inside(view.query.get("next", "/"))
    wrong = t("名称或密码不正确，或一次性密码已过期；连续五次失败将锁定一刻钟。",
              "Name or password is wrong, or the one-time password has run out. "
              "Five failures lock for a quarter of an hour.")  # fmt: skip
    with tag("main", classes="wx-door"), ui.element("div").classes("wx-card"):
        raw("物信 <span>Wuxin</span>").classes("wx-brand mb-1")
        tag("h1", t("登录", "Sign in"), classes="text-xl font-semibold mb-4")
        with _form("signIn", next=onward, wrong=wrong, fault=_fault()):
            tenant = view.query.get("tenant") or view.settings.tenant
            _field(t("机构", "Tenant"), "tenant", value=tenant, autocomplete="organization")
            _field(t("名称", "Name"), "name", autocomplete="username", autofocus="autofocus")
            _field(t("密码", "Password"), "password", type="password",
                   autocomplete="current-password")  # fmt: skip
            tag(
                "button", t("登录", "Sign in"), classes="wx-button wx-primary w-full", type="submit"
            )
        with tag("button", classes="wx-tool mt-4", type="button").on(
            "click", js_handler=f"() => wuxin.language('{t('en', 'zh-CN')}')"
        ):
            tag("span", t("English", "中文"))
    ui.add_body_html(f"""<script type="module">
      addEventListener("load", () => wuxin.alreadyIn({json.dumps(onward)}));
    </script>""")


def _form(action: str, **data: str) -> ui.element:
    made = tag("form", novalidate="novalidate", **{f"data_{k}": v for k, v in data.items()})
    with made.on("submit", js_handler=f"(event) => wuxin.{action}(event)"):
        tag("div", classes="wx-note", role="alert", hidden="hidden")
    return made


def _field(label: str, name: str, **attributes: str) -> None:
    with ui.element("div").classes("wx-field"):
        tag("label", label, for_=f"field-{name}")
        tag("input", id=f"field-{name}", name=name, **{"type": "text", **attributes})


def _fault() -> str:
    return t("服务器暂时没有应答，请重试。", "The server did not answer; please try again.")


@page("/password", ("修改密码", "Change password"))
async def password(view: View) -> None:
    """Set one's own password."""
    del view
    heading(t("修改密码", "Change password"))
    with ui.element("div").classes("wx-card max-w-[440px]"), _form(
        "changePassword",
        short=t("密码至少 10 个字符。", "A password has at least 10 characters."),
        differ=t("两次输入不一致。", "The two entries differ."),
        fault=_fault(),
    ):  # fmt: skip
        _field(t("新密码（至少 10 个字符）", "New password (at least 10 characters)"), "password",
               type="password", autocomplete="new-password")  # fmt: skip
        _field(t("再次输入", "Once more"), "again", type="password", autocomplete="new-password")
        tag("button", t("保存", "Save"), classes="wx-button wx-primary", type="submit")
