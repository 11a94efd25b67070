-- Shows keys in random order. Arguments: a seed, how many keys, either what the texts of numbered keys begin with or `@`
-- and a file with one key a line, `verify` or `authorize`, and a server key.
-- There is no `response` function: wrk would parse every answer for it, on the cores that the server needs.

local threads = 0
-- Requests that are put together beforehand; of more keys each is made when it is sent.
local AHEAD = 100000

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

local function texts(count, keys)
   if keys:sub(1, 1) == "@" then
      return io.lines(keys:sub(2))
   end
   local number = -1
   return function()
      number = number + 1
      return number < count and string.format("%s%042d", keys, number) or nil
   end
end

function init(arguments)
   math.randomseed(tonumber(arguments[1]) * 1000 + number)
   local keys, endpoint, server_key = arguments[3], arguments[4], arguments[5]
   count = tonumber(arguments[2])
   if endpoint == "authorize" then
      wrk.headers["X-Authz-Server-Key"] = server_key
   else
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      wrk.headers["Authorization"] = "Bearer " .. server_key
   end
   if count > AHEAD and keys:sub(1, 1) ~= "@" then
      local whole, zeros = format(string.format("%s%042d", keys, 0)), string.rep("0", 42)
      local first, last = whole:find(zeros, 1, true)
      head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
      return
   end
   requests = {}
   for key in texts(count, keys) do
      requests[#requests + 1] = format(key)
      if #requests == count then break end
   end
end

function request()
   if requests then
      return requests[math.random(#requests)]
   end
   return head .. string.format("%042d", math.random(count) - 1) .. tail
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"answered":%d,"took_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
