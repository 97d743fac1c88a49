-- Sends the requests of a file in turn and prints what came of it in words for a program.
-- After the URL: the file, of which each line is a Cookie header, and `count` to count the
-- statuses too, which costs the load tool time.

local requests, sent, threads = {}, 0, {}
statuses = {} -- global: the main thread reads it

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   local file, mode = args[1], args[2]
   for line in io.lines(file) do
      requests[#requests + 1] = wrk.format("GET", nil, { ["Cookie"] = line })
   end
   if mode == "count" then
      response = function(status)
         statuses[status] = (statuses[status] or 0) + 1
      end
   end
end

function request()
   sent = sent % #requests + 1
   return requests[sent]
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format("result %d %d %d %d %d", summary.requests, summary.duration,
      latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.timeout, errors.status))
   for _, thread in ipairs(threads) do
      for status, count in pairs(thread:get("statuses")) do
         print(string.format("status %d %d", status, count))
      end
   end
end
