-- Begin a request under an idempotency key: owner, the key's digest, a token of this request, how long it holds the key.
-- Returns {1 or 0: whether another request holds it, fingerprint, creates, status, headers, body}, '' where unknown.
local owner, digest, token, hold_ms = unpack(ARGV)
local hold = call('GET', K.attempt_hold(owner, digest))
local kept = fields(K.attempt(owner, digest), 'fingerprint', 'creates', 'status', 'headers', 'body')
local others = hold and hold ~= token
if not others and not kept.status then call('SET', K.attempt_hold(owner, digest), token, 'PX', hold_ms) end
return {others and 1 or 0, kept.fingerprint or '', kept.creates or '', kept.status or '', kept.headers or '',
  kept.body or ''}
