package sqsserver

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// settings are the attributes of a queue that its owner can set, with the limits and defaults of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html.
// A queue's settings are replaced as a whole, never changed in place.
type settings struct {
	texts   map[string]string // every attribute that has a value, as GetQueueAttributes returns it
	numbers map[string]int    // the numeric attributes
	redrive *redrivePolicy    // nil if the queue has none
	allow   redriveAllowPolicy
	fifo    bool
}

type bounds struct{ least, most, normal int }

var numeric = map[string]bounds{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, 1 << 20, 1 << 20},
	"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43_200, 30},
	"KmsDataKeyReusePeriodSeconds":  {60, 86_400, 300},
}

// choices are the attributes that have one of two values; the first is the default.
var choices = map[string][2]string{
	"SqsManagedSseEnabled":      {"true", "false"},
	"ContentBasedDeduplication": {"false", "true"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
	"FifoQueue":                 {"true", "false"},
}

var onlyFIFO = map[string]bool{
	"FifoQueue": true, "ContentBasedDeduplication": true, "DeduplicationScope": true, "FifoThroughputLimit": true,
}

func defaults(fifo bool) settings {
	set := settings{fifo: fifo, texts: map[string]string{}, numbers: map[string]int{}, allow: redriveAllowPolicy{Permission: allowAll}}
	for name, b := range numeric {
		set.numbers[name] = b.normal
		set.texts[name] = strconv.Itoa(b.normal)
	}
	for name, words := range choices {
		if fifo || !onlyFIFO[name] {
			set.texts[name] = words[0]
		}
	}
	delete(set.texts, "KmsDataKeyReusePeriodSeconds") // shown only if a key is set
	return set
}

// with returns the settings of the queue, changed by the attributes of a request.
func (s settings) with(c *call, queue queueKey, attributes map[string]string) (settings, error) {
	s.texts, s.numbers = maps.Clone(s.texts), maps.Clone(s.numbers)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := s.set(c, queue, name, attributes[name]); err != nil {
			return s, err
		}
	}
	if s.texts["FifoThroughputLimit"] == "perMessageGroupId" && s.texts["DeduplicationScope"] != "messageGroup" {
		return s, invalidAttributeValue.because("The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return s, nil
}

func (s *settings) set(c *call, queue queueKey, name, value string) error {
	if onlyFIFO[name] && !s.fifo {
		return invalidAttributeName.because("Unknown Attribute %s.", name)
	}
	if b, ok := numeric[name]; ok {
		return s.setNumber(name, value, b)
	}
	if words, ok := choices[name]; ok {
		return s.setChoice(name, value, words)
	}
	return s.setText(c, queue, name, value)
}

func (s *settings) setNumber(name, value string, b bounds) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < b.least || n > b.most {
		return invalidAttributeValue.because("Invalid value for the parameter %s.", name)
	}
	s.numbers[name] = n
	s.texts[name] = strconv.Itoa(n)
	return nil
}

func (s *settings) setChoice(name, value string, words [2]string) error {
	if name == "FifoQueue" && !strings.EqualFold(value, "true") {
		return invalidAttributeValue.because("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
	}
	for _, word := range words {
		if strings.EqualFold(value, word) {
			s.texts[name] = word
			return nil
		}
	}
	return invalidAttributeValue.because("Invalid value for the parameter %s.", name)
}

// setText sets an attribute that is a document or a name. An empty value removes it.
func (s *settings) setText(c *call, queue queueKey, name, value string) (err error) {
	switch name {
	case "RedrivePolicy":
		s.redrive, value, err = c.parseRedrivePolicy(queue, s.fifo, value)
	case "RedriveAllowPolicy":
		s.allow, value, err = parseRedriveAllowPolicy(value)
	case "Policy":
		err = checkPolicy(value)
	case "KmsMasterKeyId":
		s.setKey(value)
	default:
		err = invalidAttributeName.because("Unknown Attribute %s.", name)
	}
	if err != nil {
		return err
	}
	s.put(name, value)
	return nil
}

func (s *settings) put(name, value string) {
	if s.texts[name] = value; value == "" {
		delete(s.texts, name)
	}
}

// setKey changes the attributes that follow from the owner's encryption key; an empty id means
// encryption by SQS. The server does not encrypt: clients see only the attributes.
func (s *settings) setKey(id string) {
	s.texts["SqsManagedSseEnabled"] = strconv.FormatBool(id == "")
	if id != "" {
		s.texts["KmsDataKeyReusePeriodSeconds"] = strconv.Itoa(s.numbers["KmsDataKeyReusePeriodSeconds"])
	}
}

// retention returns the retention period in milliseconds.
func (s *settings) retention() int64 { return int64(s.numbers["MessageRetentionPeriod"]) * 1000 }

// withPolicy returns the settings with another access policy; "" removes it.
func (s settings) withPolicy(text string) settings {
	s.texts = maps.Clone(s.texts)
	s.put("Policy", text)
	return s
}
