"""What the service says of itself (RFC 7643 §5-7); the same in every installation."""

from typing import Any, Final

from domain.scim.schemas import ENTERPRISE, GROUP, SCHEMAS, USER, Schema

LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
MOST_RESULTS: Final = 200
USUAL_RESULTS: Final = 100


def list_response(
    items: list[dict[str, Any]], total: int | None = None, start: int = 1
) -> dict[str, Any]:
    """Return a ListResponse (RFC 7644 §3.4.2); without a total all of them are in it."""
    return {
        "schemas": [LIST],
        "totalResults": len(items) if total is None else total,
        "startIndex": start,
        "itemsPerPage": len(items),
        "Resources": items,
    }


def service_provider_config(base: str) -> dict[str, Any]:
    """Return what is supported; `base` is the address of `/scim/v2`."""
    return {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API key",
                "description": "An API key of Tocsin as a bearer token, with the scopes"
                " scim:read and scim:write",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """Return the kinds of resources."""
    user = _resource_type(base, "User", "A person: a profile", USER)
    user["schemaExtensions"] = [{"schema": ENTERPRISE, "required": False}]
    return [user, _resource_type(base, "Group", "A named set of profiles", GROUP)]


def schemas(base: str) -> list[dict[str, Any]]:
    """Return the schemas with their attributes."""
    return [_schema(base, one) for one in SCHEMAS.values()]


def _resource_type(base: str, name: str, description: str, schema: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}:ResourceType"],
        "id": name,
        "name": name,
        "description": description,
        "endpoint": f"/{name}s",
        "schema": schema,
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
    }


def _schema(base: str, one: Schema) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}:Schema"],
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "attributes": [attribute.body() for attribute in one.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{one.id}"},
    }
