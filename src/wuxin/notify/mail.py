"""E-mail to subscribers, by SMTP: one message a record, with the record as it was signed."""

import json
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, NamedTuple

from wuxin.notify.hooks import NotTaken
from wuxin.notify.outbox import Message


class Server(NamedTuple):
    """The SMTP server through which mail leaves; nothing is sent where ``host`` is empty."""

    host: str = ""
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = ""
    sender: str = "wuxin@localhost"
    certificates: str = ""
    """A PEM file of authorities to trust instead of the system's."""


def send(to: str, message: Message, *, server: Server) -> None:
    """Hand a message to the SMTP server.

    Raises:
        NotTaken: it was not taken, and why.
    """
    if not server.host:
        raise NotTaken("no SMTP server is set (WUXIN_SMTP_HOST)")
    mail = written(to, message, sender=server.sender)
    try:
        with smtplib.SMTP(server.host, server.port, timeout=20) as smtp:
            if server.starttls:
                context = ssl.create_default_context(cafile=server.certificates or None)
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(mail)
    except (smtplib.SMTPException, OSError) as wrong:
        raise NotTaken(f"{type(wrong).__name__}: {wrong}") from None


def written(to: str, message: Message, *, sender: str) -> EmailMessage:
    """The mail: what it is about in the subject, both languages, and the record below."""
    told = json.loads(message.body)
    data = told["data"]
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    words = _words(data["record"])
    about = data["facility"] or data["tenant"]
    mail["Subject"] = f"[物信 Wuxin] {about}: {message.kind.replace('_', ' ')}"
    mail["Message-ID"] = f"<{message.id}@{data['tenant']}.wuxin>"
    mail["Auto-Submitted"] = "auto-generated"
    lines = [*words, "", f"{told['timestamp']}  {about}", "",
             json.dumps(data, ensure_ascii=False, indent=2)]  # fmt: skip
    mail.set_content("\n".join(lines))
    return mail


def _words(record: Mapping[str, Any]) -> list[str]:
    """What a record says, in Chinese and English."""
    figures = record.get("figures", {})
    if "zh" in figures:
        return [figures["zh"], figures["en"]]
    return [said[language] for language in ("zh", "en") for said in record.get("reasons", ())]
