package reveal

// For tests.
var (
	Place      = place
	ParsePlace = parsePlace
)
