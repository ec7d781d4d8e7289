"""Settings that hold secrets: checked on the way in, sealed at rest, shown without them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr


class SealedSettings(BaseModel):
    """The settings of something outside; secrets are SecretStr and never shown."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    def revealed(self) -> dict[str, Any]:
        """Return the document to seal and store: validating it gives these settings again."""
        return {name: _open(value) for name, value in self._fields()}

    def shown(self) -> dict[str, Any]:
        """Return the document that people may read: secrets are null."""
        return {
            name: None if isinstance(value, SecretStr) else value for name, value in self._fields()
        }

    def _fields(self) -> list[tuple[str, Any]]:
        fields = type(self).model_fields
        return [(field.alias or name, getattr(self, name)) for name, field in fields.items()]


def secret_names(kind: type[SealedSettings]) -> set[str]:
    """Return the names of the settings that are secrets."""
    return {
        field.alias or name
        for name, field in kind.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }


def _open(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
