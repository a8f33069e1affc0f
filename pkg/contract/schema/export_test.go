package schema

// What the schema of a contract's document says too.
var (
	VocabularyDocument = vocabularyDocument
	Patterns           = map[string]string{"x-table": tablePattern.String(), "x-column": columnPattern.String(), "x-type": typePattern.String()}
)
