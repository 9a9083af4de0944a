-- The lock is the caller's for as long as asked, if it is free or the caller's already.
return take_lock(K.lock(), ARGV[1], ARGV[2])
