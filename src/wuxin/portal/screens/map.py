"""Where things are: fences and points on a plain grid, and the same as a list beside it.

No base map is shipped and no tile server is asked unless the settings name one. What has no
position of its own stands in the list under the thing that it is part of.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.filters import Changed, State, choice, thing_href, told
from wuxin.portal.screens.parts import card, empty, icon, level, raw, tag, text
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.words import LEVELS, level_word, number, pick, t

SHOWN: Final = 200
"""The most rows of the list."""

NEAR_DEGREES: Final = 0.2
"""Things that lie closer than this belong to one site."""

EVERYWHERE: Final = "*"
"""All sites, in the address."""

_DRAW: Final = """(() => {
  const told = %s, map = getElement(%d).map, pins = {}, all = [];
  L.control.zoom({zoomInTitle: told.in, zoomOutTitle: told.out}).addTo(map);
  L.control.scale({imperial: false}).addTo(map);
  for (const row of told.rows) {
    const place = [row.latitude, row.longitude];
    all.push(place);
    if (row.fence) {
      const ring = L.circle(place, {radius: row.fence, color: '#6f7f92', weight: 1.5,
        dashArray: '5 5', fillOpacity: 0.05, interactive: false}).addTo(map);
      all.push(ring.getBounds());
    }
    const shape = L.divIcon({className: '', html: row.pin, iconSize: [22, 22]});
    pins[row.key] = L.marker(place, {icon: shape, title: row.title, alt: row.title,
      zIndexOffset: row.rank, riseOnHover: true}).bindPopup(row.popup).addTo(map);
    pins[row.key].on('popupopen', () => wuxin.query({thing: row.key}));
  }
  const bounds = L.latLngBounds(all.flatMap((x) => x.getNorthEast
    ? [x.getNorthEast(), x.getSouthWest()] : [x]));
  map.fitBounds(bounds, {padding: [28, 28], maxZoom: 18, animate: false});
  const go = (key) => {
    if (!pins[key]) return;
    map.setView(pins[key].getLatLng(), Math.max(map.getZoom(), 16), {animate: false});
    pins[key].openPopup();
  };
  window.wuxinMap = {go, size: told.rows.length};
  if (told.chosen) go(told.chosen);
})()"""


@page("/map", ("地图", "Map"))
async def places(view: View) -> None:
    """The map and its list; pack, level and the chosen thing are in the address."""
    state = State("pack", "level", "site", "thing")
    heading(t("地图", "Map"))
    packs = await view.api.get("/api/packs")
    placed = await view.api.get("/api/places")

    async def show() -> None:
        rows = [r for r in placed if _wanted(r, state)]
        sites = group(rows)
        place.clear()
        with place:
            if rows:
                with card():
                    if len(sites) > 1:
                        _sites(state, sites, changed=show)
                    _map(view, _at(sites, state["site"]), chosen=state["thing"])
            with card(t("位置列表", "List of places")), ui.element("div").classes("wx-side"):
                _list(rows)
        await _unplaced(view, packs, placed=placed, below=below)

    with ui.element("div").classes("wx-filters"):
        if len(packs) > 1:
            choice(state, "pack", label=t("行业", "Industry"), changed=show,
                   options={p["pack"]: pick(p) for p in packs})  # fmt: skip
        levels = {"any": t("有预警", "any warning"), **{x: level_word(x) for x in LEVELS}}
        choice(state, "level", label=t("预警", "Warning"), options=levels, changed=show)
    place = ui.element("div").classes("wx-grid grid-cols-1 lg:grid-cols-[minmax(0,2fr)_1fr] mb-4")
    below = ui.element("div").classes("wx-grid grid-cols-1")
    await show()


def _wanted(row: Mapping[str, Any], state: State) -> bool:
    if state["pack"] and row["pack"] != state["pack"]:
        return False
    return not state["level"] or row["level"] == state["level"] or (
        state["level"] == "any" and row["level"] is not None
    )  # fmt: skip


def group(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Sites: things less than about 20 km apart, named by a fence; those with warnings first."""
    found: list[list[Mapping[str, Any]]] = []
    for row in sorted(rows, key=lambda r: (not r["fence_radius"], r["kind"], r["id"])):
        for site in found:
            far = max(abs(row[c] - site[0][c]) for c in ("latitude", "longitude"))
            if far < NEAR_DEGREES:
                site.append(row)
                break
        else:
            found.append([row])
    rank = {name: n for n, name in enumerate(LEVELS)}
    found.sort(key=lambda site: (min(rank.get(r["level"], 9) for r in site), -len(site)))
    return {str(site[0]["id"]): site for site in found}


def _at(sites: Mapping[str, list[Mapping[str, Any]]], chosen: str) -> list[Mapping[str, Any]]:
    """The things of the chosen site, or of the first; ``*`` stands for all."""
    if chosen == EVERYWHERE:
        return [row for site in sites.values() for row in site]
    return sites.get(chosen) or next(iter(sites.values()))


def _sites(
    state: State, sites: Mapping[str, Sequence[Mapping[str, Any]]], *, changed: Changed
) -> None:
    """Buttons that show one site, or all."""

    async def press(name: str) -> None:
        state.put({"site": name, "thing": ""})
        await told(changed)

    current = state["site"] if state["site"] in {*sites, EVERYWHERE} else next(iter(sites))
    with ui.element("div").classes("wx-chips mb-3").props("role=group"):
        for name in (*sites, EVERYWHERE):
            shown = t("全部地点", "All sites") if name == EVERYWHERE else name
            button = tag("button", shown, classes="wx-chip wx-site", type="button",
                         aria_pressed="true" if name == current else "false")  # fmt: skip
            button.on("click", lambda _, n=name: press(n))


def _map(view: View, rows: Sequence[Mapping[str, Any]], *, chosen: str) -> None:
    middle = (rows[0]["latitude"], rows[0]["longitude"])
    shown = ui.leaflet(center=middle, zoom=15, options={
        "zoomControl": False, "attributionControl": bool(view.settings.tile_url), "maxZoom": 20,
    }).classes("wx-map").mark("map")  # fmt: skip
    shown.clear_layers()  # the element's own default is a public tile server
    if view.settings.tile_url:
        shown.tile_layer(url_template=view.settings.tile_url)
    told = {
        "rows": [_pin(r) for r in rows], "chosen": chosen,
        "in": t("放大", "Zoom in"), "out": t("缩小", "Zoom out"),
    }  # fmt: skip
    drawing = _DRAW % (json.dumps(told, ensure_ascii=False), shown.id)
    shown.on("init", lambda: ui.run_javascript(drawing))


def _pin(row: Mapping[str, Any]) -> dict[str, Any]:
    """A thing as the script draws it: shape, colour and icon all say the level."""
    name, known = row["level"], LEVELS.get(row["level"] or "")
    size = "" if known or row["fence_radius"] else " wx-small-pin"
    sign = icon(known.icon if known else "warehouse") if known or row["fence_radius"] else ""
    link = f'<a href="{text(thing_href(row))}">{t("查看详情", "Details")}</a>'
    return {
        "key": _key(row), "latitude": row["latitude"], "longitude": row["longitude"],
        "fence": row["fence_radius"], "rank": 1000 * (len(LEVELS) - list(LEVELS).index(name))
        if known else 0, "pin": f'<span class="wx-pin wx-{name or "none"}{size}">{sign}</span>',
        "title": f"{pick(row)} {row['id']} · {level_word(name or '')}",
        "popup": f"<b>{text(pick(row))} {text(row['id'])}</b><br>{level(name)}<br>{link}",
    }  # fmt: skip


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['pack']}/{row['kind']}/{row['id']}"


def _list(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        empty(t("没有可定位的标的物", "Nothing with a position"),
              t("设备上报经纬度，或登记坐标后，即显示于此。",
                "It appears when a device reports, or somebody registers, a position."),
              sign="location_off")  # fmt: skip
        return
    rank = {name: n for n, name in enumerate(LEVELS)}
    order = sorted(rows, key=lambda r: (rank.get(r["level"], 9), not r["fence_radius"], r["id"]))
    for row in order[:SHOWN]:
        button = tag("button", classes="wx-place", type="button")
        key = json.dumps(_key(row))
        with button.on("click", js_handler=f"() => window.wuxinMap && wuxinMap.go({key})"):
            fence = f" · {t('围栏', 'fence')} {number(row['fence_radius'])} m"
            extra = fence if row["fence_radius"] else ""
            raw(f"<b>{text(row['id'])}</b> <span class='wx-muted wx-small'>"
                f"{text(pick(row))}{extra}</span>", "span")  # fmt: skip
            if row["level"]:
                raw(level(row["level"]), "span").classes("ml-auto")


async def _unplaced(
    view: View, packs: Sequence[Mapping[str, Any]], *, placed: Sequence[Mapping[str, Any]],
    below: ui.element,
) -> None:  # fmt: skip
    """The things of packs that report no position, as a tree of what is part of what."""
    below.clear()
    for pack in packs:
        if any(r["pack"] == pack["pack"] for r in placed):
            continue
        found = await view.api.get("/api/things", pack=pack["pack"], limit=SHOWN)
        with below, card(pick(pack), end=t("没有坐标", "no positions")):
            raw(_tree(found["rows"], "")).mark("tree")


def _tree(rows: Sequence[Mapping[str, Any]], parent: str) -> str:
    """Markup of the things that are part of a parent, and theirs."""
    known = {f"{r['kind']}:{r['id']}" for r in rows}
    mine = [r for r in rows if r["parent"] == parent or (not parent and r["parent"] not in known)]
    items = "".join(
        f'<li><div><a href="{text(thing_href(r))}">{text(r["id"])}</a>'
        f'<span class="wx-muted wx-small">{text(pick(r))}</span>'
        f"{level(r['level']) if r['level'] else ''}</div>{_tree(rows, _name(r))}</li>"
        for r in mine
    )
    return f'<ul class="wx-tree-list">{items}</ul>' if items else ""


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['kind']}:{row['id']}"
