"""/v1/vendors: what accounts can be made of."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.answers import answer
from api.authentication import Caller
from services import vendors as use

router = APIRouter(prefix="/v1/vendors", tags=["accounts"])


@router.get("")
async def find(actor: Caller) -> JSONResponse:
    """List the vendors, with the schema of their settings."""
    return answer({"items": use.find(actor), "next_cursor": None})


@router.get("/{name}")
async def get(actor: Caller, name: str) -> JSONResponse:
    """Look at a vendor."""
    return answer(use.get(actor, name))
