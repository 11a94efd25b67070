"""An application that knows request fields by the names of CGI, as WSGI, CGI and PHP do: it answers those that it sees."""

import json
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    # To PHP a dot is an underscore too.
    fields = ((name.replace(".", "_"), value) for name, value in environ.items() if name.startswith("HTTP_"))
    seen = {}
    for name, value in fields:
        seen.setdefault(name, []).append(value)
    return [json.dumps(seen).encode()]


server = make_server("127.0.0.1", 0, application, handler_class=Silent)
print(server.server_port, flush=True)
server.serve_forever()
