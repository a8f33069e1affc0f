package sqsserver_test

const (
	unchecked   = "LocalStack 4.14 accepts it; AWS's API reference gives the limit"
	notEnforced = "LocalStack 4.14 enforces it only where configured to; AWS always does"
	asItIs      = "LocalStack 4.14 moves the message as it is; AWS says that it becomes a new one"
)

// differences are the tests that fail at an endpoint which is neither this package nor AWS, and why.
var differences = map[string]string{
	"TestANameIsNotTakenAgainWithinAMinuteOfDeletion": notEnforced,
	"TestPurge/again_within_a_minute_is_refused":      notEnforced,

	"TestSettingAttributes/too_long_a_delay":                               unchecked,
	"TestSettingAttributes/a_negative_delay":                               unchecked,
	"TestSettingAttributes/a_delay_that_is_no_number":                      unchecked,
	"TestSettingAttributes/too_small_a_maximum_size":                       unchecked,
	"TestSettingAttributes/too_large_a_maximum_size":                       unchecked,
	"TestSettingAttributes/too_short_a_retention":                          unchecked,
	"TestSettingAttributes/too_long_a_retention":                           unchecked,
	"TestSettingAttributes/too_long_a_wait":                                unchecked,
	"TestSettingAttributes/too_long_a_visibility_timeout":                  unchecked,
	"TestSettingAttributes/a_policy_that_is_not_JSON":                      unchecked,
	"TestARefusedAttributeChangesNothing":                                  unchecked,
	"TestHighThroughputFIFO/needs_deduplication_by_group":                  unchecked,
	"TestListQueues/1001_at_once_is_refused":                               unchecked,
	"TestPermissions/an_owner's_action_is_refused":                         unchecked,
	"TestMessagesThatAreRefused/too_long_a_delay":                          unchecked,
	"TestMessageAttributesThatAreRefused/more_than_ten":                    unchecked,
	"TestMessageAttributesThatAreRefused/a_number_that_is_none":            unchecked,
	"TestMessageAttributesThatAreRefused/a_name_with_two_periods_in_a_row": unchecked,
	"TestReceivesThatAreRefused/a_negative_number_of_messages":             unchecked,
	"TestReceivesThatAreRefused/a_visibility_timeout_over_twelve_hours":    unchecked,
	"TestReceivesThatAreRefused/an_unknown_attribute":                      unchecked,
	"TestVisibilityChangesThatAreRefused/over_twelve_hours":                unchecked,
	"TestVisibilityChangesThatAreRefused/negative":                         unchecked,
	"TestVisibilityChangesThatAreRefused/of_a_message_that_is_visible":     unchecked,
	"TestRedriveAllowPolicy/none_is":                                       unchecked,
	"TestRedriveAllowPolicy/another_one_is":                                unchecked,
	"TestRedriveAllowPolicy/nonsense_is_refused":                           unchecked,
	"TestRedrivePoliciesThatAreRefused":                                    unchecked,
	"TestABatchFailsInPart":                                                "LocalStack 4.14 says SenderFault false and checks neither delay nor visibility timeout",
	"TestAnOldReceiptHandleDeletesNothing":                                 "LocalStack 4.14 deletes by any handle; AWS says to use the newest, others might not delete",
	"TestTheRedrivePolicyIsShownAndRemoved":                                "LocalStack 4.14 shows the policy as it was written; AWS shows maxReceiveCount as a number",
	"TestEncryptionByAKey":                                                 "LocalStack 4.14 keeps SqsManagedSseEnabled beside a key and hides the default reuse period",
	"TestAReceiveIsRepeatedByItsAttemptID":                                 "LocalStack 4.14 takes the attempt's id and receives anew",
	"TestAnAttemptIDIsRefused":                                             unchecked,
	"TestMovingDeadLettersBack":                                            asItIs,
}
