"""What the server takes, or promises, beyond the document, which says what a client should send in the words that generators
of clients know (ADR 94). Each part here is put back before Schemathesis reads the document, so that it is tested too."""

import copy

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

# Members of bodies: the keywords that say what is taken.
ACTIONS = {"type": "array", "items": {"type": "string"}}
PERMISSIONS = {"additionalProperties": ACTIONS, "items": {"type": "string"}}
# Better Auth turns JSON of any type into a text, and an empty list into an empty one.
ANY_ID = {"maxLength": 2048, "pattern": r"^[^\x00]*$"}
MEMBERS = {
    "permissions": {"type": ["object", "array"]} | PERMISSIONS,
    "metadata": {"anyOf": [{"type": ["object", "array", "null"]}, {"enum": ["", 0, False]}]},
    "userId": ANY_ID | {"minLength": 1, "minItems": 1},
    "organizationId": ANY_ID,
    "expiresIn": {"type": ["number", "null"], "minimum": 86400, "maximum": 31536000},
}
OF_UPDATES = {
    "permissions": {"type": ["object", "array", "null"]} | PERMISSIONS,
    "metadata": {"type": ["object", "array", "null"]},
}

# What follows an answer, with a part of it in a body: OpenAPI Generator takes no bodies of links that are objects.
LINKS = {
    "updateApiKey": {"keyId": "$response.body#/id"},
    "revokeApiKey": {"id": "$response.body#/id"},
    "deleteApiKey": {"keyId": "$response.body#/id"},
    "verifyApiKey": {"key": "$response.body#/key"},
    "validateApiKey": {"apiKey": "$response.body#/key"},
}


def given(name):
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def absent(name):
    return {"not": {"required": [name]}}


def null(name):
    return {"required": [name], "properties": {name: {"type": "null"}}}


def refill():
    """An amount is with one of its two periods, or none of the three is there, or the first two are null."""
    amount, interval, calendar = names = ["refillAmount", "refillInterval", "refill"]
    return [
        {"allOf": [absent(name) for name in names]},
        {"allOf": [given(amount), given(interval), absent(calendar)]},
        {"allOf": [given(amount), given(calendar), absent(interval)]},
        {"allOf": [null(amount), null(interval)]},
    ]


# Of these exactly one holds.
EITHER = {
    "CreateApiKeyBody": refill(),
    "UpdateApiKeyBody": refill(),
    "RevokeApiKeyBody": [{"required": ["id"]}, {"required": ["owner"]}],
}


def widen(document):
    """Puts all of it back."""
    schemas = document["components"]["schemas"]
    for name in ["CreateApiKeyBody", "UpdateApiKeyBody", "VerifyApiKeyBody", "ValidateApiKeyBody"]:
        members = MEMBERS | (OF_UPDATES if name == "UpdateApiKeyBody" else {})
        properties = schemas[name]["properties"]
        properties.update({member: members[member] for member in members.keys() & properties.keys()})
    for name, ways in EITHER.items():
        schemas[name]["oneOf"] = ways
    operations = document["paths"].values()
    operations = {operation["operationId"]: operation for item in operations for operation in item.values() if "operationId" in operation}
    created = operations["createApiKey"]["responses"]["200"].setdefault("links", {})
    created.update({name: {"operationId": name, "requestBody": body} for name, body in LINKS.items()})
    for name in ["signUp", "signIn", "introspect"]:
        take_forms(operations[name]["requestBody"]["content"], schemas)
    for response in document["components"]["responses"].values():
        for content in response.get("content", {}).values():
            name_codes(content, document["components"]["examples"])


def take_forms(content, schemas):
    """The body may be that of an HTML form, all of whose members are texts."""
    body = copy.deepcopy(schemas[content[JSON]["schema"]["$ref"].rpartition("/")[2]])
    body["properties"] = {name: of for name, of in body["properties"].items() if of["type"] == "string"}
    content[FORM] = {"schema": body, "example": content[JSON]["example"]}


def name_codes(content, examples):
    """An error has one of the codes of the response's examples."""
    names = [example["$ref"].rpartition("/")[2] for example in content["examples"].values()]
    codes = sorted({examples[name]["value"]["code"] for name in names})
    content["schema"] = {"allOf": [content["schema"], {"properties": {"code": {"enum": codes}}}]}
