"""The OpenAPI description: bodies, problems and examples that run as they stand."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.scim_answers import MEDIA_TYPE, SCIM_PATH
from domain.scim.discovery import ERROR
from domain.scim.errors import ScimType

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "example": "/problems/invalid"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_SCIM_ERROR = {
    "type": "object",
    "required": ["schemas", "status", "detail"],
    "properties": {
        "schemas": {"type": "array", "items": {"type": "string", "example": ERROR}},
        "status": {"type": "string", "example": "400"},
        "scimType": {"type": "string", "enum": [kind.value for kind in ScimType]},
        "detail": {"type": "string"},
    },
}


_models: dict[str, type[BaseModel]] = {}


def body(model: type[BaseModel], example: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return what a route adds to describe its JSON body, with an example that runs."""
    _models[model.__name__] = model
    examples = {"example": {"value": dict(example)}}
    examples |= {name: {"value": value} for name, value in more.items()}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(model.__name__), "examples": examples}},
        }
    }


def answers(example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a route adds to show what its JSON answer looks like."""
    content = {"application/json": {"example": dict(example)}}
    return {"responses": {"200": {"content": content}}}


def file_body(examples: Mapping[str, str]) -> dict[str, Any]:
    """Return what a route adds to describe a streamed file: an example by media type."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                kind: {
                    "schema": {"type": "string", "format": "binary"},
                    "examples": {"example": {"value": text}},
                }
                for kind, text in examples.items()
            },
        }
    }


def describe(web: FastAPI) -> None:
    """Make the application describe itself: models hoisted, every operation's problems named."""

    def openapi() -> dict[str, Any]:
        if web.openapi_schema is None:
            document = get_openapi(
                title=web.title, version=web.version, summary=web.summary, routes=web.routes
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = _PROBLEM
            schemas["ScimError"] = _SCIM_ERROR
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete(operation, path)
            for model in _models.values():
                _hoist(model, schemas)
            web.openapi_schema = document
        return web.openapi_schema

    web.openapi = openapi  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], path: str) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    if path.startswith(SCIM_PATH):
        responses["default"] = {
            "description": "An error (RFC 7644 §3.12)",
            "content": {MEDIA_TYPE: {"schema": _ref("ScimError")}},
        }
        return
    responses["default"] = {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }


def _hoist(model: type[BaseModel], schemas: dict[str, Any]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
