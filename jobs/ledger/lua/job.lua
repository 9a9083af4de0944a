-- One job's record with its standing; nil if there is no such job.
return record(ARGV[1], clock(), {}) or false
