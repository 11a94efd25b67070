"""What the document cannot say, since it does not know who asks, and what JSON Schema has no name for."""

import ipaddress

import schemathesis
from hypothesis import strategies as st

import wider

ADDRESSES = st.ip_addresses()


@st.composite
def networks(draw):
    """A network without bits behind its prefix, or an address."""
    address = draw(ADDRESSES)
    prefix = draw(st.none() | st.integers(0, address.max_prefixlen))
    return str(address) if prefix is None else str(ipaddress.ip_network((address, prefix), strict=False))


schemathesis.openapi.format("ip", ADDRESSES.map(str))
schemathesis.openapi.format("cidr", networks())


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The server is held to all that it takes."""
    wider.widen(raw_schema)


@schemathesis.hook
def before_call(context, case, kwargs):
    """A server must say whose key it makes, where a user must not."""
    is_create = case.operation.definition.raw.get("operationId") == "createApiKey"
    if is_create and isinstance(case.body, dict):
        case.body.setdefault("userId", "ada")
