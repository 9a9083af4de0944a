"""/session: an API key in a cookie that no script can read, for the page in a browser."""

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from jobs.api_key import ApiKey, Scope
from web.answers import empty_answer
from web.auth import (
    COOKIE,
    FROM_PAGE,
    KeyRequired,
    KeyUnknown,
    NotFromPage,
    check_from_page,
    find_key,
    sent_cookie,
    wants_key,
)
from web.openapi import TEXT, answer, errors, takes
from web.rate_limit import RateLimited
from web.schemas import Answer
from web.services import services

blueprint = APIBlueprint("session", __name__, url_prefix="/session", tag="About")

#: a month, in seconds; the key may be revoked at any time before
COOKIE_S = 30 * 86_400
_NEEDED = {FROM_PAGE: {"required": True, "schema": {"type": "string", "const": "1"}}}


class SignIn(BaseModel):
    key: str = Field(max_length=200, description="An API key, `tx_…`.")


class Session(Answer):
    """Who the browser is signed in as."""

    wants_key: bool = Field(description="This server has keys: without one nothing but this is answered.")
    signed_in: bool
    owner: str | None = Field(description="Whose jobs are shown.")
    scopes: list[Scope]


@blueprint.get("")
@blueprint.output(Session)
@blueprint.doc(operation_id="getSession", responses=errors(503), extensions=takes(open=True))
def get() -> Session:
    """Whether a key is wanted, and whose this browser's is"""
    if not wants_key(services(), request.environ):
        return Session(wants_key=False, signed_in=True, owner="local", scopes=list(Scope))
    try:
        key = find_key(services(), sent_cookie(request.environ))
    except (KeyRequired, KeyUnknown):
        return Session(wants_key=True, signed_in=False, owner=None, scopes=[])
    return _session(key)


@blueprint.post("")
@blueprint.input(SignIn, location="json")
@blueprint.output(Session)
@blueprint.doc(
    operation_id="signIn",
    responses={
        200: answer("Signed in", headers={"Set-Cookie": TEXT}),
        **errors(400, 413, 415, 422, 503, KeyRequired, KeyUnknown, NotFromPage, RateLimited),
    },
    extensions=takes(open=True, headers=_NEEDED),
)
def sign_in(json_data: SignIn) -> Response:
    """Sign a browser in with an API key

    The key goes into a cookie that scripts can't read and other sites can't send.
    """
    check_from_page(request.environ)
    front = services()
    if limit := front.settings.requests_per_minute:
        front.rates.spend(f"address:{request.remote_addr}", limit)
    key = find_key(front, json_data.key.strip())
    response = Response(_session(key).model_dump_json(), content_type="application/json")
    response.set_cookie(
        COOKIE, json_data.key.strip(), COOKIE_S, secure=request.is_secure, httponly=True, samesite="Strict"
    )
    return response


@blueprint.delete("")
@blueprint.doc(
    operation_id="signOut",
    responses={204: answer("Signed out", headers={"Set-Cookie": TEXT}), **errors(NotFromPage)},
    extensions=takes(open=True, headers=_NEEDED),
)
def sign_out() -> Response:
    """Sign a browser out"""
    check_from_page(request.environ)
    response = empty_answer()
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Strict")
    return response


def _session(key: ApiKey) -> Session:
    return Session(wants_key=True, signed_in=True, owner=key.owner, scopes=sorted(key.scopes))
