"""The OpenAPI 3.1 document of an application: forms of the orders, problems, who is asked."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wuxin.portal import orders
from wuxin.portal.access import COOKIE
from wuxin.portal.visit import PROBLEM_JSON

DOORS: Final = frozenset({
    ("/api/session", "post"), ("/api/session", "delete"), ("/healthz", "get"), ("/metrics", "get"),
})  # fmt: skip
"""What is answered without a session."""

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_LINK: Final = {
    "description": 'where the list goes on, `<address>; rel="next"`; absent at its end',
    "schema": {"type": "string"},
}
_TOTAL: Final = {"description": "how many there are in all", "schema": {"type": "integer"}}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {}).update(orders.schemas(app.state.home))
        parts["securitySchemes"] = {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}}
        found["security"] = [{"session": []}]
        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                _completed(operation)
                if (path, method) in DOORS:
                    operation["security"] = []
        app.openapi_schema = found
    return app.openapi_schema


def _completed(operation: dict[str, Any]) -> None:
    """Problems are of their own type; a list says in its head where it goes on."""
    for answer in operation["responses"].values():
        if PROBLEM_JSON in answer.get("content", {}):
            answer["content"] = {PROBLEM_JSON: {"schema": _PROBLEM}}
    if any(asked["name"] == "offset" for asked in operation.get("parameters", ())):
        answer = operation["responses"]["200"]
        answer["headers"] = {"Link": _LINK}
        if answer["content"]["application/json"]["schema"].get("type") == "array":
            answer["headers"]["X-Total-Count"] = _TOTAL
