-- The rules as a table, walked in their order; the first that matches decides.
local rules = {}
for operator, header, operand in text:gmatch("(%S+) (%S+) (%S+)") do
  local rule = {operator = operator, header = header, operand = operand}
  if operator == "in" then
    rule.values = {}
    for value in operand:gmatch("[^,]+") do
      rule.values[value] = true
    end
  elseif operator == "percent" then
    rule.operand, rule.percent = operand:match("([^,]+),(%d+)")
    rule.percent = tonumber(rule.percent)
  end
  rules[#rules + 1] = rule
end

-- A number from 0 to 99, evenly spread over users: a linear congruence over the bytes, as exact as Lua's doubles.
local function hundredth(user)
  local hash = 7
  for at = 1, #user do
    hash = (hash + string.byte(user, at)) * 48271 % 2147483647
  end
  return hash % 100
end

local function matches(rule, value, user)
  local operator = rule.operator
  if operator == "exact" then
    return value == rule.operand
  elseif operator == "in" then
    return rule.values[value] == true
  elseif operator == "prefix" then
    return string.sub(value, 1, #rule.operand) == rule.operand
  elseif operator == "pattern" then
    return string.find(value, rule.operand) ~= nil
  end
  return value == rule.operand and user ~= nil and hundredth(user) < rule.percent
end

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove("x-gray-variant")
  local user = headers:get("x-user-id")
  local known = {}
  local variant, reason, decided = "stable", "DEFAULT", "w/_default"
  for at = 1, #rules do
    local rule = rules[at]
    local value = known[rule.header]
    if value == nil then
      value = headers:get(rule.header) or false
      known[rule.header] = value
    end
    if value and matches(rule, value, user) then
      variant, reason, decided = "canary", "TARGETING_MATCH", at
      break
    end
  end
  headers:add("x-gray-variant", variant)
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("graylane", "variant", variant)
  metadata:set("graylane", "rule", decided)
  metadata:set("graylane", "reason", reason)
  metadata:set("graylane", "revision", "embedded")
end
