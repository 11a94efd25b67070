-- Posts verifications of the keys in random order. Arguments: a file with one request body a line, and a seed.
-- There is no `response` function: wrk would parse every answer for it, on the cores that the server needs.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(arguments)
   math.randomseed(tonumber(arguments[2]) * 1000 + number)
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   requests = {}
   for body in io.lines(arguments[1]) do
      requests[#requests + 1] = wrk.format(nil, nil, nil, body)
   end
end

function request()
   return requests[math.random(#requests)]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"answered":%d,"took_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
