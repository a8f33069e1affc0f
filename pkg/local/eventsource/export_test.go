package eventsource

// Parsers whose every input a fuzz test must reach, which no real queue or function would send.
var (
	ReadMessages = readMessages
	ReadFailures = readFailures
)
