package sqsserver_test

const (
	unchecked   = "LocalStack 4.14 accepts it; AWS's API reference gives the limit"
	notEnforced = "LocalStack 4.14 enforces it only if configured to; AWS always does"
	asItIs      = "LocalStack 4.14 moves the message unchanged; AWS documents that it becomes a new message"
)

// differences lists the tests that fail at endpoints other than this package and AWS, with the
// reason.
var differences = map[string]string{
	"TestRefusesNameForAMinuteAfterDeletion":           notEnforced,
	"TestPurgesQueue/again_within_a_minute_is_refused": notEnforced,

	"TestSetsQueueAttributesWithinTheirLimits/too_long_a_delay":              unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/a_negative_delay":              unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/a_delay_that_is_not_a_number":  unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_small_a_maximum_size":      unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_large_a_maximum_size":      unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_short_a_retention":         unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_long_a_retention":          unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_long_a_wait":               unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/too_long_a_visibility_timeout": unchecked,
	"TestSetsQueueAttributesWithinTheirLimits/a_policy_that_is_not_JSON":     unchecked,
	"TestRefusedAttributeChangesNothing":                                     unchecked,
	"TestSetsHighThroughputFIFO/needs_deduplication_by_group":                unchecked,
	"TestListsQueues/1001_at_once_is_refused":                                unchecked,
	"TestChangesPermissions/an_owner's_action_is_refused":                    unchecked,
	"TestRefusesMessages/too_long_a_delay":                                   unchecked,
	"TestRefusesMessageAttributes/more_than_ten":                             unchecked,
	"TestRefusesMessageAttributes/a_number_that_is_text":                     unchecked,
	"TestRefusesMessageAttributes/a_name_with_two_periods_in_a_row":          unchecked,
	"TestRefusesReceive/a_negative_number_of_messages":                       unchecked,
	"TestRefusesReceive/a_visibility_timeout_over_twelve_hours":              unchecked,
	"TestRefusesReceive/an_unknown_attribute":                                unchecked,
	"TestRefusesVisibilityChanges/over_twelve_hours":                         unchecked,
	"TestRefusesVisibilityChanges/negative":                                  unchecked,
	"TestRefusesVisibilityChanges/of_a_message_that_is_visible":              unchecked,
	"TestChecksRedriveAllowPolicy/no_queue_is_allowed":                       unchecked,
	"TestChecksRedriveAllowPolicy/another_queue_is_allowed":                  unchecked,
	"TestChecksRedriveAllowPolicy/nonsense_is_refused":                       unchecked,
	"TestRefusesRedrivePolicies":                                             unchecked,
	"TestBatchFailsInPart":                                                   "LocalStack 4.14 says SenderFault false and checks neither delay nor visibility timeout",
	"TestOldReceiptHandleDeletesNothing":                                     "LocalStack 4.14 deletes by any handle; AWS says to use the newest, others might not delete",
	"TestShowsAndRemovesRedrivePolicy":                                       "LocalStack 4.14 shows the policy as it was written; AWS shows maxReceiveCount as a number",
	"TestShowsEncryptionByKey":                                               "LocalStack 4.14 keeps SqsManagedSseEnabled beside a key and hides the default reuse period",
	"TestAttemptIDRepeatsReceive":                                            "LocalStack 4.14 takes the attempt's id and receives anew",
	"TestRefusesAttemptID":                                                   unchecked,
	"TestMovesDeadLettersBack":                                               asItIs,
}
