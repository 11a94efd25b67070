-- Shows the keys of a file in their order. Arguments: the file, with one key a line, `verify` or `authorize`, and a server
-- key. All requests are put together before the first is sent.
-- There is no `response` function: wrk would parse every answer for it, on the cores that the server needs.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

local function format(key)
   if wrk.method == "GET" then
      wrk.headers["X-API-Key"] = key
      return wrk.format()
   end
   return wrk.format(nil, nil, nil, '{"key":"' .. key .. '"}')
end

function init(arguments)
   local file, endpoint, server_key = arguments[1], arguments[2], arguments[3]
   if endpoint == "authorize" then
      wrk.headers["X-Authz-Server-Key"] = server_key
   else
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      wrk.headers["Authorization"] = "Bearer " .. server_key
   end
   -- All keys are of one length, so their requests differ in the key alone.
   local head, tail
   requests = {}
   for key in io.lines(file) do
      if not head then
         local whole = format(key)
         local first, last = whole:find(key, 1, true)
         head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
      end
      requests[#requests + 1] = head .. key .. tail
   end
   -- Each thread begins elsewhere.
   math.randomseed(number)
   at = math.random(#requests)
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"answered":%d,"took_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
