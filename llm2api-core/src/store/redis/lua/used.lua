-- subject -> tokens used today
return tokens_of(today(), ARGV[1])
