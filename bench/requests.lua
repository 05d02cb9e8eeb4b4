-- Sends ready-made HTTP requests from a file and looks at every answer.
-- Arguments: the file (lines "<length>\n<request>"), the text that a right answer contains, the mean pause of a
-- connection between two requests in milliseconds (0: none), "again" to start over at the file's end or "once", the
-- status of a right answer.

local ffi = require("ffi")
ffi.cdef "int getpid(void); int kill(int pid, int signal);"
local SIGINT = 2 -- on which wrk ends before its time, and says how long it ran

local ready, at, text, pause, again, right = {}, 0, "", 0, false, 200
bad, sample = 0, ""

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for length in file:lines() do
    ready[#ready + 1] = file:read(tonumber(length))
  end
  file:close()
  text, pause, again, right = args[2], tonumber(args[3]), args[4] == "again", tonumber(args[5])
  math.randomseed(os.time())
  if pause > 0 then
    delay = function() return math.floor(-math.log(1 - math.random()) * pause + math.random()) end
  end
end

function request()
  at = at + 1
  if at > #ready then
    if again then
      at = 1
    else
      at = #ready
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), SIGINT)
    end
  end
  return ready[at]
end

function response(status, headers, body)
  if status ~= right or not body:find(text, 1, true) then
    bad = bad + 1
    if sample == "" then sample = status .. " " .. body:sub(1, 300):gsub("%c", " ") end
  end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency, requests)
  local wrong, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("bad")
    if first == "" then first = thread:get("sample") end
  end
  local errors = summary.errors
  io.write(string.format("RESULT\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), wrong,
    errors.connect + errors.read + errors.write + errors.timeout, first))
end
