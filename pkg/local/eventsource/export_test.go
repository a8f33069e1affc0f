package eventsource

// Fuzz tests give these parsers input that no real queue and no real function sends.
var (
	ReadMessages = readMessages
	ReadFailures = readFailures
)
