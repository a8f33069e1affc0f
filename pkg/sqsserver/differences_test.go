package sqsserver_test

// differences are the tests that fail at another endpoint than this package's, and why.
var differences = map[string]string{}
