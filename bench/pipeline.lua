-- wrk script: every write carries N requests.  wrk ... -s pipeline.lua URL -- N
local batch

function init(args)
    batch = string.rep(wrk.format("GET", wrk.path), tonumber(args[1]))
end

function request()
    return batch
end
