-- Posts verifications of keys in random order. Arguments: a seed, how many keys, and either what the texts of numbered
-- keys begin with, or `@` and a file with one key a line.
-- There is no `response` function: wrk would parse every answer for it, on the cores that the server needs.

local threads = 0
-- Requests that are put together beforehand; of more keys each is made when it is sent.
local AHEAD = 100000

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

local function format(key)
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
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   local keys = arguments[3]
   count = tonumber(arguments[2])
   if count > AHEAD and keys:sub(1, 1) ~= "@" then
      local key = string.format("%s%042d", keys, 0)
      head, tail = format(key), '"}'
      head = head:sub(1, #head - #tail - 42)
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
