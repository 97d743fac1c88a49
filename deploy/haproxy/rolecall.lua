-- Asks rolecall about a request before HAProxy lets it through:
--   http-request lua.rolecall role=admin      any query of /auth/check, or - for "signed in"
-- The frontend has set the X-Forwarded headers.

local CHECK = "http://127.0.0.1:8000/auth/check?redirect=1"
local ASKED_WITH = {
    "cookie", "authorization", "accept", "sec-fetch-mode", "x-forwarded-for", "x-forwarded-method",
    "x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri",
}
local IDENTITY = {
    "remote-user", "remote-user-id", "remote-name", "remote-email", "remote-groups",
    "remote-permissions",
}
local PASSED_ON = { "location", "content-type", "cache-control", "content-security-policy" }
local REFUSALS = { [302] = true, [401] = true, [403] = true }

-- The values of a header, from 1 on; HAProxy counts them from 0.
local function values(headers, name)
    local found = {}
    for at = 0, #(headers[name] or {}) do
        found[#found + 1] = headers[name] and headers[name][at]
    end
    return found
end

-- Cookies but rolecall's own.
local function others(cookies)
    local kept = {}
    for cookie in table.concat(cookies, ";"):gmatch("[^;]+") do
        local name = cookie:gsub("^%s+", ""):gsub("^__Host%-", ""):gsub("^__Secure%-", "")
        if not name:find("^rolecall") then
            kept[#kept + 1] = cookie:gsub("^%s+", "")
        end
    end
    return table.concat(kept, "; ")
end

core.register_action("rolecall", { "http-req" }, function(txn, demand)
    local received = txn.http:req_get_headers()
    local sent = {}
    for _, name in ipairs(ASKED_WITH) do
        sent[name] = received[name] and values(received, name)
    end
    local url = demand == "-" and CHECK or CHECK .. "&" .. demand
    local answer = core.httpclient():get({ url = url, headers = sent, timeout = 5000 })

    if answer.status ~= 200 then
        local reply = txn:reply({ status = REFUSALS[answer.status] and answer.status or 503 })
        for _, name in ipairs(REFUSALS[answer.status] and PASSED_ON or {}) do
            for _, value in ipairs(values(answer.headers, name)) do
                reply:add_header(name, value)
            end
        end
        txn:done(reply)
    end
    -- Whatever the client says of itself, in any spelling: an application may take Remote_User
    -- for Remote-User.
    for name in pairs(received) do
        if name:find("^remote") then
            txn.http:req_del_header(name)
        end
    end
    for _, name in ipairs(IDENTITY) do
        for _, value in ipairs(values(answer.headers, name)) do
            txn.http:req_set_header(name, value)
        end
    end
    local cookies = others(values(received, "cookie"))
    txn.http:req_del_header("cookie")
    if cookies ~= "" then
        txn.http:req_set_header("cookie", cookies)
    end
end, 1)
