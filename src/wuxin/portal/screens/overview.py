"""The overview: whether anything is wrong, at a glance."""

from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.words import t


@page("/", ("总览", "Overview"))
async def overview(view: View) -> None:
    """Figures first, then warnings and facilities."""
    del view
    heading(t("总览", "Overview"))
