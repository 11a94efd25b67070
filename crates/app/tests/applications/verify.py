"""Reads requests from standard input, and writes for each of them the claims of its assertion, or why it is refused."""

import json
import sys
from urllib.parse import unquote

import jwt

from claims import claims_of


def environ_of(request):
    """What a WSGI server makes of a request."""
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request["headers"].items()}
    path, _, query = request["url"].partition("?")
    return {
        "REQUEST_METHOD": request["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        **fields,
    }


def answer(request):
    try:
        return {"claims": claims_of(environ_of(request))}
    except jwt.PyJWTError as error:
        return {"refused": f"{type(error).__name__}: {error}"}


print(json.dumps([answer(request) for request in json.load(sys.stdin)]))
