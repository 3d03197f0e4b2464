-- entry of the log, most entries
note_act(ARGV[1], ARGV[2])
