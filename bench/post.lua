-- wrk script: POST of a file as JSON.  wrk ... -s post.lua URL -- BODY.json
function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "application/json"
    file:close()
end
