package sqsserver

import (
	"regexp"
	"strconv"
	"strings"
)

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// checkAttributeName holds the name to
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html.
func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case len(name) > 256:
		return invalidParameter.because("Message (user) attribute names must be shorter than 256 Bytes")
	case !attributeName.MatchString(name) || strings.Contains(name, ".."):
		return invalidParameter.because("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. ")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || name[0] == '.' || name[len(name)-1] == '.':
		return invalidParameter.because("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	return nil
}

// check holds type and value to the same page.
func (a *attribute) check() error {
	kind, _, _ := strings.Cut(a.dataType, ".")
	switch {
	case a.dataType == "":
		return invalidParameter.because("The message attribute '%s' must contain non-empty message attribute type.", a.name)
	case len(a.dataType) > 256:
		return invalidParameter.because("Message (user) attribute types must be shorter than 256 Bytes")
	case kind != "String" && kind != "Number" && kind != "Binary":
		return invalidParameter.because("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", a.name)
	case a.text == "":
		return invalidParameter.because("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", a.name, kind)
	case kind != "Binary" && !allowedText(a.text):
		return invalidParameter.because(badCharacters)
	case kind == "Number" && !isNumber(a.text):
		return invalidParameter.because("Can't cast the value of message (user) attribute '%s' to a number.", a.name)
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.Trim(text, "+-.0123456789eE") == ""
}
