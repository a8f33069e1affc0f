// Package secrets gives the functions what they must not be configured with in the clear: the database's user and password,
// and the masking keyring.
//
// A Lambda function lives for hours and secrets rotate under it. So a secret here is a question that can be asked at any
// time, answered from memory while the answer is fresh: a keyring is read again within minutes of its rotation, a password as soon as the
// database refuses the old one, and when Secrets Manager cannot be reached the last good value stays in use.
//
// Errors name the setting that is wrong and what to do. They never hold a secret, nor the text of a parser that has read one.
package secrets
